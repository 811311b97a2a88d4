from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.running import RunReport, RunResult, RunStatus
from gateway.sandbox.languages import Script
from gateway.sandbox.report import FIXED, NO_COMMAND, NonsenseError, Progress
from tests.fakes.sandboxes import options
from tests.fakes.ticks import Ticks

LATE = RunResult(RunStatus.TIMEOUT, "late")
PASSED, FAILED, NOT_RUN = RunStatus.PASSED, RunStatus.FAILED, RunStatus.NOT_RUN
CRASHED, TIMEOUT = RunStatus.CRASHED, RunStatus.TIMEOUT


def progress(*lines: str, cases: int = 2, python: bool = True) -> Progress:
    script = Script("one\ntwo\n", ("one",) * cases, python=python)
    told = Progress(script, options(case_s=2.0, cpu_s=5, memory_mib=64), Ticks())
    for line in lines:
        told.hear(line.encode())
    return told


def ended(words: str) -> RunResult:
    return progress("ready", "source passed", f"case {words}").report(LATE).cases[0]


def statuses(report: RunReport) -> list[RunStatus]:
    return [report.source.status, *(case.status for case in report.cases)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], [TIMEOUT, NOT_RUN, NOT_RUN]),
        (["ready"], [TIMEOUT, NOT_RUN, NOT_RUN]),
        (["ready", "source passed"], [PASSED, TIMEOUT, NOT_RUN]),
        (["ready", "source passed", "case passed"], [PASSED, PASSED, TIMEOUT]),
        (["ready", "source passed", "case exited 0", "case passed"], [PASSED, FAILED, PASSED]),
        (["ready", "source exited 1"], [FAILED, NOT_RUN, NOT_RUN]),
    ],
)
def test_at_any_moment_the_report_has_what_is_known(lines, expected) -> None:
    told = progress(*lines)
    assert statuses(told.report(LATE)) == expected
    assert told.complete == (LATE not in (told.report(LATE).source, *told.report(LATE).cases))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["ready"], [TIMEOUT, NOT_RUN]),
        (["ready", "source passed"], [TIMEOUT, NOT_RUN]),
        (["ready", "source passed", "case passed"], [PASSED, TIMEOUT]),
        (["ready", "source passed", "case exited 1"], [FAILED, NOT_RUN]),
        (["ready", "source passed", "case passed", "case signal 11"], [PASSED, CRASHED]),
    ],
)
def test_in_another_language_the_first_case_is_the_source(lines, expected) -> None:
    told = progress(*lines, python=False)
    assert statuses(told.report(LATE)) == expected
    assert told.complete == (LATE not in (told.report(LATE).source, *told.report(LATE).cases))


def test_a_launch_that_fails_means_that_there_is_no_command() -> None:
    told = progress("ready", "source failed FileNotFoundError source 4", python=False)
    assert told.complete
    assert told.report(LATE) == RunReport(NO_COMMAND, (NO_COMMAND,))
    wrong = progress("ready", "source passed", "case failed OSError source 6", python=False)
    assert wrong.report(LATE).source == RunResult(CRASHED, "it could not be started")


def test_what_nobody_could_run_has_one_reason_for_all_of_it() -> None:
    nothing = RunResult(NOT_RUN, "no sandbox")
    assert progress().report(nothing) == RunReport(nothing, (nothing, nothing))


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ("passed", PASSED, ""),
        ("timeout", TIMEOUT, "it took longer than 2 s"),
        ("signal 24", TIMEOUT, "it used more than 5 s of processor time"),
        ("signal 9", CRASHED, "it was ended by SIGKILL, as for want of memory or of time"),
        ("signal 11", CRASHED, "it was ended by SIGSEGV"),
        ("signal 40", CRASHED, "it was ended by signal 40"),
        ("exited 0", FAILED, "it ended before its end, with exit status 0"),
        ("memory", CRASHED, "its processes took more than 64 MiB of memory together"),
        ("failed KeyError case 1", FAILED, "KeyError in line 1 of the case"),
        ("failed KeyError source 2", FAILED, "KeyError in line 2 of the source"),
        ("failed KeyError case 9", FAILED, "KeyError in the case"),
        ("failed KeyError case 0", FAILED, "KeyError in the case"),
        ("failed KeyError case 9" * 9, FAILED, FIXED["forged"].reason),
        ("failed KeyError secret x", FAILED, "KeyError in the source"),
        ("failed - case 1", FAILED, "an exception of the program's own in line 1 of the case"),
        ("failed print case 1", FAILED, "an exception of the program's own in line 1 of the case"),
        ("failed Secret case 1", FAILED, "an exception of the program's own in line 1 of the case"),
        ("exited -1", FAILED, FIXED["forged"].reason),
        ("signal 0", FAILED, FIXED["forged"].reason),
        ("secret", FAILED, FIXED["forged"].reason),
        ("", FAILED, FIXED["forged"].reason),
    ],
)
def test_words_become_a_status_and_a_reason_without_the_programs_text(
    words: str, status: RunStatus, reason: str
) -> None:
    assert ended(words) == RunResult(status, reason)


@pytest.mark.parametrize(
    "lines",
    [
        ["source passed"],
        ["ready", "ready"],
        ["ready", "case passed"],
        ["ready", "source passed", "source passed"],
        ["readyish"],
        [""],
        ["\x00\x80"],
    ],
)
def test_a_line_that_cannot_be_next_is_nonsense(lines: list[str]) -> None:
    with pytest.raises(NonsenseError):
        progress(*lines)


def test_time_counts_from_the_first_line() -> None:
    clock = Ticks()
    told = Progress(Script("", ()), options(), clock)
    clock.move(5)
    assert told.report(LATE).elapsed_s == 0
    told.hear(b"ready")
    clock.move(2)
    assert told.report(LATE).elapsed_s == 2


@given(st.text(max_size=40))
def test_whatever_a_program_says_for_the_runner_no_reason_repeats_it(words: str) -> None:
    marked = f"Zq{words}"
    assert "Zq" not in ended(marked.replace("\n", " ")).reason
    assert "Zq" not in ended(f"failed {marked} {marked} {marked}".replace("\n", " ")).reason


def test_a_reason_is_short_whatever_the_words() -> None:
    assert all(len(result.reason) < 200 for result in FIXED.values())
    assert len(ended("exited 999999999").reason) < 200

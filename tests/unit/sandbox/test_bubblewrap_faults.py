"""A bwrap that does not do what it should: each fault has its words, and nothing stays behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.running import Program, RunReport, RunStatus
from gateway.sandbox import bubblewrap, contained, trouble
from gateway.sandbox.bubblewrap import BubblewrapExecutor
from tests.fakes.sandboxes import options

PROGRAM = Program("python", "pass", ("pass", "pass"))
PASSED, TIMEOUT, CRASHED = RunStatus.PASSED, RunStatus.TIMEOUT, RunStatus.CRASHED
NOT_RUN = RunStatus.NOT_RUN
NONSENSE = "the sandbox gave an answer that makes no sense"
HANG = "exec sleep 999"

Make = Callable[[str], BubblewrapExecutor]


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make an executor whose bwrap is a script."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bubblewrap, "START_S", 1.0)
    monkeypatch.setattr(contained, "INFO_S", 0.05)
    monkeypatch.setattr(contained, "END_S", 0.3)

    def make(script: str) -> BubblewrapExecutor:
        path = tmp_path / "bwrap"
        path.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return BubblewrapExecutor(options(bwrap=str(path), wall_s=1.0))

    return make


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path):
    yield
    noted = tmp_path / "pid"
    if noted.exists():
        assert not Path("/proc", noted.read_text(encoding="utf-8").strip()).exists()


async def run(executor: BubblewrapExecutor) -> RunReport:
    return await executor.run(PROGRAM, 60.0)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 7", "bwrap ended with exit status 7"),
        ("echo 'bwrap: oh' >&2; exit 1", "bwrap ended with exit status 1: bwrap: oh"),
        ("kill -9 $$", "bwrap ended with exit status -9"),
        ("echo rubbish", NONSENSE),
        ("echo case passed", NONSENSE),
        ("exec head -c 200000 /dev/zero", trouble.SILENT),
        (HANG, "the sandbox did not start within 1 s"),
        (f"exec >&-; {HANG}", trouble.SILENT),
        (f"trap '' TERM INT HUP; {HANG}", "the sandbox did not start within 1 s"),
    ],
)
async def test_a_sandbox_that_does_not_start_leaves_the_program_unrun(
    broken: Make, script: str, reason: str
) -> None:
    report = await run(broken(script))
    assert [end.status for end in (report.source, *report.cases)] == [NOT_RUN] * 3
    assert {end.reason for end in (report.source, *report.cases)} == {reason}


@pytest.mark.parametrize(
    ("script", "expected", "reason"),
    [
        ("echo ready", [CRASHED, NOT_RUN, NOT_RUN], "it brought the sandbox to its end"),
        (f"echo ready; {HANG}", [TIMEOUT, NOT_RUN, NOT_RUN], "it took longer than 1 s"),
        (f"echo ready; echo rubbish; {HANG}", [NOT_RUN] * 3, NONSENSE),
        (
            f"echo ready; echo; {HANG}",
            [CRASHED, NOT_RUN, NOT_RUN],
            "it brought the sandbox to its end",
        ),
        (
            "echo ready; exec head -c 200000 /dev/zero",
            [CRASHED, NOT_RUN, NOT_RUN],
            "it brought the sandbox to its end",
        ),
    ],
)
async def test_a_sandbox_that_breaks_down_is_told_from_one_that_works(
    broken: Make, script: str, expected: list[RunStatus], reason: str
) -> None:
    report = await run(broken(script))
    assert [end.status for end in (report.source, *report.cases)] == expected
    assert report.source.reason == reason


async def test_what_was_heard_before_the_end_is_believed_but_not_kept(broken: Make) -> None:
    executor = broken("printf 'ready\\nsource passed\\ncase passed\\n'")
    report = await run(executor)
    assert [end.status for end in (report.source, *report.cases)] == [PASSED, PASSED, CRASHED]
    assert await run(executor) is not report


async def test_rubbish_after_some_results_leaves_the_rest_unknown(broken: Make) -> None:
    executor = broken(f"printf 'ready\\nsource passed\\nrubbish\\n'; {HANG}")
    report = await run(executor)
    assert [end.status for end in (report.source, *report.cases)] == [PASSED, NOT_RUN, NOT_RUN]
    assert await run(executor) is not report


async def test_a_limit_of_the_options_is_the_programs_and_is_kept(broken: Make) -> None:
    executor = broken(f"echo ready; {HANG}")
    report = await run(executor)
    assert await run(executor) is report


async def test_a_missing_bwrap_is_said_with_the_package() -> None:
    executor = BubblewrapExecutor(options(bwrap="no-such-bwrap"))
    assert (await run(executor)).source.reason == trouble.NO_BWRAP
    assert await executor.probe() == trouble.NO_BWRAP


async def test_a_bwrap_that_is_no_program_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    path = tmp_path / "bwrap"
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    executor = BubblewrapExecutor(options(bwrap=str(path)))
    assert await executor.probe() == f"{path} could not be started: Exec format error"


async def test_namespaces_that_are_forbidden_are_explained(broken: Make) -> None:
    executor = broken("echo 'bwrap: No permissions to create new namespace' >&2; exit 1")
    assert trouble.NAMESPACES in await executor.probe()

"""Programs in a real sandbox: what is reported, what is shared, and how many run at once."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.running import Program, RunStatus
from gateway.sandbox import bubblewrap
from gateway.sandbox.bubblewrap import BubblewrapExecutor
from gateway.sandbox.report import PASSED as PASS
from tests.fakes.sandboxes import LONG_S, Sandbox, needs_sandbox, options, statuses

pytestmark = needs_sandbox()

PASSED, FAILED, NOT_RUN = RunStatus.PASSED, RunStatus.FAILED, RunStatus.NOT_RUN
CRASHED, TIMEOUT = RunStatus.CRASHED, RunStatus.TIMEOUT
SH = {"sh": ("/bin/sh", "{file}.sh")}


class Gate:
    """Holds the running programs where the runner is ready, and says when one is there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self.passed = 0
        self._follow = bubblewrap._follow
        monkeypatch.setattr(bubblewrap, "_follow", self)

    async def __call__(self, *arguments):
        self.reached.set()
        await self.opened.wait()
        self.passed += 1
        return await self._follow(*arguments)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


async def test_each_case_runs_from_where_the_source_ended() -> None:
    report = await Sandbox().run(
        "from __future__ import annotations\nseen = []\ndef add(x): seen.append(x); return seen",
        "assert add(1) == [1]",
        "assert add(2) == [2]",
        "\n\nassert add(3) == [3]; add()",
        "def f(x: Unknown): pass",
        "assert __name__ == '__main__'\nimport __main__\nassert __main__.seen is seen",
    )
    assert statuses(report) == [PASSED, PASSED, PASSED, FAILED, PASSED, PASSED]
    assert report.cases[2].reason == "TypeError in line 3 of the case"
    assert report.elapsed_s > 0


async def test_a_failing_line_is_named_where_it_is() -> None:
    report = await Sandbox().run(
        "import json\ndef f(x):\n    return 1 / x\nclass Own(Exception): pass",
        "f(0)",
        "\nraise Own",
        "json.loads('{')",
        "x = (",
    )
    assert [case.reason for case in report.cases] == [
        "ZeroDivisionError in line 3 of the source",
        "an exception of the program's own in line 2 of the case",
        "an exception of the program's own in line 1 of the case",
        "SyntaxError in line 1 of the case",
    ]


async def test_cases_of_a_source_that_fails_are_not_run() -> None:
    report = await Sandbox().run("x = 1\nassert x == 2", "pass", "pass")
    assert report.source.reason == "AssertionError in line 2 of the source"
    assert [case.reason for case in report.cases] == ["the source did not run to its end"] * 2


async def test_what_a_source_leaves_is_there_for_each_case_and_what_a_case_leaves_for_none() -> (
    None
):
    report = await Sandbox().run(
        "open('/tmp/own', 'w').write('1')",
        "assert open('/tmp/own').read() == '1'\nopen('/tmp/own', 'w').write('2')",
        "assert open('/tmp/own').read() == '1'\nopen('/tmp/other', 'w')",
        "import os\nassert os.listdir('/tmp') == ['own']",
    )
    assert statuses(report) == [PASSED] * 4


async def test_a_process_that_a_source_leaves_keeps_no_case_from_running() -> None:
    report = await Sandbox().run(
        "import os, time\nif not os.fork(): time.sleep(999)", "assert True", "assert 0", "assert 1"
    )
    assert statuses(report) == [PASSED, PASSED, FAILED, PASSED]


async def test_what_a_case_shares_with_its_source_counts_once() -> None:
    report = await Sandbox(memory_mib=96).run(
        "import time\ndata = bytearray(b'x') * (60 << 20)", "time.sleep(0.2)\nassert data"
    )
    assert statuses(report) == [PASSED, PASSED]


async def test_a_source_that_does_not_pass_again_leaves_later_cases_unknown() -> None:
    report = await Sandbox().run(
        "import os\nassert os.getpid() < 3", "open('/tmp/x', 'w')", "assert True", "assert True"
    )
    assert statuses(report) == [PASSED, PASSED, NOT_RUN, NOT_RUN]


async def test_a_program_that_breaks_the_sandbox_has_crashed() -> None:
    report = await Sandbox().run(
        "import resource, time",
        "resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0))\ntime.sleep(9)",
        "assert True",
    )
    assert statuses(report) == [PASSED, CRASHED, NOT_RUN]
    assert report.cases[0].reason == "it brought the sandbox to its end"


async def test_another_language_is_run_by_its_command() -> None:
    sandbox = Sandbox(languages=SH, case_s=1.0)
    report = await sandbox.run(
        "a=1\ntrap 'exit 9' TERM",
        '[ "$a" = 1 ]',
        "exit 3",
        "kill -9 $$",
        "while true; do :; done",
        "echo x > /tmp/x; b=1",
        '[ ! -e /tmp/x ] && [ -z "$b" ]',
        language="sh",
    )
    assert statuses(report) == [PASSED, PASSED, FAILED, CRASHED, TIMEOUT, PASSED, PASSED]
    assert report.cases[1].reason == "it ended with exit status 3"


async def test_a_source_of_another_language_that_fails_ends_the_program() -> None:
    report = await Sandbox(languages=SH).run("exit 1", "true", language="sh")
    assert statuses(report) == [FAILED, NOT_RUN]


async def test_a_language_without_a_command_here_is_not_run() -> None:
    sandbox = Sandbox(languages={"x": ("missing-command", "{file}")})
    assert "not in the sandbox" in (await sandbox.run("", "", language="x")).source.reason
    report = await sandbox.run("", "", language="rust")
    assert statuses(report) == [NOT_RUN, NOT_RUN]
    assert report.source.reason == (
        "nothing runs rust programs here: say how in the table sandbox.languages"
    )


async def test_a_program_runs_once_for_all_who_ask_and_for_those_who_ask_later(gate: Gate) -> None:
    executor, program = Sandbox().executor, Program("python", "pass", ("pass",))
    runs = [asyncio.create_task(executor.run(program, LONG_S)) for _ in range(3)]
    await gate.reached.wait()
    runs[0].cancel()
    gate.opened.set()
    first, second, third = await asyncio.gather(*runs, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert second is third
    assert second is await executor.run(program, LONG_S)
    assert gate.passed == 1


async def test_the_time_of_one_caller_is_over_and_the_other_has_its_report(gate: Gate) -> None:
    sandbox, program = Sandbox(), Program("python", "pass", ("pass",))
    patient = asyncio.create_task(sandbox.executor.run(program, LONG_S))
    await gate.reached.wait()
    report = await sandbox.executor.run(program, 0.01)
    assert statuses(report) == [NOT_RUN, NOT_RUN]
    assert report.source.reason == "the time that the caller had for it was over"
    gate.opened.set()
    assert statuses(await patient) == [PASSED, PASSED]


async def test_a_program_that_waits_too_long_for_a_place_is_not_run(gate: Gate) -> None:
    sandbox = Sandbox(max_running=1, max_waiting=1)
    first = asyncio.create_task(sandbox.executor.run(Program("python", "a = 1"), LONG_S))
    await gate.reached.wait()
    second = asyncio.create_task(sandbox.executor.run(Program("python", "a = 2"), LONG_S))
    third = asyncio.create_task(sandbox.executor.run(Program("python", "a = 3"), LONG_S))
    assert (await third).source.reason == "too many programs wait for a place in the sandbox"
    late = await sandbox.executor.run(Program("python", "a = 2"), 0.01)
    assert late.source.status is NOT_RUN
    gate.opened.set()
    assert [(await run).source for run in (first, second)] == [PASS, PASS]
    assert gate.passed == 2
    # A place that nobody got is nobody's fault, and is not remembered.
    assert (await sandbox.run("a = 3")).source == PASS


async def test_reports_of_a_run_that_was_cut_short_are_not_kept() -> None:
    sandbox, program = Sandbox(), Program("python", "import time\ntime.sleep(0.3)", ("pass",))
    short = await sandbox.executor.run(program, 0.1)
    assert statuses(short) == [NOT_RUN, NOT_RUN]
    assert sandbox.left() == []
    assert statuses(await sandbox.run(program.source, *program.cases)) == [PASSED, PASSED]


async def test_no_time_at_all_is_no_run() -> None:
    report = await Sandbox().executor.run(Program("python", "pass", ("pass",)), 0)
    assert statuses(report) == [NOT_RUN, NOT_RUN]


async def test_a_source_longer_than_a_pipe_is_run() -> None:
    text = f"x = '{'x' * 300_000}'"
    report = await Sandbox().run(text, f"{text}\nassert len(x) == 300_000", "assert len(x)")
    assert statuses(report) == [PASSED] * 3


async def test_no_descriptor_is_left_in_the_gateway() -> None:
    sandbox = Sandbox()
    await sandbox.run("a = 0")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(1, 6):
        await sandbox.run(f"a = {number}", "assert 0")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_gateway_on_uvloop_can_run_programs() -> None:
    async def main() -> None:
        sandbox = Sandbox()
        assert await sandbox.executor.probe() == ""
        assert statuses(await sandbox.run("a = 1", "assert a", "assert not a"))[1:] == [
            PASSED,
            FAILED,
        ]

    uvloop.run(main())


async def test_the_interpreter_of_the_gateway_is_used_where_it_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    report = await BubblewrapExecutor(options()).run(
        Program("python", "import ssl, ctypes"), LONG_S
    )
    assert report.source == PASS


async def test_a_bwrap_without_disable_userns_is_started_again_without_it(tmp_path: Path) -> None:
    old = tmp_path / "bwrap"
    old.write_text(
        '#!/bin/sh\nfor word; do [ "$word" != --disable-userns ] || {\n'
        'echo "bwrap: Unknown option --disable-userns" >&2; exit 1; }; done\nexec bwrap "$@"\n',
        encoding="utf-8",
    )
    for path in (old, *old.parents[:-2]):
        path.chmod(0o755)
    sandbox = Sandbox(bwrap=str(old))
    assert await sandbox.executor.probe() == ""
    assert (await sandbox.run("a = 1")).source == PASS


NUMBERS = st.integers(-3, 3)
BODIES = st.sampled_from(["x", "x + {0}", "x * {0}", "x // {0}", "[x][{0}]", "{{}}[x]", "-x % {0}"])
CASES = st.tuples(NUMBERS, NUMBERS, st.sampled_from(["==", "!=", "<", ">="])).map(
    lambda case: f"assert f({case[0]}) {case[2]} {case[1]}"
)


def agrees(source: str, case: str) -> bool:
    names: dict[str, object] = {}
    try:
        exec(source, names)
        exec(case, names)
    except (ArithmeticError, AssertionError, LookupError):
        return False
    return True


@settings(max_examples=12, deadline=None)
@given(BODIES, NUMBERS, st.lists(CASES, min_size=1, max_size=12))
def test_a_case_passes_when_and_only_when_it_passes_elsewhere(body, number, cases) -> None:
    source = f"def f(x):\n    return {body.format(number)}\n# {random.random()}"
    report = asyncio.run(Sandbox().run(source, *cases))
    assert report.source == PASS
    assert [case == PASS for case in report.cases] == [agrees(source, case) for case in cases]

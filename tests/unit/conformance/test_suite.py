"""Whatever a scenario does, it ends in time, nothing of it is left, and the next one runs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tests.conformance import processes, suite
from tests.conformance.rig import Scenario
from tests.conformance.rows import Row
from tests.fakes.virtual import VirtualClock, run_virtual

Run = Callable[[Any, Row], Awaitable[None]]
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); "


def scenario(run: Run) -> Scenario:
    return Scenario("a scenario", "", "a purpose", "", run)


@asynccontextmanager
async def nothing(teardown: Callable[[], Awaitable[None]] | None = None) -> AsyncGenerator[Any]:
    try:
        yield None
    finally:
        if teardown is not None:
            await teardown()


async def forever() -> None:
    await asyncio.Event().wait()


async def good(_: object, row: Row) -> None:
    row.sent = 1


def judged(run: Run, opening: AbstractAsyncContextManager[Any] | None = None) -> tuple[Row, float]:
    """Return the row and how long it took; nothing may be left, however the scenario ends."""
    clock, row = VirtualClock(), Row("a scenario", "a purpose")

    async def main() -> None:
        before = asyncio.all_tasks()
        await suite.judge(scenario(run), row, opening or nothing())
        assert asyncio.all_tasks() == before

    started = clock()
    run_virtual(clock, main())
    return row, clock() - started


async def started(code: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    processes.RUNNING.add(process)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


def test_a_scenario_that_does_what_it_should_is_no_miss() -> None:
    row, _ = judged(good)
    assert (row.verdict, row.sent) == ("ok", 1)


def test_one_task_of_two_thousand_raises_while_the_others_hold_open_streams() -> None:
    async def one(number: int) -> None:
        if number == 500:
            raise TypeError("a gap that is no number")
        await forever()

    async def run(_: object, __: Row) -> None:
        await asyncio.gather(*(one(number) for number in range(2000)))

    row, took_s = judged(run)
    (missed,) = row.misses
    assert missed.startswith("TypeError: a gap that is no number")
    assert took_s < suite.CLEARING_S


def test_one_task_of_two_thousand_raises_while_the_scenario_waits_for_something_else() -> None:
    async def run(_: object, __: Row) -> None:
        async def one(number: int) -> None:
            if number == 500:
                raise TypeError
            await forever()

        work = asyncio.gather(*(one(number) for number in range(2000)))
        await forever()
        await work

    row, took_s = judged(run)
    capped, place = row.misses
    assert capped == "it did not end within 60 s"
    assert place.startswith("it was cancelled (test_suite.py:")
    assert took_s <= suite.LONGEST_S + suite.CLEARING_S


def test_a_timeout_within_the_scenario_is_told_with_its_place() -> None:
    async def run(_: object, __: Row) -> None:
        async with asyncio.timeout(5):
            await forever()

    row, took_s = judged(run)
    (missed,) = row.misses
    assert missed.startswith("TimeoutError:")
    assert "test_suite.py:" in missed
    assert took_s == pytest.approx(5)


def test_a_scenario_that_awaits_a_call_it_cancelled_does_not_end_the_suite() -> None:
    async def run(_: object, __: Row) -> None:
        raise asyncio.CancelledError

    row, _ = judged(run)
    assert row.misses[0].startswith("it was cancelled")


def test_a_teardown_that_hangs_is_given_up() -> None:
    row, took_s = judged(forever_scenario, nothing(forever))
    assert row.misses[0] == "it did not end within 60 s"
    assert took_s <= suite.LONGEST_S + suite.CLEARING_S + suite.STUBBORN_S


async def forever_scenario(_: object, __: Row) -> None:
    await forever()


def test_a_teardown_that_hangs_after_a_good_scenario_is_a_miss() -> None:
    row, took_s = judged(good, nothing(forever))
    assert row.misses[0] == "it did not end within 60 s"
    assert took_s <= suite.LONGEST_S + suite.CLEARING_S + suite.STUBBORN_S


@pytest.mark.parametrize(("refusals", "named"), [(2, False), (6, True)])
def test_a_task_that_refuses_to_end_is_cancelled_again_and_named_at_last(
    refusals: int, named: bool
) -> None:
    row = Row("a scenario", "a purpose")
    clock = VirtualClock()

    async def stubborn() -> None:
        for _ in range(refusals):
            try:
                await forever()
            except asyncio.CancelledError:
                continue
        await forever()

    async def run(_: object, __: Row) -> None:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        assert not task.done()

    async def main() -> None:
        await suite.judge(scenario(run), row, nothing())
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            while not task.done():
                task.cancel()
                await asyncio.sleep(0)

    run_virtual(clock, main())
    assert any("1 tasks did not end" in missed for missed in row.misses) is named
    assert clock() - 1000 <= suite.STUBBORN_S


def test_the_next_scenario_runs_after_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "rig", lambda *_: nothing())
    monkeypatch.setattr(suite, "keep_grpc", lambda: None)
    said: list[str] = []

    async def main() -> list[Row]:
        return await suite.run([scenario(forever_scenario), scenario(good)], said.append)

    rows = run_virtual(VirtualClock(), main())
    assert [row.verdict for row in rows] == ["MISS", "ok"]
    assert len(said) == 2


async def test_a_process_that_is_left_behind_is_killed_by_its_id() -> None:
    there: list[asyncio.subprocess.Process] = []

    async def run(_: object, __: Row) -> None:
        there.append(await started(STUBBORN + "time.sleep(60)"))

    row = Row("a scenario", "a purpose")
    await suite.judge(scenario(run), row, nothing())
    assert row.misses == ["1 processes had to be killed"]
    assert there[0].returncode == -9
    assert not processes.RUNNING


async def test_processes_that_ran_before_the_scenario_are_left_alone() -> None:
    process = await started(STUBBORN + "time.sleep(60)")
    row = Row("a scenario", "a purpose")
    await suite.judge(scenario(good), row, nothing())
    assert (row.verdict, process.returncode) == ("ok", None)
    await processes.kill(process)
    assert process.returncode == -9


async def test_a_process_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_S", 0.5)
    process = await started(STUBBORN + "time.sleep(60)")
    await processes.end(process)
    assert process.returncode == -9
    assert not processes.RUNNING


def test_a_blocked_loop_ends_the_suite_with_the_name_of_the_scenario(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ends: list[int] = []
    monkeypatch.setattr(os, "_exit", ends.append)
    suite.give_up("a scenario")
    assert ends == [suite.BLOCKED_EXIT]
    said = capfd.readouterr().err
    assert "MISS a scenario" in said
    assert "test_suite.py" in said

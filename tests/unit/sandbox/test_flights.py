from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.core.running import RunReport
from gateway.sandbox.flights import OVERDUE, Flights, Landing
from gateway.sandbox.languages import Script
from gateway.sandbox.report import PASSED, Progress
from tests.fakes.sandboxes import options
from tests.fakes.virtual import VirtualClock, run_virtual


class Scene:
    """Flights that take a second each."""

    def __init__(self, max_kept: int = 2) -> None:
        self.clock = VirtualClock()
        self.begun = 0
        self.ended = 0
        self.lasting = True
        self.flights = Flights(self._work, max_kept)

    async def _work(self, progress: Progress) -> Landing:
        self.begun += 1
        try:
            await asyncio.sleep(1)
        finally:
            self.ended += 1
        return Landing(progress.report(PASSED), lasting=self.lasting)

    async def ask(self, key: bytes = b"a", timeout_s: float = 9.0) -> RunReport:
        progress = Progress(Script("", ()), options(), self.clock)
        return await self.flights.report(key, progress, timeout_s)

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        run_virtual(self.clock, main)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_callers_at_the_same_time_share_one_run(scene: Scene) -> None:
    async def main() -> None:
        reports = await asyncio.gather(scene.ask(), scene.ask(), scene.ask(b"b"))
        assert [report.source for report in reports] == [PASSED] * 3
        assert reports[0] is reports[1]
        assert scene.begun == 2

    scene.run(main())


def test_a_leader_that_leaves_takes_nothing_from_the_others(scene: Scene) -> None:
    async def main() -> None:
        leader = asyncio.create_task(scene.ask())
        follower = asyncio.create_task(scene.ask())
        await asyncio.sleep(0.5)
        leader.cancel()
        assert (await follower).source == PASSED
        assert leader.cancelled()
        assert scene.begun == 1

    scene.run(main())


def test_the_last_to_leave_ends_the_run_and_waits_for_that(scene: Scene) -> None:
    async def main() -> None:
        callers = [asyncio.create_task(scene.ask()) for _ in range(2)]
        await asyncio.sleep(0.5)
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        assert (scene.begun, scene.ended) == (1, 1)
        assert (await scene.ask()).source == PASSED
        assert scene.begun == 2

    scene.run(main())


def test_who_has_no_more_time_is_told_so_and_the_run_goes_on_for_others(scene: Scene) -> None:
    async def main() -> None:
        patient = asyncio.create_task(scene.ask())
        assert (await scene.ask(timeout_s=0.5)).source == OVERDUE
        assert (await patient).source == PASSED
        assert (await scene.ask(b"b", timeout_s=0.5)).source == OVERDUE
        assert (scene.begun, scene.ended) == (2, 2)

    scene.run(main())


def test_the_reports_asked_for_last_are_kept(scene: Scene) -> None:
    async def main() -> None:
        first = await scene.ask(b"a")
        await scene.ask(b"b")
        assert await scene.ask(b"a") is first
        await scene.ask(b"c")
        assert scene.begun == 3
        assert await scene.ask(b"a") is first
        await scene.ask(b"b")
        assert scene.begun == 4

    scene.run(main())


def test_what_says_nothing_about_the_program_is_not_kept(scene: Scene) -> None:
    async def main() -> None:
        scene.lasting = False
        await scene.ask()
        await scene.ask()
        assert scene.begun == 2

    scene.run(main())


def test_nothing_is_kept_when_nothing_may_be() -> None:
    scene = Scene(max_kept=0)

    async def main() -> None:
        await scene.ask()
        await scene.ask()
        assert scene.begun == 2

    scene.run(main())


def test_a_mistake_of_ours_reaches_everybody_and_is_not_remembered() -> None:
    async def work(_: Progress) -> Landing:
        raise ZeroDivisionError

    async def main() -> None:
        flights = Flights(work, 2)
        for _ in range(2):
            progress = Progress(Script("", ()), options(), VirtualClock())
            with pytest.raises(ZeroDivisionError):
                await flights.report(b"a", progress, 1.0)

    run_virtual(VirtualClock(), main())

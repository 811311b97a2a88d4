"""One look for all pages of a window."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.faults import Fault, invalid
from gateway.core.overview import Overview
from gateway.ingress.dashboard.look import LOOK_S, SharedLook, why_late
from tests.fakes.dashboards import EMPTY
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.fakes.watched import no_task_left


class Source:
    def __init__(self, takes_s: float = 1.0, fault: Fault | None = None) -> None:
        self.asked: list[float] = []
        self._takes_s = takes_s
        self._fault = fault

    async def __call__(self, window_s: float) -> Overview:
        self.asked.append(window_s)
        await asyncio.sleep(self._takes_s)
        if self._fault is not None:
            raise self._fault
        return EMPTY


def test_many_pages_are_one_look_and_each_window_is_its_own() -> None:
    clock, source = VirtualClock(), Source()
    look = SharedLook(source, 10.0, clock)

    async def main() -> None:
        await asyncio.gather(*(look.at(300) for _ in range(20)), look.at(3600))
        await look.at(300)
        clock.now += 10.0
        await look.at(300)

    run_virtual(clock, main())
    assert source.asked == [300.0, 3600.0, 300.0]


def test_a_look_that_takes_too_long_ends_for_all_and_the_next_one_begins_anew() -> None:
    clock, source = VirtualClock(), Source(takes_s=100.0)
    look = SharedLook(source, 10.0, clock)

    async def main() -> list[object]:
        began = clock()
        late = await asyncio.gather(look.at(300), look.at(300), return_exceptions=True)
        assert clock() == pytest.approx(began + LOOK_S)
        late += await asyncio.gather(look.at(300), return_exceptions=True)
        return list(late)

    assert [type(one) for one in run_virtual(clock, main())] == [TimeoutError] * 3
    assert len(source.asked) == 2


def test_a_fault_is_raised_to_all_and_not_kept() -> None:
    clock, source = VirtualClock(), Source(fault=invalid("window", "must be less"))
    look = SharedLook(source, 10.0, clock)

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(Fault, match="must be less"):
                await look.at(300)

    run_virtual(clock, main())
    assert len(source.asked) == 2


def test_who_leaves_does_not_end_the_look_of_the_others() -> None:
    clock, source = VirtualClock(), Source()
    look = SharedLook(source, 10.0, clock)

    async def main() -> Overview:
        leaver = asyncio.create_task(look.at(300))
        stayer = asyncio.create_task(look.at(300))
        await asyncio.sleep(0.5)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        return await stayer

    assert run_virtual(clock, main()) is EMPTY
    assert len(source.asked) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_look_that_all_have_left_ends_without_a_word(fails: bool) -> None:
    clock = VirtualClock()
    source = Source(fault=invalid("window", "no") if fails else None)
    look = SharedLook(source, 10.0, clock)

    async def main() -> None:
        async with no_task_left():
            leaver = asyncio.create_task(look.at(300))
            await asyncio.sleep(0.5)
            leaver.cancel()
            await asyncio.gather(leaver, return_exceptions=True)
            await asyncio.sleep(1.0)

    run_virtual(clock, main())


def test_closing_ends_the_looks_and_tells_who_waits() -> None:
    clock, source = VirtualClock(), Source()
    look = SharedLook(source, 10.0, clock)

    async def main() -> None:
        async with no_task_left():
            waiting = asyncio.create_task(look.at(300))
            await asyncio.sleep(0.5)
            await look.close()
            with pytest.raises(TimeoutError):
                await waiting

    run_virtual(clock, main())


def test_why_it_is_late() -> None:
    assert why_late(TimeoutError()) == "the numbers took too long to gather"
    assert why_late(invalid("window", "must be less")) == "window: must be less"

"""The wheel of deadlines, on a clock that jumps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("hpack")


from gateway.h2.aio.wheel import Wheel
from tests.fakes.virtual import VirtualClock, run_virtual


def _unheard(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    """Say nothing of what a test raises."""


def test_the_wheel_is_never_early_and_within_two_ticks() -> None:
    clock = VirtualClock()

    async def main() -> list[tuple[float, float]]:
        wheel, fired = Wheel(0.02), list[tuple[float, float]]()
        for number in range(200):
            at = clock() + number * 0.0137
            wheel.add(at, number, lambda at=at: fired.append((at, clock())))
        await asyncio.sleep(5)
        wheel.close()
        return fired

    fired = run_virtual(clock, main())
    assert len(fired) == 200
    assert all(0 <= now - at <= 0.041 for at, now in fired)


def test_all_that_is_due_comes_after_a_long_pause_and_the_rest_in_time() -> None:
    clock = VirtualClock()

    async def main() -> tuple[list[str], list[str]]:
        wheel, fired = Wheel(0.02), list[str]()
        for name, wait in (("a", 0.1), ("b", 5.0), ("c", 50.0), ("d", 1000.0)):
            wheel.add(clock() + wait, name, lambda name=name: fired.append(name))
        gone = wheel.add(clock() + 6.0, "e", lambda: fired.append("e"))
        wheel.remove(gone, "e")
        # The loop stands still.
        clock.now += 100.0
        await asyncio.sleep(0.05)
        at_once = list(fired)
        await asyncio.sleep(1000)
        return at_once, fired

    assert run_virtual(clock, main()) == (["a", "b", "c"], ["a", "b", "c", "d"])


def test_the_wheel_turns_on_whatever_one_of_its_calls_raises() -> None:
    clock = VirtualClock()

    async def main() -> list[str]:
        asyncio.get_running_loop().set_exception_handler(_unheard)
        wheel, fired = Wheel(0.02), list[str]()

        def broken() -> None:
            raise RuntimeError

        wheel.add(clock() + 0.1, "a", broken)
        wheel.add(clock() + 0.2, "b", lambda: fired.append("b"))
        await asyncio.sleep(1)
        wheel.add(clock() + 0.2, "c", lambda: fired.append("c"))
        await asyncio.sleep(1)
        return fired

    assert run_virtual(clock, main()) == ["b", "c"]

"""A loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class VirtualClock:
    """Seconds that pass only when the loop has nothing else to do."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Selector(selectors.SelectSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            # No timer is set: only a thread can wake the loop, or nothing ever will.
            events = super().select(5)
            if not events:
                raise RuntimeError("nothing will ever happen on this loop: it waits for good")
            return events
        events = super().select(0)
        if not events:
            self._clock.now += timeout
        return events


def run_virtual(clock: VirtualClock, main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on a loop of its own whose time is `clock`."""
    loop = asyncio.SelectorEventLoop(_Selector(clock))
    loop.time = clock  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)

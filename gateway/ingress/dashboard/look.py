"""One look at the gateway for all pages that show the same window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.core.faults import Fault
from gateway.core.overview import Overview, OverviewSource

LOOK_S = 5.0
"""Longest time that a look may take."""


class SharedLook:
    """Asks for the overview of a window at most every `keep_s` seconds, however many want it.

    It belongs to one event loop. `close` ends the looks that run; nobody looks after it.
    """

    def __init__(self, source: OverviewSource, keep_s: float, clock: Callable[[], float]) -> None:
        self._source = source
        self._keep_s = keep_s
        self._clock = clock
        self._kept: dict[int, tuple[float, Overview]] = {}
        self._running: dict[int, asyncio.Task[Overview]] = {}

    async def at(self, window: int) -> Overview:
        """Return the overview of a window of so many seconds, no older than `keep_s`.

        Windows are those that can be picked, so few are kept. Raises Fault as the source does, and
        TimeoutError when it takes too long.
        """
        kept = self._kept.get(window)
        if kept is not None and self._clock() - kept[0] < self._keep_s:
            return kept[1]
        task = self._running.get(window)
        if task is None:
            task = asyncio.create_task(self._look(window), name="dashboard look")
            self._running[window] = task
            task.add_done_callback(_looked_at)
        try:
            # Whoever leaves does not end the look of the others.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise TimeoutError from None  # the listener closes
            raise

    async def close(self) -> None:
        """End the looks that run."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _look(self, window: int) -> Overview:
        try:
            async with asyncio.timeout(LOOK_S):
                began = self._clock()
                overview = await self._source(float(window))
            self._kept[window] = (began, overview)
            return overview
        finally:
            del self._running[window]


def _looked_at(task: asyncio.Task[Overview]) -> None:
    """Take note of a failure, so that asyncio does not complain when all who waited have left."""
    if not task.cancelled():
        task.exception()


def why_late(error: Fault | TimeoutError) -> str:
    """Say to a reader why there is nothing new."""
    return error.message if isinstance(error, Fault) else "the numbers took too long to gather"

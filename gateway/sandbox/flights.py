"""One run of a program for all who ask for it at the same time, and its report for later."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.core.running import RunReport, RunResult, RunStatus
from gateway.core.value import value
from gateway.sandbox.report import Progress

OVERDUE: Final = RunResult(RunStatus.NOT_RUN, "the time that the caller had for it was over")


@value
class Landing:
    """A report, and whether it is about the program: ours, such as no room, are not kept."""

    report: RunReport
    lasting: bool


Work = Callable[[Progress], Coroutine[Any, Any, Landing]]


class Flight:
    """A run in a task of its own. Whoever leaves last cancels it and waits until it has ended."""

    __slots__ = ("progress", "task", "waiting")

    def __init__(self, progress: Progress, work: Work) -> None:
        self.progress = progress
        self.waiting = 0
        self.task = asyncio.create_task(work(progress))


class Flights:
    """The runs under way and the last `max_kept` reports, by a digest of what was run.

    Belongs to one event loop and holds no lock.
    """

    def __init__(self, work: Work, max_kept: int) -> None:
        self._work = work
        self._max_kept = max_kept
        self._kept: OrderedDict[bytes, RunReport] = OrderedDict()
        self._flights: dict[bytes, Flight] = {}

    async def report(self, key: bytes, progress: Progress, timeout_s: float) -> RunReport:
        """Return the report of a program, run for this caller if no other has asked before.

        What is not known after `timeout_s` is NOT_RUN: that says nothing about the program.
        """
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight(progress, self._work)
        flight.waiting += 1
        try:
            done, _ = await asyncio.wait((flight.task,), timeout=timeout_s)
            if not done:
                return flight.progress.report(OVERDUE)
            landing = flight.task.result()
            self._keep(key, landing)
            return landing.report
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                # First, so that nobody joins a run that is being ended.
                del self._flights[key]
                flight.task.cancel()
                await asyncio.wait((flight.task,))

    def _keep(self, key: bytes, landing: Landing) -> None:
        if landing.lasting:
            self._kept[key] = landing.report
            while len(self._kept) > self._max_kept:
                self._kept.popitem(last=False)

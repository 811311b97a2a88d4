"""The pauses of one job: who waits for their end, and what they do to its deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.ports import Clock
from gateway.ensemble.jobs.faults import time_over
from gateway.ensemble.jobs.work import Endable
from gateway.state.jobs import Job

Works = Iterable[tuple[Endable, Exchange]]
"""The requests of a job, with what ends each."""


class Pause:
    """One pause after another. Belongs to one event loop."""

    __slots__ = ("_began", "_clock", "_deadlines", "_lent_s", "_over", "_timer")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._over = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._lent_s = 0.0
        self._deadlines: list[asyncio.TimerHandle] = []

    async def over(self) -> None:
        """Wait for the end of this pause."""
        await self._over.wait()

    def begin(self, longest_s: float, expired: Callable[[], None]) -> None:
        """Pause; `expired` is called when it has lasted for so many seconds."""
        self._over.clear()
        self._began = self._clock()
        self._timer = asyncio.get_running_loop().call_later(longest_s, expired)

    def lend(self, seconds: float, job: Job, works: Works) -> None:
        """Move the deadlines by the longest pause: how long it will be is known when it is over."""
        self._forget_deadlines()
        self._lent_s = seconds
        _move(seconds, job, works)

    def take_back(self, job: Job, works: Works) -> None:
        """Move the deadlines back by what of the longest pause was not used, and keep them.

        What kept them before took later ones for them, and would end the work too late.
        """
        if not self._lent_s:
            return
        now, loop = self._clock(), asyncio.get_running_loop()
        works = list(works)
        _move(min(0.0, now - self._began - self._lent_s), job, works)
        self._lent_s = 0.0
        for work, exchange in works:
            left = exchange.deadline.left(now)
            self._deadlines.append(loop.call_later(left, work.end, time_over()))

    def end(self) -> None:
        """End the pause: whoever waits goes on."""
        if self._timer is not None:
            self._timer.cancel()
        self._over.set()

    def close(self) -> None:
        """Let go of everything: the job has ended."""
        self.end()
        self._forget_deadlines()

    def _forget_deadlines(self) -> None:
        for timer in self._deadlines:
            timer.cancel()
        self._deadlines.clear()


def _move(seconds: float, job: Job, works: Works) -> None:
    job.deadline_at += seconds
    for _, exchange in works:
        exchange.deadline = Deadline(exchange.deadline.at + seconds)

"""A target of the load harness that answers in the next turn of the loop, or when it is told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ensemble_loadtest.flights import Flight, Watcher


class FakeTarget:
    """`sent` are the requests in order; `most` the highest number under way at once.

    `answer` says how each one ends: an empty reason is a good answer, None is never any.
    """

    def __init__(self, answer: Callable[[Flight], str | None] = lambda _: "") -> None:
        self.watcher: Watcher | None = None
        self.sent: list[Flight] = []
        self.most = 0
        self.flushes = 0
        self._answer = answer
        self._under_way = 0

    async def connect(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def flush(self) -> None:
        self.flushes += 1

    def send(self, flight: Flight) -> None:
        flight.sent_s = time.monotonic()
        self.sent.append(flight)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        reason = self._answer(flight)
        if reason is not None:
            asyncio.get_running_loop().call_soon(self._end, flight, reason)

    def _end(self, flight: Flight, reason: str) -> None:
        self._under_way -= 1
        self.watcher.done(flight, reason, time.monotonic())

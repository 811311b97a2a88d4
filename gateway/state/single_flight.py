"""The same request asked for by many at once is worked on once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.core.answer import Answer
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault
from gateway.state.shared_work import Place, SharedWork

SPARE_LEADERS = 2
"""Callers who try again after the first one failed. With an endpoint that is down every caller
would fail in turn, the last of a hundred after a hundred times as long."""


class SingleFlight:
    """The requests that run now, by their keys. It belongs to one event loop, and holds no lock.

    Whoever comes first leads and is told of the work while it runs. The others wait for the answer,
    so that the failure or the leaving of the first takes nothing from them: the next one leads.
    """

    def __init__(self) -> None:
        self._running: dict[bytes, SharedWork] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Pieces of work that run now."""
        return len(self._running)

    def join(
        self, key: bytes, exchange: Exchange, handle: Handle, kept: Callable[[Answer], None]
    ) -> tuple[Place, bool]:
        """Take a place at the work of a key, begun now unless it runs; say whether it was begun.

        `kept` is handed the answer when there is one, that of the caller who began the work.
        Whoever has a place must leave it.
        """
        running = self._running.get(key)
        if running is not None:
            return running.join(exchange, live=False), False

        def ended(answer: Answer | None) -> None:
            del self._running[key]
            if answer is not None:
                kept(answer)

        work = self._running[key] = SharedWork(exchange, handle, ended, spare=SPARE_LEADERS)
        self._tasks.add(work.task)
        work.task.add_done_callback(self._tasks.discard)
        return work.join(exchange), True

    async def close(self, fault: Fault) -> None:
        """Cancel all running work and wait until it has ended; its callers get the fault."""
        for work in tuple(self._running.values()):
            work.stop(fault)
        if self._tasks:
            await asyncio.wait(self._tasks)

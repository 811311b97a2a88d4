"""Work that goes on when its caller leaves: owned here, and ended with the gateway."""

from __future__ import annotations

import asyncio

from gateway.core.answer import Answer
from gateway.core.events import Emit, Event
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault, Kind


class DetachedRuns:
    """Runs detached requests in tasks of their own. Belongs to one event loop.

    How many there are is bounded by the registry of jobs, which refuses more. `longest_s`: seconds
    that each may take.
    """

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        self._tasks: set[asyncio.Task[Answer]] = set()

    async def run(self, exchange: Exchange, handle: Handle) -> Answer:
        """Have a request handled; when the caller of this leaves, the work goes on without it.

        Raises what the work raises while somebody waits for it.
        """
        if exchange.emit is not None:
            exchange.emit = _while_heard(exchange)
        task = asyncio.ensure_future(handle(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel everything that runs and wait until it has ended."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, so that asyncio does not complain of a fault that nobody waits for.
            task.exception()


def _while_heard(exchange: Exchange) -> Emit:
    """Hand events on for as long as somebody takes them."""
    hear, heard = exchange.emit, True

    async def emit(event: Event) -> None:
        nonlocal heard
        if not heard or hear is None:
            return
        try:
            await hear(event)
        except Fault as fault:
            if fault.kind is not Kind.CANCELLED:
                raise
            heard = False

    return emit

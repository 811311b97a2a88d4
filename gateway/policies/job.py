"""A request is a job: it can be seen and steered from its start, and for a while after its end."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.core.answer import Answer
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.faults import Fault


class Tracked(Protocol):
    """A request that is tracked; it is ended once."""

    def finished(self, answer: Answer) -> None:
        """End it with an answer. Raises Fault when that is not wanted any more."""
        ...

    def left(self) -> Fault | None:
        """End what was cancelled; return the fault of the command that did it, if one did."""
        ...

    def failed(self, error: Exception) -> None:
        """End it with an error."""
        ...


class Keeper(Protocol):
    """Makes jobs of requests."""

    def enter(self, exchange: Exchange) -> Tracked | None:
        """Track a request, in the task that works on it; None for want of room. Raises Fault."""
        ...


def job(keeper: Keeper) -> Guard:
    """Track each piece of work as a job, or as a part of the one that it belongs to.

    It stands inside of what shares the work of repeated requests, so that those are one job, and
    outside of every wait, so that one that waits can be seen, stopped and cancelled.
    """

    def wrap(handle: Handle) -> Handle:
        async def steered(exchange: Exchange) -> Answer:
            tracked = keeper.enter(exchange)
            if tracked is None:
                return await handle(exchange)
            try:
                answer = await handle(exchange)
            except asyncio.CancelledError:
                fault = tracked.left()
                if fault is None:
                    raise
                raise fault from None
            except Exception as error:
                tracked.failed(error)
                raise
            tracked.finished(answer)
            return answer

        return steered

    return wrap

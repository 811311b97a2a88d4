"""A request that its caller named is worked on once, however often it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from gateway.core.answer import Answer
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.ports import Clock

RESERVE_S = 0.004
RESERVE_SHARE = 0.05
"""Half of what the deadline guard keeps back: the work's own end, which says more, comes first."""


class Place(Protocol):
    """One caller's place at the work of a named request."""

    async def answer(self) -> Answer:
        """Wait for the answer; a streamed exchange gets all its events before."""
        ...

    async def leave(self) -> None:
        """Give the place up, before the answer or after it."""
        ...


class Book(Protocol):
    """Knows which named requests are running, and which were answered lately."""

    def join(self, exchange: Exchange, handle: Handle) -> Place | None:
        """Take a place at the work of the id, begun now if need be; None when it is another's."""
        ...


def idempotent(book: Book, clock: Clock) -> Guard:
    """Give the same request of the same tenant the same answer, and have it paid once.

    While the first is running the others join it; for a while after, its answer is replayed. Each
    caller waits no longer than its own deadline allows. The same id with another body is
    Fault(INVALID). A request without a name, hence without a fingerprint, passes untouched.
    """

    def wrap(handle: Handle) -> Handle:
        def once(exchange: Exchange) -> Awaitable[Answer]:
            return shared(exchange) if exchange.fingerprint else handle(exchange)

        async def shared(exchange: Exchange) -> Answer:
            place = book.join(exchange, handle)
            if place is None:
                raise _reused()
            left = exchange.deadline.left(clock())
            limit = asyncio.timeout(left - min(RESERVE_S, left * RESERVE_SHARE))
            try:
                async with limit:
                    return await place.answer()
            except TimeoutError:
                if limit.expired():
                    raise _over() from None
                raise
            finally:
                await place.leave()

        return once

    return wrap


def _reused() -> Fault:
    return invalid(
        "request_id",
        "was used for another request, with another body; use a new id",
        Reason.REQUEST_ID_REUSED,
    )


def _over() -> Fault:
    return Fault(
        Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, "the request's deadline was over"
    )

"""No more requests are worked on than the gateway can bear; the rest waits its turn or is shed."""

from __future__ import annotations

from typing import Protocol

from gateway.core.answer import Answer
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Priority

QUEUED = {"queued": True}


class Refusal(Protocol):
    """Why a request is turned away, and when it may come again."""

    @property
    def words(self) -> str:
        """What the caller is told."""
        ...

    @property
    def retry_after_s(self) -> float:
        """Seconds after which to ask again."""
        ...


class Door(Protocol):
    """Decides who is let in."""

    def enter(self) -> bool:
        """Take a free slot; False when there is none."""
        ...

    async def wait(self, tenant: str, priority: Priority, deadline: Deadline) -> Refusal | None:
        """Wait for a slot; None when the request has one, else why it gets none."""
        ...

    def leave(self) -> None:
        """Give a slot back."""
        ...


def admit(door: Door) -> Guard:
    """Let a request in, at once when a slot is free, else when its turn comes.

    Raises Fault(EXHAUSTED) of reason GATEWAY_OVERLOADED with `retry_after_s` as soon as it is
    known that waiting would be in vain. It stands inside the deadline, which ends any wait.
    """

    def wrap(handle: Handle) -> Handle:
        async def admitted(exchange: Exchange) -> Answer:
            trace, entered = exchange.trace, door.enter()
            if not entered:
                turn = _turn(door, exchange)
                await (turn if trace is None else trace.around("admit", turn, told=QUEUED))
            elif trace is not None:
                trace.record("admit", trace.clock(), 0.0)
            try:
                return await handle(exchange)
            finally:
                door.leave()

        return admitted

    return wrap


async def _turn(door: Door, exchange: Exchange) -> None:
    """Wait until the request has a slot. Raises Fault when it gets none."""
    request = exchange.request
    refusal = await door.wait(request.tenant, request.priority, exchange.deadline)
    if refusal is not None:
        raise Fault(
            Kind.EXHAUSTED,
            Origin.US,
            Reason.GATEWAY_OVERLOADED,
            refusal.words,
            retry_after_s=refusal.retry_after_s,
        )

"""The door of the gateway: requests that wait for their turn are parked here."""

from __future__ import annotations

import asyncio

from gateway.core.deadline import Deadline
from gateway.core.hole import Priority
from gateway.core.ports import Clock
from gateway.state.lanes import Refusal, Ticket
from gateway.state.queue import QUEUED, AdmissionMetrics, AdmissionQueue, AdmissionSettings


class Admission:
    """Lets requests in as the queue decides. It belongs to one event loop and holds no lock.

    Each request that came in, by `enter` or by a `wait` that returned None, must `leave` once.
    """

    __slots__ = ("_clock", "_max_wait_s", "_parked", "_queue")

    def __init__(self, settings: AdmissionSettings, clock: Clock) -> None:
        self._queue = AdmissionQueue(settings, clock)
        self._clock = clock
        self._max_wait_s = settings.max_wait_s
        self._parked: dict[Ticket, asyncio.Future[None]] = {}

    def enter(self) -> bool:
        """Take a free slot; False when there is none."""
        return self._queue.enter()

    async def wait(self, tenant: str, priority: Priority, deadline: Deadline) -> Refusal | None:
        """Wait for a slot; None when the request has one, else why it gets none.

        Cancelling the wait frees the place at once; a slot granted meanwhile is handed on.
        """
        ticket, displaced = self._queue.offer(tenant, priority, deadline.left(self._clock()))
        self._wake(displaced)
        if ticket.state != QUEUED:
            return ticket.refusal
        loop = asyncio.get_running_loop()
        parked = self._parked[ticket] = loop.create_future()
        timer = loop.call_later(self._max_wait_s, self._expire, ticket)
        try:
            await parked
        except BaseException:
            self._wake(self._queue.leave(ticket))
            raise
        finally:
            timer.cancel()
            del self._parked[ticket]
        return ticket.refusal

    def leave(self) -> None:
        """Free a slot, for the next in the queue if somebody waits."""
        self._wake(self._queue.finish())

    def read(self) -> AdmissionMetrics:
        """Copy the counters."""
        return self._queue.read()

    def _expire(self, ticket: Ticket) -> None:
        if self._queue.expire(ticket):
            self._wake(ticket)

    def _wake(self, ticket: Ticket | None) -> None:
        # One that was cancelled in this turn is done already; it hands its slot on when it ends.
        if ticket is not None and not self._parked[ticket].done():
            self._parked[ticket].set_result(None)

"""The gate of one endpoint: calls that wait for a slot are parked here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.core.ports import Clock
from gateway.state.limit import GateSettings, limit_of
from gateway.state.slots import Slots, Waiter


class Gate:
    """Bounds the calls at one endpoint. It belongs to one event loop and holds no lock.

    Each call that has a slot, by `try_acquire` or by an `acquire` that returned True, must
    `release` it once, after it has told how it ended. `saturated` counts the calls refused.
    """

    __slots__ = ("_clock", "_learns", "_parked", "_slots", "saturated")

    def __init__(self, settings: GateSettings, clock: Clock) -> None:
        self.saturated = 0
        self._clock = clock
        self._learns = settings.adaptive
        self._slots = Slots(limit_of(settings), settings.max_waiting, clock)
        self._parked: dict[Waiter, asyncio.Future[bool]] = {}

    @property
    def in_flight(self) -> int:
        """Calls at the endpoint."""
        return self._slots.in_flight

    @property
    def limit(self) -> int:
        """Calls that may be at the endpoint at once."""
        return self._slots.limiter.limit

    @property
    def learns(self) -> bool:
        """Whether the limit depends on how calls go."""
        return self._learns

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot."""
        return self._slots.waiting

    @property
    def retry_after_s(self) -> float:
        """Estimated seconds until those that wait have had their turn, from 0.1 to 30."""
        return self._slots.retry_after_s()

    def try_acquire(self) -> bool:
        """Take a free slot; False when there is none."""
        return self._slots.try_acquire()

    async def acquire(self, within_s: float) -> bool:
        """Wait in line for a slot; False when the line is full or the time is over.

        Cancelling the wait frees the place at once; a slot granted meanwhile is handed on.
        """
        waiter = self._slots.enlist()
        if waiter is None or waiter.granted:
            return waiter is not None
        loop = asyncio.get_running_loop()
        parked = self._parked[waiter] = loop.create_future()
        timer = loop.call_later(within_s, self._give_up, waiter)
        try:
            return await parked
        except BaseException:
            self._wake(self._slots.withdraw(waiter))
            raise
        finally:
            timer.cancel()
            del self._parked[waiter]

    def release(self) -> None:
        """Free a slot, for the next in line if somebody waits."""
        granted = self._slots.release()
        if granted:
            self._wake(granted)

    def answered(self, elapsed_s: float) -> None:
        """Learn from a call that succeeded, before its slot is freed."""
        self._slots.limiter.answered(elapsed_s, self._slots.in_flight)

    def overloaded(self, began: float) -> None:
        """Learn from a call that the endpoint said it is too busy for, before its slot is freed."""
        self._slots.limiter.overloaded(began, self._clock())

    def timed_out(self, began: float) -> None:
        """Learn from a call that got no answer in time, before its slot is freed."""
        self._slots.limiter.timed_out(began, self._clock())

    def refused(self) -> None:
        """Count a call that was refused."""
        self.saturated += 1

    def _give_up(self, waiter: Waiter) -> None:
        parked = self._parked[waiter]
        if not parked.done():
            self._slots.withdraw(waiter)
            parked.set_result(False)

    def _wake(self, waiters: Sequence[Waiter]) -> None:
        for waiter in waiters:
            # One that was cancelled in this turn is done; it hands its slot on when it ends.
            if not self._parked[waiter].done():
                self._parked[waiter].set_result(True)

"""Who may call an endpoint now and who is next: decisions, no waiting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from gateway.core.ports import Clock
from gateway.state.limit import Limit
from gateway.state.pace import Pace


class Waiter:
    """A call that waits for a slot; `granted` turns true when it has one."""

    __slots__ = ("granted",)

    def __init__(self) -> None:
        self.granted = False


class Slots:
    """Counts the calls at an endpoint and says who is to be woken; it never waits itself.

    Whenever a slot is free nobody waits, and those that wait are served in order. `in_flight` may
    be above a limit that has just fallen, until enough calls have ended. It belongs to one event
    loop and holds no lock.
    """

    __slots__ = ("_clock", "_max_waiting", "_pace", "_waiters", "in_flight", "limiter")

    def __init__(self, limiter: Limit, max_waiting: int, clock: Clock) -> None:
        self.limiter = limiter
        self.in_flight = 0
        self._max_waiting = max_waiting
        self._clock = clock
        self._pace = Pace()
        self._waiters: OrderedDict[Waiter, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiters)

    def try_acquire(self) -> bool:
        """Take a free slot; False when there is none. Each taken slot needs one `release`."""
        if self.in_flight < self.limiter.limit:
            self.in_flight += 1
            return True
        self._pace.begin(self._clock())
        return False

    def enlist(self) -> Waiter | None:
        """Wait in line, or with a slot if one is free; None when the line is full."""
        waiter = Waiter()
        if self.try_acquire():
            waiter.granted = True
            return waiter
        if len(self._waiters) >= self._max_waiting:
            return None
        self._waiters[waiter] = None
        return waiter

    def release(self) -> Sequence[Waiter]:
        """Free a slot; return those who have one now and are to be woken.

        Raises ValueError when no slot is taken: somebody freed one twice.
        """
        if not self.in_flight:
            raise ValueError("a slot was freed that nobody had taken")
        self.in_flight -= 1
        if not self._pace.full:
            return ()
        self._pace.ended(self._clock())
        return self._hand_on()

    def withdraw(self, waiter: Waiter) -> Sequence[Waiter]:
        """Take a waiter out of the line; return whom to wake when it had just got a slot."""
        if waiter.granted:
            self.in_flight -= 1
            return self._hand_on()
        self._waiters.pop(waiter, None)
        return ()

    def retry_after_s(self) -> float:
        """Estimate when the line will be served, in seconds."""
        return self._pace.retry_after_s(len(self._waiters) + 1, self._clock())

    def _hand_on(self) -> Sequence[Waiter]:
        woken: list[Waiter] = []
        free = self.limiter.limit - self.in_flight
        while free > len(woken) and self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            waiter.granted = True
            woken.append(waiter)
        self.in_flight += len(woken)
        if free > len(woken):
            self._pace.stop()
        return woken

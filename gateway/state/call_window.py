"""The last calls of one endpoint, by number or by age: what a circuit breaker judges.

Each call costs a constant amount of work, and nothing is scanned: the sums are kept while calls
come and go. The caller holds the lock.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

FAILED = 1
"""Bit of a call that failed."""

SLOW = 2
"""Bit of a call that was slow."""


class CallWindow(Protocol):
    """Sums over the calls that still count. A call is the sum of its bits, 0 when all was well.

    `steady` is true while one more call with which all was well would change nothing.
    """

    calls: int
    failed: int
    slow: int
    steady: bool

    def add(self, bits: int, now: float, /) -> None:
        """Count a call that ended at `now`, in seconds of the clock."""
        ...

    def forget(self, now: float, /) -> None:
        """Take out what is too old at `now`."""
        ...


class CountWindow:
    """The last `size` calls, one byte each."""

    __slots__ = ("_at", "_ring", "_size", "calls", "failed", "slow", "steady")

    def __init__(self, size: int) -> None:
        self.calls = 0
        self.failed = 0
        self.slow = 0
        self.steady = False
        self._size = size
        self._ring = bytearray(size)
        self._at = 0

    def add(self, bits: int, _now: float, /) -> None:
        """Count a call in the place of the oldest one."""
        at = self._at
        if self.calls < self._size:
            self.calls += 1
        # A place not yet used reads as a call with which all was well, which no sum counts.
        old = self._ring[at]
        if bits != old:
            self._ring[at] = bits
            self.failed += (bits & FAILED) - (old & FAILED)
            self.slow += ((bits & SLOW) - (old & SLOW)) // SLOW
        at += 1
        self._at = at if at < self._size else 0
        self.steady = self.calls == self._size and not (self.failed or self.slow)

    def forget(self, _now: float, /) -> None:
        """Do nothing: calls leave this window by number, however old they are."""


class _Second:
    """Sums over the calls that ended in one whole second of the clock."""

    __slots__ = ("calls", "failed", "second", "slow")

    def __init__(self, second: int) -> None:
        self.second = second
        self.calls = 0
        self.failed = 0
        self.slow = 0


class TimeWindow:
    """The calls of the last `seconds` whole seconds, the running one included.

    Memory is bounded by `seconds`, not by calls: each second with a call in it has one set of sums,
    which is added once and taken out once. Calls of several threads may come slightly out of order;
    such a one is counted in the newest second.
    """

    __slots__ = ("_past", "_seconds", "calls", "failed", "slow", "steady")

    def __init__(self, seconds: int) -> None:
        self.calls = 0
        self.failed = 0
        self.slow = 0
        # Each call moves it, well or not.
        self.steady = False
        self._seconds = seconds
        self._past: deque[_Second] = deque()

    def add(self, bits: int, now: float, /) -> None:
        """Count a call in the second of `now`."""
        second = int(now)
        past = self._past
        if not past or past[-1].second < second:
            self.forget(now)
            past.append(_Second(second))
        newest = past[-1]
        newest.calls += 1
        self.calls += 1
        if bits:
            failed, slow = bits & FAILED, (bits & SLOW) // SLOW
            newest.failed += failed
            newest.slow += slow
            self.failed += failed
            self.slow += slow

    def forget(self, now: float, /) -> None:
        """Take out the seconds that are too old at `now`."""
        past = self._past
        last_out = int(now) - self._seconds
        while past and past[0].second <= last_out:
            old = past.popleft()
            self.calls -= old.calls
            self.failed -= old.failed
            self.slow -= old.slow

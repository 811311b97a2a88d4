"""So many a second for each tenant, and no more tenants remembered than were allowed."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from gateway.core.ports import Clock

MOST = 1000
"""Names that are remembered; of more, the one that asked longest ago begins anew."""


class Allowances:
    """A token bucket for each name; safe for any number of threads.

    A bucket holds `burst` tokens at first and at most, and gets `per_s` a second.
    """

    __slots__ = ("_burst", "_clock", "_left", "_lock", "_most", "_per_s")

    def __init__(self, per_s: float, burst: int, clock: Clock, most: int = MOST) -> None:
        """Raises ValueError for buckets that would always be empty."""
        if per_s <= 0 or burst < 1 or most < 1:
            raise ValueError("per_s must be positive, burst and most at least 1")
        self._per_s, self._burst, self._most = per_s, burst, most
        self._clock = clock
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take a token; 0 when there was one, else the seconds until there is one."""
        with self._lock:
            now = self._clock()
            left, at = self._left.pop(name, (float(self._burst), now))
            left = min(float(self._burst), left + (now - at) * self._per_s)
            wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
            self._left[name] = (left - 1 if wait_s == 0 else left, now)
            if len(self._left) > self._most:
                self._left.popitem(last=False)
            return wait_s

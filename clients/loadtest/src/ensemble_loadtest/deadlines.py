"""The deadline of every request, without a timer for each.

All requests of a run may take equally long, so they expire in the order in which they were sent,
and one look at the oldest a few times a second finds those that have.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

LOOK_S = 0.02


class Timed(Protocol):
    """What has a deadline."""

    def expire(self, now_s: float) -> None:
        """Give up; the deadline has passed, and it is watched no more."""
        ...


class Deadlines:
    """Watches requests from `add` to `remove`; each may take `timeout_s` from when it was added."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._due: dict[Timed, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def add(self, one: Timed, now_s: float) -> None:
        """Watch one."""
        self._due[one] = now_s + self._timeout_s

    def remove(self, one: Timed) -> None:
        """Watch one no more."""
        self._due.pop(one, None)

    def start(self) -> None:
        """Begin to look; ends with `stop`."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def stop(self) -> list[Timed]:
        """Look no more; return what was still watched."""
        if self._timer is not None:
            self._timer.cancel()
        left = list(self._due)
        self._due.clear()
        return left

    def _look(self) -> None:
        self.start()
        now_s = time.monotonic()
        while self._due:
            oldest, due_s = next(iter(self._due.items()))
            if due_s > now_s:
                return
            del self._due[oldest]
            oldest.expire(now_s)

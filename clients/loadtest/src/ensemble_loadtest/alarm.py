"""Wakes a loop at a moment, to some tens of microseconds where the system can.

Loops round their timers to milliseconds, which is more than a whole request to a fast server takes.
Linux has timers that are files (timerfd_create(2)), which a loop waits for as for a socket.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
import time
from collections.abc import Callable

CLOCK_MONOTONIC = 1
ABSOLUTE = 1
FLAGS = os.O_NONBLOCK | os.O_CLOEXEC if sys.platform == "linux" else 0
SOONEST_S = 1e-9
_times = struct.Struct("@llll").pack


class Alarm:
    """Calls `ring` once at the last moment that `at` was given; times of the monotonic clock."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._c = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._file = self._c.timerfd_create(CLOCK_MONOTONIC, FLAGS) if self._c else -1
        if self._file >= 0:
            self._loop.add_reader(self._file, self._rang)

    def at(self, moment_s: float) -> None:
        """Ring at this moment instead of the one before; one that has passed rings at once."""
        if self._c is not None and self._file >= 0:
            seconds, part = divmod(max(moment_s, SOONEST_S), 1.0)
            times = _times(0, 0, int(seconds), int(part * 1e9))
            self._c.timerfd_settime(self._file, ABSOLUTE, times, None)
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, moment_s - time.monotonic()), self._ring)

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _rang(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            # Set anew after it rang, before the loop came to it.
            return
        self._ring()

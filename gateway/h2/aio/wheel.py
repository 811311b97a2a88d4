"""Deadlines of many calls on one timer: coarse, and almost free."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Wheel:
    """Calls back once a time has come, within `tick_s` after it. Belongs to one event loop.

    A timer of the loop for each call costs more than most of what a call costs here. It ticks while
    it holds anything only.
    """

    def __init__(self, tick_s: float = 0.02) -> None:
        self._tick_s = tick_s
        self._loop = asyncio.get_running_loop()
        self._slots: dict[int, dict[object, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    def add(self, at: float, key: object, late: Callable[[], None]) -> int:
        """Have `late` called after the loop's time is `at`; return the slot for `remove`."""
        # The slot after the one that holds the time, so that nothing comes too early.
        slot = int(at / self._tick_s) + 1
        if self._timer is None:
            self._next = int(self._loop.time() / self._tick_s) + 1
            self._timer = self._loop.call_later(self._tick_s, self._turn)
        slot = max(slot, self._next)
        self._slots.setdefault(slot, {})[key] = late
        return slot

    def remove(self, slot: int, key: object) -> None:
        """Forget a call; does nothing if it was called."""
        held = self._slots.get(slot)
        if held is not None:
            held.pop(key, None)
            if not held:
                del self._slots[slot]

    def close(self) -> None:
        """Forget everything."""
        self._slots.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        now = int(self._loop.time() / self._tick_s)
        # By what is held: a loop that stood still for long may have passed many slots.
        due = [slot for slot in self._slots if slot <= now] if self._next <= now else []
        self._next = now + 1
        try:
            for slot in sorted(due):
                for late in tuple(self._slots.pop(slot, {}).values()):
                    late()
        finally:
            # Whatever one of them raises: the others are still waited for.
            again = self._slots
            self._timer = self._loop.call_later(self._tick_s, self._turn) if again else None

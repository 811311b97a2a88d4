"""What waits between those who must not wait and the one who writes it down."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Intake(Generic[Item]):
    """Items in the order of their coming, at most `limit`; safe for any number of threads.

    `signal`, if set, is called after an item came into an empty intake, by the thread that brought
    it and without the lock; it must neither wait nor raise. `taken` and `dropped` count all items
    since the start: those let in, and those for which there was no room. Raises ValueError for a
    limit below 1.
    """

    __slots__ = ("_items", "_limit", "_lock", "dropped", "signal", "taken")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("limit must be at least 1")
        self.taken = 0
        self.dropped = 0
        self.signal: Callable[[], object] | None = None
        self._limit = limit
        self._items: deque[Item] = deque()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: Item) -> bool:
        """Let an item in; False, and it is counted, when there is no room."""
        with self._lock:
            size = len(self._items)
            if size >= self._limit:
                self.dropped += 1
                return False
            self._items.append(item)
            self.taken += 1
        signal = self.signal
        if not size and signal is not None:
            signal()
        return True

    def take(self, limit: int) -> list[Item]:
        """Remove and return the oldest items, at most `limit`.

        Go on until nothing comes: only an item that finds the intake empty gives a signal.
        """
        with self._lock:
            return [self._items.popleft() for _ in range(min(limit, len(self._items)))]

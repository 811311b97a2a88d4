"""Counts of things that have labels, and no more label sets than were allowed."""

from __future__ import annotations

from threading import Lock

OTHER = "other"
"""Stands for every label that is not known, and for all label sets beyond the allowed ones."""


class Tally:
    """Adds up whole numbers by a tuple of labels; safe for any number of threads.

    Label sets are kept as tuples, so values that hold separators never collide (G-03). Beyond
    `most` different sets everything is added to one whose labels are all OTHER, so that nothing
    grows with traffic. Raises ValueError for a limit below 1.
    """

    __slots__ = ("_counts", "_lock", "_most")

    def __init__(self, most: int = 2000) -> None:
        if most < 1:
            raise ValueError("most must be at least 1")
        self._most = most
        self._lock = Lock()
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, labels: tuple[str, ...], amount: int = 1) -> None:
        """Add to the count of these labels; `amount` must not be negative."""
        counts = self._counts
        with self._lock:
            if labels not in counts and len(counts) >= self._most:
                labels = (OTHER,) * len(labels)
            counts[labels] = counts.get(labels, 0) + amount

    def read(self) -> tuple[tuple[tuple[str, ...], int], ...]:
        """Copy all counts."""
        with self._lock:
            return tuple(self._counts.items())

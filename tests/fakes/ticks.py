"""A clock that a test sets."""

from __future__ import annotations


class Ticks:
    """Seconds since an arbitrary start; moves only when a test moves it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds

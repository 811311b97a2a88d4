"""One point in time that bounds a whole request."""

from __future__ import annotations

from gateway.core.value import value


@value
class Deadline:
    """Absolute time on the monotonic clock that the caller of `left` reads, in seconds."""

    at: float

    def left(self, now: float) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - now)

    def sooner(self, at: float) -> Deadline:
        """This deadline or `at`, whichever comes first."""
        return self if self.at <= at else Deadline(at)

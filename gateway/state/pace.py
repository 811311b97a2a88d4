"""How fast a full resource is served, from which a wait for it can be told beforehand."""

from __future__ import annotations

from math import exp

SPAN_S = 30.0
"""What was seen this many seconds ago counts 1/e of what is seen now."""
LEAST_SEEN = 0.05
"""With less than this left of what was seen, nothing is known."""
SHORTEST_S, LONGEST_S = 0.1, 30.0
UNKNOWN_S = 1.0


class Pace:
    """Mean time between two ends of work while everything is taken, in seconds.

    Both the ends and the time they took fade by exp(-age / 30 s), and their quotient is the mean:
    an average by time, which a burst of ends at one moment cannot spoil as it would an average by
    events. Time in which something was free is left out, for then ends follow arrivals and not
    the speed of the work. The owner says when everything is taken (`begin`), when work ended
    meanwhile (`ended`) and when something is free again (`stop`).
    """

    __slots__ = ("_at", "_ended", "_seconds", "full")

    def __init__(self) -> None:
        self.full = False
        self._at = 0.0
        self._ended = 0.0
        self._seconds = 0.0

    def begin(self, now: float) -> None:
        """Everything is taken, and somebody wanted more; does nothing when that is known."""
        if not self.full:
            self.full = True
            keep = exp((self._at - now) / SPAN_S)
            self._ended *= keep
            self._seconds *= keep
            self._at = now

    def ended(self, now: float) -> None:
        """Count one end of work while everything was taken."""
        passed = now - self._at
        keep = exp(-passed / SPAN_S)
        self._ended = self._ended * keep + 1
        self._seconds = self._seconds * keep + passed
        self._at = now

    def stop(self) -> None:
        """Something is free again."""
        self.full = False

    def wait_s(self, position: int, now: float) -> float:
        """Estimate when so many ends will have come; 0 while nothing is known.

        Time since the last end counts as if one came now when that makes the wait longer, so
        that a standstill is seen before it is over.
        """
        passed = now - self._at
        keep = exp(-passed / SPAN_S)
        ended = self._ended * keep
        if ended < LEAST_SEEN:
            return 0.0
        mean = self._seconds / self._ended
        return position * max(mean, (self._seconds * keep + passed) / (ended + 1))

    def retry_after_s(self, position: int, now: float) -> float:
        """Say when to come again: the estimated wait within 0.1 s and 30 s, 1 s if unknown."""
        return max(SHORTEST_S, min(LONGEST_S, self.wait_s(position, now) or UNKNOWN_S))

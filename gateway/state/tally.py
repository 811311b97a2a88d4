"""Counts of things that have labels, and no more label sets than were allowed."""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock

from gateway.core.ports import Clock
from gateway.core.value import value

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


@value
class Exemplar:
    """A time that was counted, with the id of the trace in which it passed; `at`: unix seconds."""

    trace_id: str
    seconds: float
    at: float


@value
class TimeSeries:
    """The times of one label set: how many in each bucket, the last one beyond all bounds.

    `exemplars` has the newest of each bucket that has one, by the bucket's place.
    """

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    total_s: float
    exemplars: tuple[tuple[int, Exemplar], ...] = ()


class _Times:
    __slots__ = ("counts", "exemplars", "total_s")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total_s = 0.0
        self.exemplars: dict[int, Exemplar] = {}


class TimeTally:
    """Counts times by a tuple of labels in buckets; as bounded as a Tally, and as safe.

    `bounds` are upper bounds in seconds, rising: a time that equals one is below it. `wall` tells
    unix seconds and is asked for exemplars only.
    """

    __slots__ = ("_lock", "_most", "_series", "_wall", "bounds")

    def __init__(self, bounds: tuple[float, ...], wall: Clock, most: int = 2000) -> None:
        self.bounds = bounds
        self._wall = wall
        self._most = most
        self._lock = Lock()
        self._series: dict[tuple[str, ...], _Times] = {}

    def add(self, labels: tuple[str, ...], seconds: float, trace_id: str = "") -> None:
        """Count a time; with the id of a trace it becomes the exemplar of its bucket."""
        place = bisect_left(self.bounds, seconds)
        with self._lock:
            found = self._series.get(labels)
            if found is None:
                found = self._begun(labels)
            found.counts[place] += 1
            found.total_s += seconds
            if trace_id:
                found.exemplars[place] = Exemplar(trace_id, seconds, self._wall())

    def read(self) -> tuple[TimeSeries, ...]:
        """Copy all series."""
        with self._lock:
            return tuple(
                TimeSeries(labels, tuple(one.counts), one.total_s, tuple(one.exemplars.items()))
                for labels, one in self._series.items()
            )

    def _begun(self, labels: tuple[str, ...]) -> _Times:
        if len(self._series) >= self._most:
            labels = (OTHER,) * len(labels)
        return self._series.setdefault(labels, _Times(len(self.bounds) + 1))

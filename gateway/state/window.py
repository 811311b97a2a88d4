"""The last attempts, bounded by number and by age: what routing may judge an endpoint by."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from gateway.core.outcome import Outcome
from gateway.state.metrics import NO_LATENCY, EndpointCounters, LatencyStats
from gateway.state.sketch import NS

Ended = tuple[float, Outcome, int]
"""When an attempt ended (seconds of the clock), how, and its nanoseconds."""

Score = tuple[float, int]
"""When a candidate was judged, and its confidence in billionths."""

First = tuple[float, int]
"""When the first text of a stream came, and the nanoseconds it took."""


class Window:
    """Newest attempts, first texts and scores of one endpoint. The caller holds the lock."""

    __slots__ = ("attempts", "firsts", "scores")

    def __init__(self, most: int) -> None:
        self.attempts: deque[Ended] = deque(maxlen=most)
        self.firsts: deque[First] = deque(maxlen=most)
        self.scores: deque[Score] = deque(maxlen=most)


def counters(
    span: str, since: float, attempts: Iterable[Ended], scores: Iterable[Score]
) -> EndpointCounters:
    """Count what happened at `since` or later.

    Entries of several threads may be slightly out of order, so each one's age is looked at.
    """
    recent = [entry for entry in attempts if entry[0] >= since]
    successes = [ns for _, outcome, ns in recent if outcome is Outcome.SUCCESS]
    failures = [ns for _, outcome, ns in recent if outcome is Outcome.FAILURE]
    confidences = [score for at, score in scores if at >= since]
    return EndpointCounters(
        span=span,
        successes=len(successes),
        failures=len(failures),
        not_counted=len(recent) - len(successes) - len(failures),
        success_latency=exact(successes),
        failure_latency=exact(failures),
        mean_confidence=sum(confidences) / len(confidences) / NS if confidences else 0.0,
        judged=len(confidences),
    )


def exact(times_ns: Sequence[int]) -> LatencyStats:
    """Statistics of a few times; quantiles by nearest rank, so each one is a time that occurred."""
    if not times_ns:
        return NO_LATENCY
    ordered = sorted(times_ns)
    count, total = len(ordered), sum(ordered)
    return LatencyStats(
        count,
        total / NS,
        total / count / NS,
        quantile(ordered, 50),
        quantile(ordered, 95),
        quantile(ordered, 99),
    )


def quantile(ordered: Sequence[int], percent: int) -> float:
    """Return a quantile in seconds of times in rising order, at least one, by nearest rank."""
    return ordered[-(-len(ordered) * percent // 100) - 1] / NS

"""What a reader gets: frozen copies of the counters, in the shape of GetMetrics.

All times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LatencyStats:
    """Times of one kind of outcome; everything is 0 when none was counted.

    `sum` and `mean` are of integer nanoseconds, so no rounding error grows with the count.
    """

    count: int = 0
    sum: float = 0.0
    mean: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


NO_LATENCY = LatencyStats()


@dataclass(frozen=True, slots=True)
class EndpointCounters:
    """Counters over one span of time, which `span` names.

    `attempts` = `successes` + `failures` + `not_counted`. The latter are in no rate.
    """

    span: str
    successes: int
    failures: int
    not_counted: int
    success_latency: LatencyStats
    failure_latency: LatencyStats
    mean_confidence: float
    judged: int

    @property
    def attempts(self) -> int:
        """Attempts that ended."""
        return self.successes + self.failures + self.not_counted

    @property
    def success_rate(self) -> float:
        """Share of successes among the attempts that count for the endpoint; 0 without any."""
        counted = self.successes + self.failures
        return self.successes / counted if counted else 0.0


@dataclass(frozen=True, slots=True)
class EndpointMetrics:
    """Counters of one endpoint: since the start, over the window, and attempts running now."""

    endpoint: str
    lifetime: EndpointCounters
    window: EndpointCounters
    in_flight: int


@dataclass(frozen=True, slots=True)
class EnsembleCounters:
    """Counters of all requests.

    `attempts`: calls to endpoints. `fallback_used`: requests for which an endpoint other than the
    primary was called. `fallback_exhausted`: requests whose whole chain gave no answer.
    `non_finite_scores`: confidences that were no finite number and counted as 0.
    """

    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    attempts: int = 0
    fallback_used: int = 0
    fallback_exhausted: int = 0
    non_finite_scores: int = 0


@dataclass(frozen=True, slots=True)
class FleetMetrics:
    """Everything, endpoints by name. Each endpoint's numbers are of one moment."""

    ensemble: EnsembleCounters
    endpoints: tuple[EndpointMetrics, ...]
    uptime: float

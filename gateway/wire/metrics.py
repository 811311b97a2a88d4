"""Counters on the wire."""

from __future__ import annotations

from ensemble.v1 import telemetry_service_pb2 as pb

from gateway.state.metrics import EndpointCounters, EndpointMetrics, FleetMetrics, LatencyStats
from gateway.state.reading import GuardCounters
from gateway.wire.result import duration


def latency_to_wire(stats: LatencyStats) -> pb.LatencyStats:
    """Write time statistics."""
    return pb.LatencyStats(
        count=stats.count,
        sum=duration(stats.sum),
        mean=duration(stats.mean),
        p50=duration(stats.p50),
        p95=duration(stats.p95),
        p99=duration(stats.p99),
    )


def counters_to_wire(counters: EndpointCounters) -> pb.EndpointCounters:
    """Write the counters of one span."""
    return pb.EndpointCounters(
        span=counters.span,
        attempts=counters.attempts,
        successes=counters.successes,
        failures=counters.failures,
        not_counted=counters.not_counted,
        success_rate=counters.success_rate,
        success_latency=latency_to_wire(counters.success_latency),
        failure_latency=latency_to_wire(counters.failure_latency),
        mean_confidence=counters.mean_confidence,
        judged=counters.judged,
    )


def endpoint_metrics_to_wire(metrics: EndpointMetrics) -> pb.EndpointMetrics:
    """Write the counters of one endpoint."""
    return pb.EndpointMetrics(
        endpoint=metrics.endpoint,
        lifetime=counters_to_wire(metrics.lifetime),
        window=counters_to_wire(metrics.window),
        in_flight=metrics.in_flight,
    )


def metrics_to_wire(
    metrics: FleetMetrics, guards: GuardCounters, endpoint: str = ""
) -> pb.GetMetricsResponse:
    """Write the counters of all endpoints, or of one."""
    ensemble = metrics.ensemble
    return pb.GetMetricsResponse(
        ensemble=pb.EnsembleCounters(
            requests=ensemble.requests,
            succeeded=ensemble.succeeded,
            failed=ensemble.failed,
            attempts=ensemble.attempts,
            fallback_used=ensemble.fallback_used,
            fallback_exhausted=ensemble.fallback_exhausted,
            non_finite_scores=ensemble.non_finite_scores,
            retries=guards.retries,
            hedges=guards.hedges,
            hedge_wins=guards.hedge_wins,
            shed=guards.shed,
            queued=guards.queued,
            replayed=guards.replayed,
        ),
        endpoints=[
            endpoint_metrics_to_wire(item)
            for item in metrics.endpoints
            if endpoint in {"", item.endpoint}
        ],
        uptime=duration(metrics.uptime),
    )

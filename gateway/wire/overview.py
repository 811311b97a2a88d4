"""What a dashboard shows, on the wire."""

from __future__ import annotations

from ensemble.v1 import telemetry_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.overview import (
    EndpointRow,
    ExperimentRow,
    Grade,
    LayerRow,
    Overview,
    RecentDecision,
    TrafficPoint,
)
from gateway.wire.enums import to_wire
from gateway.wire.result import duration

GRADE = to_wire(Grade, pb.Grade, "GRADE")


def overview_to_wire(overview: Overview, refresh_s: float) -> pb.GetDashboardResponse:
    """Write an overview, and how long a live dashboard should wait for the next."""
    return pb.GetDashboardResponse(
        at=_moment(overview.at),
        window=duration(overview.window_s),
        refresh=duration(refresh_s),
        uptime=duration(overview.uptime_s),
        requests=overview.requests,
        succeeded=overview.succeeded,
        failed=overview.failed,
        fallback_used=overview.fallback_used,
        decisions=overview.decisions,
        cost_micros=overview.cost_micros,
        p50=_known(overview.p50_s),
        p95=_known(overview.p95_s),
        p99=_known(overview.p99_s),
        traffic=map(_minute, overview.traffic),
        endpoints=map(_endpoint, overview.endpoints),
        handovers=[
            pb.DashboardHandover(
                source=one.source, target=one.target, reason=one.reason, count=one.count
            )
            for one in overview.handovers
        ],
        layers=map(_layer, overview.layers),
        recent=map(_decision, overview.recent),
        experiments=map(_experiment, overview.experiments),
        targets=[
            pb.DashboardTarget(
                name=one.name, text=one.text, target=one.target, grade=GRADE[one.grade]
            )
            for one in overview.targets
        ],
        guards=[
            pb.DashboardGuard(name=one.name, value=one.value, now=one.now)
            for one in overview.guards
        ],
    )


def _minute(one: TrafficPoint) -> pb.DashboardMinute:
    return pb.DashboardMinute(
        start=_moment(one.start),
        requests=one.requests,
        failed=one.failed,
        fallbacks=one.fallbacks,
        p50=_known(one.p50_s),
        p95=_known(one.p95_s),
    )


def _endpoint(one: EndpointRow) -> pb.DashboardEndpoint:
    return pb.DashboardEndpoint(
        name=one.name,
        attempts=one.attempts,
        failures=one.failures,
        success_rate=one.success_rate,
        p50=_known(one.p50_s),
        p95=_known(one.p95_s),
        p99=_known(one.p99_s),
        cost_micros=one.cost_micros,
        breaker=one.breaker,
        health=one.health,
        in_flight=one.in_flight,
        limit=one.limit,
        waiting=one.waiting,
        drained=one.drained,
        ejected=one.ejected,
    )


def _layer(one: LayerRow) -> pb.DashboardLayer:
    return pb.DashboardLayer(
        name=one.name,
        attempts=one.attempts,
        captured=one.captured,
        share=one.share,
        confidence=one.confidence,
        mean=_known(one.mean_s),
        accuracy=one.accuracy,
        judged=one.judged,
        share_grade=GRADE[one.share_grade],
        accuracy_grade=GRADE[one.accuracy_grade],
    )


def _decision(one: RecentDecision) -> pb.DashboardDecision:
    return pb.DashboardDecision(
        at=_moment(one.at),
        request_id=one.request_id,
        decision_id=one.decision_id,
        endpoint=one.endpoint,
        layer=one.layer,
        confidence=one.confidence,
        elapsed=duration(one.elapsed_s),
    )


def _experiment(one: ExperimentRow) -> pb.DashboardExperiment:
    return pb.DashboardExperiment(
        name=one.name,
        stopped=one.stopped,
        arms=[
            pb.DashboardArm(
                name=arm.name, exposures=arm.exposures, judged=arm.judged, quality=arm.quality
            )
            for arm in one.arms
        ],
    )


def _moment(unix_s: float) -> Timestamp:
    since = duration(unix_s)
    return Timestamp(seconds=since.seconds, nanos=since.nanos)


def _known(seconds: float | None) -> Duration | None:
    return None if seconds is None else duration(seconds)

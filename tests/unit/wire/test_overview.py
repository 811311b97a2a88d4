from __future__ import annotations

from dataclasses import fields

from ensemble.v1 import telemetry_service_pb2 as pb

from gateway.core.overview import (
    ArmRow,
    EndpointRow,
    ExperimentRow,
    Grade,
    GuardRow,
    Handover,
    LayerRow,
    Overview,
    RecentDecision,
    Target,
    TrafficPoint,
)
from gateway.wire.overview import overview_to_wire

ENDPOINT = EndpointRow(
    "a", 9, 1, 0.5, 0.1, 0.2, 0.3, 7, "open", "serving", 1, 8, 2, drained=True, ejected=True
)
LAYER = LayerRow("keyword", 9, 4, 0.4, 0.9, 0.01, 0.8, 3, Grade.GOOD, Grade.BAD)
FULL = Overview(
    at=1000.5,
    window_s=3600.0,
    uptime_s=90.25,
    requests=10,
    succeeded=9,
    failed=1,
    fallback_used=2,
    decisions=8,
    cost_micros=-1,
    p50_s=0.1,
    p95_s=0.2,
    p99_s=0.3,
    traffic=(TrafficPoint(960.0, 3, 1, 2, 0.1, 0.2),),
    endpoints=(ENDPOINT,),
    handovers=(Handover("a", "b", "UPSTREAM_TIMEOUT", 5),),
    layers=(LAYER,),
    recent=(RecentDecision(999.0, "r", "d", "a", "keyword", 0.9, 0.01),),
    experiments=(ExperimentRow("trial", "harm", (ArmRow("new", 3, 2, 0.5),)),),
    targets=(Target("accuracy", "96%", "at least 95%", Grade.WARN),),
    guards=(GuardRow("requests queued", 4, now=True),),
)
NAMES = {"window_s": "window", "uptime_s": "uptime", "p50_s": "p50", "p95_s": "p95", "p99_s": "p99"}


def test_every_field_of_an_overview_is_on_the_wire():
    wire = overview_to_wire(FULL, 5.0)
    for one in fields(FULL):
        field = wire.DESCRIPTOR.fields_by_name[NAMES.get(one.name, one.name)]
        assert any(field is set_ or field.name == set_.name for set_, _ in wire.ListFields())
    assert (wire.at.seconds, wire.at.nanos) == (1000, 500_000_000)
    assert (wire.window.seconds, wire.uptime.nanos) == (3600, 250_000_000)
    assert wire.refresh.seconds == 5


def test_the_rows_of_an_overview_are_on_the_wire():
    wire = overview_to_wire(FULL, 5.0)
    assert len(wire.endpoints[0].ListFields()) == len(fields(ENDPOINT))
    assert len(wire.layers[0].ListFields()) == len(fields(LAYER))
    assert (wire.layers[0].share_grade, wire.layers[0].accuracy_grade) == (
        pb.GRADE_GOOD,
        pb.GRADE_BAD,
    )
    assert (wire.traffic[0].start.seconds, wire.traffic[0].p95.nanos) == (960, 200_000_000)
    assert wire.handovers[0] == pb.DashboardHandover(
        source="a", target="b", reason="UPSTREAM_TIMEOUT", count=5
    )
    assert len(wire.recent[0].ListFields()) == 7
    assert wire.experiments[0].arms[0] == pb.DashboardArm(
        name="new", exposures=3, judged=2, quality=0.5
    )
    assert wire.experiments[0].stopped == "harm"
    assert wire.targets[0].grade == pb.GRADE_WARN
    assert wire.guards[0] == pb.DashboardGuard(name="requests queued", value=4, now=True)


def test_what_is_not_known_is_not_set():
    """O-06: an unknown number is never a 0."""
    nothing = Overview(0, 60, 0, 0, 0, 0, 0, 0, 0, None, None, None)
    wire = overview_to_wire(nothing, 5.0)
    assert not any(wire.HasField(name) for name in ("p50", "p95", "p99"))
    point = TrafficPoint(0.0, 0, 0, 0, None, None)
    layer = LayerRow("rules", 0, 0, 0.0, None, None, None, 0)
    wire = overview_to_wire(Overview(*[0] * 9, None, None, None, (point,), layers=(layer,)), 5.0)
    assert not wire.traffic[0].HasField("p50")
    assert not any(wire.layers[0].HasField(name) for name in ("confidence", "mean", "accuracy"))
    assert wire.layers[0].share_grade == pb.GRADE_UNKNOWN

"""A gateway as the dashboard sees one: invented numbers of a busy hour, the same at each start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from math import sin
from random import Random

from gateway.core.overview import (
    ArmRow,
    EndpointRow,
    ExperimentRow,
    Grade,
    GuardRow,
    Handover,
    LayerRow,
    Look,
    Overview,
    RecentDecision,
    Target,
    TrafficPoint,
)
from gateway.core.trace import (
    Change,
    Stage,
    StageStatus,
    TextPolicy,
    Trace,
    TraceFailure,
    covered,
    text_record,
)
from gateway.ingress.admin_http import AdminListener, Pages
from gateway.ingress.dashboard.sources import DashboardSources

AT = 1_790_000_000.0
MINUTE = 60
ENDPOINTS = (
    EndpointRow(
        "fast-8b", 10_214, 87, 0.9906, 0.142, 0.391, 0.812, 1_842_800, "closed", "serving",
        6, 16, 0, drained=False, ejected=False,
    ),
    EndpointRow(
        "quality-70b", 2381, 4, 0.9983, 0.934, 2.214, 4.051, 28_572_000, "closed", "serving",
        3, 8, 0, drained=False, ejected=False,
    ),
    EndpointRow(
        "constrained", 1127, 19, 0.9831, 0.310, 0.702, 1.116, 3_381_000, "half_open", "serving",
        1, 4, 2, drained=False, ejected=False,
    ),
    EndpointRow(
        "replica-b", 640, 212, 0.6688, 0.498, 1.904, 5.003, 512_000, "open", "not_serving",
        0, 8, 0, drained=False, ejected=True,
    ),
    EndpointRow(
        "spare", 0, 0, None, None, None, None, 0, "closed", "unknown",
        0, 0, 0, drained=True, ejected=False,
    ),
)  # fmt: skip
HANDOVERS = (
    Handover("replica-b", "fast-8b", "UPSTREAM_TIMEOUT", 96),
    Handover("replica-b", "quality-70b", "UPSTREAM_UNAVAILABLE", 71),
    Handover("fast-8b", "quality-70b", "CHECK_FAILED", 58),
    Handover("replica-b", "fast-8b", "BREAKER_OPEN", 45),
    Handover("fast-8b", "quality-70b", "UPSTREAM_OVERLOADED", 22),
    Handover("constrained", "quality-70b", "CHECK_FAILED", 14),
    Handover("constrained", "fast-8b", "UPSTREAM_TRUNCATED", 5),
    Handover("quality-70b", "fast-8b", "UPSTREAM_TIMEOUT", 4),
)
DECISIONS = 13_736
LAYERS = (
    LayerRow("keyword", 13_736, 4550, 0.3313, 0.97, 0.00002, 0.981, 1204, Grade.GOOD, Grade.GOOD),
    LayerRow("similarity", 9186, 3380, 0.2461, 0.88, 0.00041, 0.922, 866, Grade.BAD, Grade.GOOD),
    LayerRow("knn", 5806, 1600, 0.1165, 0.81, 0.0012, 0.874, 391, Grade.WARN, Grade.WARN),
    LayerRow("head", 4206, 759, 0.0552, 0.74, 0.00036, 0.713, 188, Grade.GOOD, Grade.BAD),
    LayerRow("rules", 3447, 3447, 0.2509, 1.0, 0.00001, None, 0),
)
EXPERIMENTS = (
    ExperimentRow(
        "small-first",
        "",
        (ArmRow("control", 6341, 1302, 0.871), ArmRow("small", 6367, 1288, 0.884)),
    ),
    ExperimentRow(
        "hot-sampling",
        "quality fell below its guard rail",
        (ArmRow("control", 812, 160, 0.866), ArmRow("hot", 801, 171, 0.759)),
    ),
)
TARGETS = (
    Target("accuracy of decisions", "93.1% of 2,649", "at least 95%, alarm below 90%", Grade.WARN),
    Target("decisions by keyword", "33.1% of 13,736", "at least 30%, alarm below 20%", Grade.GOOD),
    Target(
        "decisions by similarity", "24.6% of 13,736", "at least 40%, alarm below 30%", Grade.BAD
    ),
    Target(
        "mean time of a decision",
        "0.3 ms of 13,736",
        "at most 100 ms, alarm above 200 ms",
        Grade.GOOD,
    ),
    Target("decisions that were corrected", "2.1% of 2,649", "at most 5%", Grade.GOOD),
    Target("requests for clarification", "unknown", "at most 5%", Grade.UNKNOWN),
)
GUARDS = (
    GuardRow("in flight", 10, now=True),
    GuardRow("waiting", 2, now=True),
    GuardRow("shed", 31),
    GuardRow("retries", 214),
    GuardRow("hedges", 402),
    GuardRow("hedges that won", 118),
    GuardRow("replayed answers", 57),
)
EMPTY = Overview(AT, 3600.0, 42.0, 0, 0, 0, 0, 0, 0, None, None, None)
HOSTILE = '<script>alert("x")</script>'


def traffic(minutes: int, *, seed: int = 7) -> tuple[TrafficPoint, ...]:
    """A day's swell with noise, and ten bad minutes."""
    draw = Random(seed)
    points: list[TrafficPoint] = []
    for back in range(minutes, 0, -1):
        requests = int(210 + 60 * sin(back / 14) + 18 * draw.gauss(0, 1))
        bad = 22 <= back < 32
        failed = int(requests * draw.uniform(0.08, 0.16)) if bad else draw.choice((0, 0, 1, 2))
        p50 = 0.21 + 0.03 * sin(back / 9) + draw.uniform(0, 0.03) + 0.12 * bad
        points.append(
            TrafficPoint(
                (AT // MINUTE + 1 - back) * MINUTE, requests, failed, draw.randrange(9), p50,
                p50 * draw.uniform(3.4, 4.6) * (1.8 if bad else 1),
            )
        )  # fmt: skip
    return tuple(points)


def recent(count: int = 12) -> tuple[RecentDecision, ...]:
    layers = ("keyword", "similarity", "rules", "knn", "keyword", "head")
    names = ("fast-8b", "fast-8b", "quality-70b", "constrained", "fast-8b", "quality-70b")
    return tuple(
        RecentDecision(
            AT - 0.7 * number,
            f"req-{4207 - number:06d}",
            f"dec-{4207 - number:06d}",
            names[number % 6],
            layers[number % 6],
            0.98 - 0.021 * number,
            0.00006 + 0.00013 * (number % 4),
        )
        for number in range(count)
    )


def busy(window_s: float = 3600.0) -> Overview:
    """Everything that can be shown."""
    points = traffic(round(window_s / MINUTE))
    requests, failed = sum(one.requests for one in points), sum(one.failed for one in points)
    return Overview(
        AT, window_s, 93_784.0, requests, requests - failed, failed, round(requests * 0.02293),
        DECISIONS, requests * 2498, 0.243, 1.312, 3.870, points, ENDPOINTS, HANDOVERS, LAYERS,
        recent(), EXPERIMENTS, TARGETS, GUARDS,
    )  # fmt: skip


def trace(number: int, **fields: object) -> Trace:
    """One answered request: its first endpoint times out, the second one answers."""
    slow = 1 + (number * 37 % 11) / 4
    stages = (
        Stage(1, 0, "admit", StageStatus.OK, 0.0003, 0.0002, 0.0002, (("waited", False),)),
        Stage(2, 0, "spec_analysis", StageStatus.OK, 0.0006, 0.0061, 0.0061,
              (("language", "python"), ("kind", "expression"), ("checks", ["syntax"]))),
        Stage(3, 0, "route", StageStatus.OK, 0.0069, 0.0152, 0.0021,
              (("chain", ["replica-b", "quality-70b"]), ("complexity", 0.62),
               ("why", "complexity 0.62 is at least 0.6"))),
        Stage(4, 3, "match[keyword]", StageStatus.OK, 0.0072, 0.0011, 0.0011,
              (("matcher", "keyword"), ("why", "no keyword is in it"))),
        Stage(5, 3, "match[similarity]", StageStatus.OK, 0.0074, 0.0092, 0.0092,
              (("matcher", "similarity"), ("confidence", 0.71))),
        Stage(6, 3, "cascade[similarity]", StageStatus.OK, 0.0176, 0.0031, 0.0031,
              (("confidence", 0.71), ("threshold", 0.68), ("captured", True))),
        Stage(7, 0, "attempt[0]", StageStatus.FAILED, 0.0224, 0.2003 * slow, 0.0003,
              (("endpoint", "replica-b"), ("error", "UPSTREAM_TIMEOUT"), ("fallback", False),
               ("message", "no answer within 200 ms"))),
        Stage(8, 7, "try", StageStatus.FAILED, 0.0226, 0.2 * slow, 0.2 * slow,
              (("endpoint", "replica-b"), ("outcome", "UPSTREAM_TIMEOUT"), ("try_number", 1))),
        Stage(9, 0, "attempt[1]", StageStatus.OK, 0.0224 + 0.2004 * slow, 0.41 * slow, 0.0006,
              (("endpoint", "quality-70b"), ("fallback", True), ("temperature", 0.2))),
        Stage(10, 9, "try", StageStatus.OK, 0.0226 + 0.2004 * slow, 0.4 * slow - 0.004,
              0.4 * slow - 0.004, (("endpoint", "quality-70b"), ("outcome", "ok"),
              ("prompt_tokens", 412), ("completion_tokens", 57), ("cost_micros", 11_400))),
        Stage(11, 9, "validate", StageStatus.OK, 0.02 + 0.6004 * slow, 0.0068, 0.0068,
              (("verdicts", [["non_empty", "passed"], ["syntax", "passed"]]),)),
        Stage(12, 9, "score", StageStatus.OK, 0.0271 + 0.6004 * slow, 0.0001, 0.0001,
              (("method", "validators+logprob"), ("confidence", 0.91))),
    )  # fmt: skip
    stages = tuple(
        replace(one, self_s=one.elapsed_s - covered(_spans(stages, one.id))) for one in stages
    )
    made = Trace(
        f"{number * 2654435761 % 2**32:08x}" * 4,
        f"req-{number:06d}",
        AT - (4207 - number) * 1.3,
        0.0226 + 0.611 * slow,
        StageStatus.OK,
        stages,
        decision_id=f"dec-{number:06d}",
        endpoint="quality-70b",
        model="coder-70b",
        decided_by="similarity",
        rule="quality",
        score=0.91,
        level="medium",
        prompt=text_record(
            "def mean(values: list[float]) -> float:\n    return ", TextPolicy.FIRST
        ),
        answer=text_record("sum(values) / len(values)", TextPolicy.FIRST),
        changes=(Change("endpoint replica-b breaker", "closed", "open"),),
        size=4000,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def _spans(stages: Sequence[Stage], parent: int) -> list[tuple[float, float]]:
    inside = (one for one in stages if one.parent == parent)
    return [(one.started_s, one.started_s + one.elapsed_s) for one in inside]


def quick(number: int, **fields: object) -> Trace:
    """One that the first endpoint answered."""
    took = 0.09 + (number * 53 % 17) / 60
    stages = (
        Stage(1, 0, "admit", StageStatus.OK, 0.0002, 0.0001, 0.0001),
        Stage(2, 0, "route", StageStatus.OK, 0.0004, 0.0021, 0.0021, (("chain", ["fast-8b"]),)),
        Stage(3, 0, "attempt[0]", StageStatus.OK, 0.0026, took, took, (("endpoint", "fast-8b"),)),
    )
    changed: dict[str, object] = {
        "stages": stages, "elapsed_s": took + 0.003, "endpoint": "fast-8b", "model": "coder-8b",
        "decided_by": "keyword", "rule": "fast", "level": "simple", "changes": (),
    }  # fmt: skip
    return trace(number, **{**changed, **fields})


def failed(number: int, **fields: object) -> Trace:
    why = TraceFailure(
        "unverified", "upstream", "ALL_CANDIDATES_REJECTED", "every candidate failed a check"
    )
    return trace(number, **{"status": StageStatus.FAILED, "failure": why, "score": 0.0, **fields})


def some_traces(count: int = 64) -> list[Trace]:
    """Oldest first, as a store has them."""
    kinds = (quick, quick, trace, quick, failed, quick, quick, trace)
    return [kinds[number % 8](number) for number in range(4208 - count, 4208)]


class DemoGateway:
    """What the pages read; a test changes it while they are open."""

    def __init__(self, overview: Overview | None = None, traces: Sequence[Trace] = ()) -> None:
        self.shown = overview
        self.kept = list(traces)
        self.asked: list[float] = []

    async def overview(self, window_s: float) -> Overview:
        self.asked.append(window_s)
        return busy(window_s) if self.shown is None else replace(self.shown, window_s=window_s)

    def every(self) -> Sequence[Trace]:
        return tuple(self.kept)

    def get(self, name: str) -> Trace | None:
        found = (one for one in reversed(self.kept) if name in {one.trace_id, one.request_id})
        return next(found, None)

    def sources(self, refresh_s: float = 0.05) -> DashboardSources:
        return DashboardSources(self.overview, self, Look(refresh_s=refresh_s))


@asynccontextmanager
async def dashboard(sources: DashboardSources | None, port: int = 0) -> AsyncIterator[int]:
    """The admin listener with its pages, on loopback; yields its port."""
    listener = AdminListener("127.0.0.1", port, Pages(None, tuple, sources))
    bound = await listener.start()
    try:
        yield bound
    finally:
        await listener.close()

"""What the traces that are kept say together: per matcher, per endpoint and per operation.

All numbers are of one window, the traces that are kept, which the answer names (T-07). Requests
that nobody traced are in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.core.trace import Stage, StageStatus, Trace
from gateway.core.value import value
from gateway.state.metrics import NO_LATENCY, LatencyStats
from gateway.state.sketch import NS
from gateway.state.window import exact

REQUEST = "request"


class Subject(StrEnum):
    """What was measured."""

    OPERATION = "operation"
    MATCHER = "matcher"
    MODEL = "model"


@value
class Measure:
    """One matcher, endpoint or operation within the window.

    `errors` are among the `calls`; skipped ones are in neither. `mean_confidence` and `hit_rate`,
    the share of calls that proposed an endpoint, are of matchers; `retries`, tries after the first,
    of endpoints.
    """

    subject: Subject
    name: str
    calls: int = 0
    errors: int = 0
    latency: LatencyStats = NO_LATENCY
    mean_confidence: float = 0.0
    hit_rate: float = 0.0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_micros: int = 0

    @property
    def error_rate(self) -> float:
        """Errors over calls; 0 when there were none."""
        return self.errors / self.calls if self.calls else 0.0


@value
class Telemetry:
    """The window, how many requests it has and how many of them failed, and every measure."""

    window: str
    since: float
    requests: int
    failed: int
    fallback_used: int
    measures: tuple[Measure, ...]


@dataclass(slots=True)
class _Sum:
    times_ns: list[int] = field(default_factory=list[int])
    errors: int = 0
    confidence: float = 0.0
    hits: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_micros: int = 0

    def add(self, stage: Stage) -> None:
        self.times_ns.append(round(stage.elapsed_s * NS))
        self.errors += stage.status is not StageStatus.OK
        self.confidence += _number(stage, "confidence")
        self.hits += bool(stage.told("endpoint"))
        self.retries += _number(stage, "try_number") > 1
        self.prompt_tokens += int(_number(stage, "prompt_tokens"))
        self.completion_tokens += int(_number(stage, "completion_tokens"))
        self.cost_micros += int(_number(stage, "cost_micros"))


def telemetry(traces: Sequence[Trace]) -> Telemetry:
    """Sum up traces, oldest first. Without any, every number is 0 (T-15)."""
    sums: dict[tuple[Subject, str], _Sum] = {}
    whole = sums.setdefault((Subject.OPERATION, REQUEST), _Sum())
    for trace in traces:
        whole.times_ns.append(round(trace.elapsed_s * NS))
        whole.errors += trace.status is not StageStatus.OK
        for stage in trace.stages:
            # The time of a cascade's layer is that of its matcher.
            if stage.status is not StageStatus.SKIPPED and stage.kind != "cascade":
                sums.setdefault(_subject(stage), _Sum()).add(stage)
    return Telemetry(
        window=f"the last {len(traces)} traced requests",
        since=traces[0].at if traces else 0.0,
        requests=len(traces),
        failed=sum(trace.status is not StageStatus.OK for trace in traces),
        fallback_used=sum(_fell_back(trace.stages) for trace in traces),
        measures=tuple(_measure(*key, sums[key]) for key in sorted(sums)),
    )


def _subject(stage: Stage) -> tuple[Subject, str]:
    if stage.kind == "match":
        return Subject.MATCHER, stage.name.partition("[")[2].removesuffix("]")
    if stage.kind == "try":
        return Subject.MODEL, str(stage.told("endpoint") or "")
    return Subject.OPERATION, stage.kind


def _measure(subject: Subject, name: str, of: _Sum) -> Measure:
    calls = len(of.times_ns)
    matched = subject is Subject.MATCHER and calls > 0
    asked = subject is Subject.MODEL
    return Measure(
        subject,
        name,
        calls,
        of.errors,
        exact(of.times_ns),
        of.confidence / calls if matched else 0.0,
        of.hits / calls if matched else 0.0,
        of.retries if asked else 0,
        of.prompt_tokens if asked else 0,
        of.completion_tokens if asked else 0,
        of.cost_micros if asked else 0,
    )


def _fell_back(stages: Iterable[Stage]) -> bool:
    return any(stage.kind == "attempt" and stage.told("fallback") is True for stage in stages)


def _number(stage: Stage, name: str) -> float:
    found = stage.told(name)
    return found if isinstance(found, int | float) else 0.0

"""What an operator sees of a gateway at one moment: the data of every dashboard (D-01).

Times are seconds, `at` and `start` unix seconds, prices micros of the configured currency. Nothing
here is text of a request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

from gateway.core.value import value

MINUTE_S = 60.0
SHORTEST_WINDOW_S = 60.0
LONGEST_WINDOW_S = 86_400.0
"""Windows that may be asked for; whole minutes count, the running one included."""


class Grade(StrEnum):
    """How a number stands beside its target: at it, off it, or past the limit that raises alarm.

    UNKNOWN: nothing was counted yet, which is neither good nor bad.
    """

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@value
class TrafficPoint:
    """The requests that ended in the minute from `start`. Times: None when none was answered."""

    start: float
    requests: int
    failed: int
    fallbacks: int
    p50_s: float | None
    p95_s: float | None


@value
class EndpointRow:
    """One endpoint: over the window what it did, and how it stands now.

    `success_rate` is over the attempts that count, None when there were none. `cost_micros`: the
    price of its answers. `breaker`: `closed`, `open` or `half_open`, or what an operator decided
    instead (`disabled`, `metrics_only`, `forced_open`); `health`: `serving`, `not_serving` or
    `unknown`.
    """

    name: str
    attempts: int
    failures: int
    success_rate: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    cost_micros: int
    breaker: str
    health: str
    in_flight: int
    limit: int
    waiting: int
    drained: bool
    ejected: bool


@value
class Handover:
    """How often one endpoint handed over to another for a reason, as `Attempt.reason` has it."""

    source: str
    target: str
    reason: str
    count: int


@value
class LayerRow:
    """One layer of the router over the window.

    `attempts`: decisions for which it was asked. `captured`: those that it decided; `share`: of all
    decisions, 0..1. `confidence`: mean of its proposals. `mean_s`: mean time. `accuracy`: mean
    quality, 0..1, of what it decided, over the `judged` outcomes; None without any.
    """

    name: str
    attempts: int
    captured: int
    share: float
    confidence: float | None
    mean_s: float | None
    accuracy: float | None
    judged: int
    share_grade: Grade = Grade.UNKNOWN
    accuracy_grade: Grade = Grade.UNKNOWN


@value
class RecentDecision:
    """One of the newest decisions."""

    at: float
    request_id: str
    decision_id: str
    endpoint: str
    layer: str
    confidence: float
    elapsed_s: float


@value
class ArmRow:
    """One arm of an experiment: decisions in it since the start, and the mean quality reported."""

    name: str
    exposures: int
    judged: int
    quality: float | None


@value
class ExperimentRow:
    """One experiment; `stopped` says why it was stopped, empty while it runs."""

    name: str
    stopped: str
    arms: tuple[ArmRow, ...]


@value
class Target:
    """A number with a target (D-05). `text`: the value as people read it."""

    name: str
    text: str
    target: str
    grade: Grade


@value
class GuardRow:
    """What guards requests: a count since the start, or, where `now` is set, of this moment."""

    name: str
    value: int
    now: bool = False


@value
class Overview:
    """Everything at once. `traffic` has each minute of the window, oldest first."""

    at: float
    window_s: float
    uptime_s: float
    requests: int
    succeeded: int
    failed: int
    fallback_used: int
    decisions: int
    cost_micros: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    traffic: tuple[TrafficPoint, ...] = ()
    endpoints: tuple[EndpointRow, ...] = ()
    handovers: tuple[Handover, ...] = ()
    layers: tuple[LayerRow, ...] = ()
    recent: tuple[RecentDecision, ...] = ()
    experiments: tuple[ExperimentRow, ...] = ()
    targets: tuple[Target, ...] = ()
    guards: tuple[GuardRow, ...] = ()


@value
class Look:
    """How a dashboard looks where nobody says otherwise: how far back, and how often again."""

    window_s: float = 3600.0
    refresh_s: float = 5.0


OverviewSource = Callable[[float], Awaitable[Overview]]
"""Looks over a window of so many seconds; raises Fault for one that may not be asked for."""

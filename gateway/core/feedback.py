"""What is remembered of a decision, and what callers report about what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.features import Features
from gateway.core.matching import LayerRecord
from gateway.core.value import value


@value
class RoutingEvent:
    """One decision (O-01). Nothing in it is text of the request.

    `at`: unix seconds. `rule` is the rule that matched, `decided_by` the layer or policy whose
    choice was followed (`rules` when none was). `propensities`: for each endpoint that could have
    been chosen first, the probability with which it was; they sum up to 1. `estimates`: predicted
    quality, 0..1, of each. `arms`: (experiment, arm) pairs the request was in; `shadows`: what
    shadow arms would have chosen, as (experiment, arm, endpoint). `features` is None while nothing
    computed them. `elapsed_s`: the time of the whole decision on a monotonic clock. `costs`: the
    price of each endpoint that could have been chosen first, in micros for 1,000 tokens.
    """

    decision_id: str
    at: float
    request_id: str
    task: str
    rule: str
    objective: str
    chosen: str
    chain: tuple[str, ...]
    decided_by: str
    confidence: float
    layers: tuple[LayerRecord, ...] = ()
    propensities: tuple[tuple[str, float], ...] = ()
    estimates: tuple[tuple[str, float], ...] = ()
    arms: tuple[tuple[str, str], ...] = ()
    shadows: tuple[tuple[str, str, str], ...] = ()
    clarification: bool = False
    threshold_version: int = 0
    experience_version: int = 0
    snapshot_version: int = 0
    elapsed_s: float = 0.0
    features: Features | None = None
    costs: tuple[tuple[str, int], ...] = ()


@value
class OutcomeReport:
    """What a caller, or the gateway itself, found out about one endpoint's answer (O-02).

    None means unknown, and stays unknown. `endpoint` is whose answer it was; empty for that of the
    endpoint that was chosen. `edit_distance`: 0 = kept as it was, 1 = nothing was kept. `quality`:
    0..1, overrides what the others say. `corrected_endpoint`: which endpoint should have been
    chosen. `at`: unix seconds. `latency_s` and `cost_micros`: of the answer.
    """

    decision_id: str
    endpoint: str = ""
    at: float = 0.0
    compiled: bool | None = None
    tests_passed: int | None = None
    tests_total: int | None = None
    accepted: bool | None = None
    edit_distance: float | None = None
    reverted: bool | None = None
    quality: float | None = None
    corrected_endpoint: str = ""
    latency_s: float | None = None
    cost_micros: int | None = None
    source: str = "caller"


@dataclass(frozen=True, slots=True, eq=False)
class Reviewed:
    """A decision with the latest report about each endpoint's answer, by endpoint."""

    event: RoutingEvent
    reports: Mapping[str, OutcomeReport] = field(default_factory=dict[str, OutcomeReport])


def quality_of(report: OutcomeReport) -> float | None:
    """Say how good an answer turned out, 0..1; None when the report does not tell.

    What is known first of: `quality`, reverted (0), did not compile (0), the share of tests passed,
    1 - edit distance of an accepted answer, accepted or not, compiled (no claim of quality: None).
    """
    if report.quality is not None:
        return report.quality
    if report.reverted or report.compiled is False:
        return 0.0
    if report.tests_passed is not None and report.tests_total:
        return report.tests_passed / report.tests_total
    if report.accepted is False:
        return 0.0
    if report.edit_distance is not None:
        return 1.0 - report.edit_distance
    return 1.0 if report.accepted else None

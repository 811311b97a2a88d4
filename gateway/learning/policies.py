"""Policies that could decide instead, as data: what each would have chosen in a logged decision."""

from __future__ import annotations

from gateway.core.feedback import RoutingEvent
from gateway.core.matching import LayerName, LayerStatus, ThresholdSet
from gateway.core.value import value

Distribution = tuple[tuple[str, float], ...]
"""Endpoints and the probability with which each is chosen first, together 1; empty = unknown."""

RULES, OBJECTIVE, ADAPTIVE = "rules", "objective", "adaptive"
"""What `RoutingEvent.decided_by` says when no layer decided."""

_SILENT = frozenset(
    {LayerStatus.ABSTAINED, LayerStatus.UNAVAILABLE, LayerStatus.LATE, LayerStatus.FAILED}
)
"""A layer that ended so would have proposed nothing at any threshold."""


@value
class AlwaysPolicy:
    """One endpoint wherever it may be called; elsewhere what the log has."""

    endpoint: str


@value
class TaskPolicy:
    """An endpoint for each kind of task, `otherwise` for the rest.

    Empty, or where the endpoint may not be called, the logged policy stays: an empty table is the
    logged policy itself.
    """

    endpoints: tuple[tuple[str, str], ...] = ()
    otherwise: str = ""


@value
class GainPolicy:
    """The cheapest endpoint, unless another is predicted to be worth its price.

    Of the endpoints whose predicted quality is at least `min_gain` above that of the cheapest, the
    one with the largest `quality` * gain - `cost` * (its cost above the cheapest, as a share of the
    dearest), if that is above 0. It cannot tell without costs and predictions of all endpoints.
    """

    min_gain: float
    quality: float = 1.0
    cost: float = 0.0


@value
class ThresholdPolicy:
    """The cascade under other thresholds, over what its layers said.

    Where the objective of the request ranked the endpoints, the log stays. It cannot tell where a
    layer that it would ask did not run, or where no layer would decide but in the log one did.
    """

    thresholds: ThresholdSet


Policy = AlwaysPolicy | TaskPolicy | GainPolicy | ThresholdPolicy


def distribution(policy: Policy, event: RoutingEvent) -> Distribution:
    """Say with which probabilities the policy would have chosen; empty where it cannot tell.

    It is computed from what the decision logged, never from its outcome.
    """
    match policy:
        case AlwaysPolicy(endpoint):
            return _taken(endpoint, event)
        case TaskPolicy(endpoints, otherwise):
            return _taken(dict(endpoints).get(event.task, otherwise), event)
        case GainPolicy():
            return _by_gain(policy, event)
        case _:
            return _by_thresholds(policy.thresholds, event)


def permitted(event: RoutingEvent) -> tuple[str, ...]:
    """Name the endpoints that could have been chosen first, in the order of the log.

    They are those of which it has the costs; a chain may go on to others. Where it has none, any in
    the chain may have been permitted.
    """
    priced = (name for name, _ in event.costs)
    logged = (name for name, _ in event.propensities)
    return tuple(dict.fromkeys((event.chosen, *logged, *(priced if event.costs else event.chain))))


def _taken(endpoint: str, event: RoutingEvent) -> Distribution:
    return ((endpoint, 1.0),) if endpoint in permitted(event) else event.propensities


def _by_gain(policy: GainPolicy, event: RoutingEvent) -> Distribution:
    costs, estimates = dict(event.costs), dict(event.estimates)
    names = permitted(event)
    if any(name not in costs or name not in estimates for name in names):
        return ()
    cheapest = min(names, key=lambda name: (costs[name], -estimates[name], name))
    dearest = max(costs[name] for name in names) or 1

    def worth(name: str) -> float:
        gain = estimates[name] - estimates[cheapest]
        extra = (costs[name] - costs[cheapest]) / dearest
        return policy.quality * gain - policy.cost * extra

    worthy = [name for name in names if estimates[name] - estimates[cheapest] >= policy.min_gain]
    best = max(worthy, key=lambda name: (worth(name), name), default=cheapest)
    return ((best if worth(best) > 0 else cheapest, 1.0),)


def _by_thresholds(thresholds: ThresholdSet, event: RoutingEvent) -> Distribution:
    """Ask the layers in the order of the cascade; one without a threshold never runs."""
    if event.decided_by == OBJECTIVE:
        return event.propensities
    said = {record.layer: record for record in event.layers}
    asked = dict(thresholds.thresholds)
    for layer in LayerName:
        record = said.get(layer)
        if layer not in asked or (record is not None and record.status in _SILENT):
            continue
        if record is None or not record.attempted:
            return ()
        if record.endpoint and record.confidence >= asked[layer]:
            return _taken(record.endpoint, event)
    if event.decided_by == ADAPTIVE:
        return event.propensities
    return ((event.chosen, 1.0),) if event.decided_by == RULES else ()

"""Ranks the endpoints that may be called by how each does now and what the request is for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.core.endpoint import Endpoint
from gateway.core.hole import Objective, Priority
from gateway.core.scoring import NOTHING_LIVE, LiveInput, ScoredEndpoint

FACTORS = ("accuracy", "speed", "cache", "load", "fit", "cost")
"""What is weighed, each from 0, the worst, to 1."""

PROFILES: Mapping[Objective, tuple[float, ...]] = MappingProxyType(
    {
        Objective.BALANCED: (0.30, 0.25, 0.15, 0.20, 0.10, 0.0),
        Objective.FASTEST: (0.15, 0.50, 0.10, 0.20, 0.05, 0.0),
        Objective.CHEAPEST: (0.20, 0.10, 0.05, 0.10, 0.05, 0.50),
        Objective.ACCURATE: (0.60, 0.10, 0.05, 0.10, 0.15, 0.0),
        Objective.COMPLETE: (0.40, 0.10, 0.05, 0.10, 0.35, 0.0),
        Objective.LEAST_LOAD: (0.20, 0.15, 0.10, 0.50, 0.05, 0.0),
    }
)
"""Weight of each factor by objective, in the order of `FACTORS`; each sums up to 1 (S-02)."""

BY_PRIORITY: Mapping[Priority, Objective] = MappingProxyType(
    {
        Priority.INTERACTIVE: Objective.FASTEST,
        Priority.STANDARD: Objective.BALANCED,
        Priority.BATCH: Objective.CHEAPEST,
    }
)
"""The objective of a request that names none, where its priority is to choose it (S-10)."""

NOTHING: Mapping[str, float] = MappingProxyType({})

NEUTRAL = 0.5
"""What is not known is neither good nor bad (S-01)."""

PRIOR_COUNT = 10
"""Attempts or judged answers that `NEUTRAL` is worth; with as many, half is left of it. A guess."""

SPAN = 1000.0
"""Times and prices count from a thousandth of the most to the most, by their logarithm.

A straight line over a budget of minutes would hardly tell a tenth of a second from a whole one.
"""

USUAL_IN_FLIGHT = 16
"""Calls at which an endpoint of unknown limit is taken to be half loaded. A guess."""


def rank(
    endpoints: Sequence[Endpoint],
    inputs: Mapping[str, LiveInput],
    objective: Objective,
    *,
    budget_s: float,
    quality: Mapping[str, float] = NOTHING,
    fit: Mapping[str, float] = NOTHING,
) -> tuple[ScoredEndpoint, ...]:
    """Rank endpoints, best first; ties in the router's order. Who may be called is not asked here.

    `inputs`, the predicted `quality` of an answer, 0..1, and the `fit` of capabilities and
    constraints, 0..1, go by name; what is missing, or not a number, is unknown. `budget_s`: the
    time that the request has. Factors, each 0..1:

    - accuracy: the predicted quality; else the geometric mean of success rate and quality, each
      drawn towards one half by the count of what it rests on;
    - speed: 1 for a median time of a thousandth of the budget, 0 for all of it, by logarithm;
    - cache: 1 when the answer is at hand; load: the free share of its calls;
    - fit; cost: as speed, the price held against the dearest of these endpoints.

    The utility is their mean by the objective's weights. It is for ranking only.
    """
    if not endpoints:
        return ()
    weights = PROFILES[objective]
    dearest = max(endpoint.cost_micros_per_1k for endpoint in endpoints)
    cheapest = min(endpoints, key=lambda one: (one.cost_micros_per_1k, one.rank))
    predicted = {
        name: _clamped(number) for name, number in quality.items() if not math.isnan(number)
    }
    base = predicted.get(cheapest.name)
    scored: list[tuple[float, tuple[int, int, str], ScoredEndpoint]] = []
    for endpoint in endpoints:
        name = endpoint.name
        live = inputs.get(name, NOTHING_LIVE)
        good = predicted.get(name)
        factors = (
            _accuracy(live) if good is None else good,
            NEUTRAL if live.p50_s is None else below(live.p50_s, budget_s),
            1.0 if live.cached else 0.0,
            1.0 - _load(live),
            _known(fit.get(name)),
            below(endpoint.cost_micros_per_1k, dearest),
        )
        utility = min(1.0, math.fsum(map(float.__mul__, weights, factors)))
        gain = None if good is None or base is None else good - base
        named = tuple(zip(FACTORS, factors, strict=True))
        one = ScoredEndpoint(name, utility, named, good, gain)
        scored.append((-utility, endpoint.rank, one))
    scored.sort(key=lambda row: row[:2])
    return tuple(one for _, _, one in scored)


def below(amount: float, most: float) -> float:
    """How far an amount is below the most: 1 at a thousandth, 0 at all of it or when not a number.

    By logarithm: every tenth part is a third.
    """
    if amount <= 0:
        return 1.0
    if not amount < most:
        return 0.0
    return min(1.0, math.log(most / amount) / math.log(SPAN))


def _accuracy(live: LiveInput) -> float:
    """The root, so that of two unknowns one half comes, as of one."""
    success = _shrunk(live.success_rate, live.attempts)
    return math.sqrt(success * _shrunk(live.quality, live.judged))


def _shrunk(rate: float | None, count: int) -> float:
    """Draw a rate towards one half: the fewer it rests on, the more (S-04)."""
    counted = max(count, 0)
    return (NEUTRAL * PRIOR_COUNT + _known(rate) * counted) / (PRIOR_COUNT + counted)


def _load(live: LiveInput) -> float:
    """Calls in flight over the limit, within 0..1 (S-08); what is not a number counts as full."""
    calls = max(live.in_flight, 0)
    if live.limit > 0:
        return _clamped(calls / live.limit)
    return _clamped(calls / (calls + USUAL_IN_FLIGHT))


def _known(number: float | None) -> float:
    return NEUTRAL if number is None or math.isnan(number) else _clamped(number)


def _clamped(number: float) -> float:
    """Within 0..1; what is not a number is 1."""
    return max(0.0, number) if number < 1 else 1.0

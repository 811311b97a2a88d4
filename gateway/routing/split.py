"""Who is in which arm of an experiment: computed from a hash, never drawn (B-01).

The same unit is in the same arm on every gateway, after every restart, without anything stored.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from math import log

from gateway.core.experiments import Arm, Experiment, UnitKey
from gateway.core.hole import Objective, Request, RoutingMode
from gateway.core.matching import ThresholdSet

_BITS = 52
"""As many of the hash as a float holds together with the half that keeps it off 0 and 1."""


def unit_of(experiment: Experiment, request: Request) -> str:
    """Return what stays in one arm; the request id for a request that lacks it."""
    match experiment.unit:
        case UnitKey.SESSION:
            unit = request.session_id
        case UnitKey.TENANT:
            unit = request.tenant
        case UnitKey.LABEL:
            unit = next((text for key, text in request.labels if key == experiment.label), "")
        case _:
            unit = ""
    return unit or request.request_id


def assign(experiment: Experiment, unit: str) -> Arm | None:
    """Return the arm of a unit; None when it takes no part.

    One hash of the unit decides whether it takes part, others, one for each arm, which arm it is
    in. So a larger share only adds units, and the arms of those that stay do not change. Among
    arms the smallest -ln(u)/weight wins, u uniform over 0..1: each with a probability of its
    share of the weights, and another weight of one arm moves units only into it or only out of it
    (weighted rendezvous hashing: Thaler and Ravishankar 1998; Schindelhauer and Schomaker 2005).
    """
    if not experiment.enabled or _uniform(experiment.salt, "", unit) >= experiment.share:
        return None
    return min(
        experiment.arms,
        key=lambda arm: (-log(_uniform(experiment.salt, arm.name, unit)) / arm.weight, arm.name),
    )


def propensity(experiment: Experiment, arm: Arm) -> float:
    """Return the probability with which a unit is in an arm of the experiment, as it is now."""
    if not experiment.enabled:
        return 0.0
    return experiment.share * arm.weight / sum(one.weight for one in experiment.arms)


def in_arm(request: Request, arm: Arm) -> Request:
    """Return the request as the arm wants it routed; what its caller asked for itself wins."""
    mode, objective = request.routing_mode, request.objective
    if arm.routing_mode is not None and mode is RoutingMode.AUTO:
        mode = arm.routing_mode
    if arm.objective is not None and objective is Objective.BALANCED:
        objective = arm.objective
    if mode is request.routing_mode and objective is request.objective:
        return request
    return replace(request, routing_mode=mode, objective=objective)


def thresholds_in(arm: Arm, current: ThresholdSet) -> ThresholdSet:
    """Return the thresholds in force with those of the arm over them, under the same version."""
    if not arm.thresholds:
        return current
    return replace(
        current, thresholds=tuple({**dict(current.thresholds), **dict(arm.thresholds)}.items())
    )


def _uniform(salt: str, arm: str, unit: str) -> float:
    """Hash to a number above 0 and below 1; lengths keep two inputs from running together."""
    text = f"{len(salt)}:{salt}{len(arm)}:{arm}{unit}"
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> (64 - _BITS)) + 0.5) / (1 << _BITS)

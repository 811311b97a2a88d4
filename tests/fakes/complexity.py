"""The complexity of a hole by either estimator, in one call."""

from __future__ import annotations

from gateway.core.hole import Hole
from gateway.routing.complexity import factors_v1, factors_v2
from gateway.routing.traits import traits_of


def complexity_v1(hole: Hole) -> float:
    return factors_v1(traits_of(hole)).complexity


def complexity_v2(hole: Hole) -> float:
    return factors_v2(traits_of(hole)).complexity

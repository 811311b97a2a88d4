"""How far confidences are from what came out."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.value import value

BINS = 10
"""Stretches of equal width into which confidences are sorted."""

Outcome = tuple[float, bool]
"""A confidence, 0..1, and whether what it stood for was right."""


@value
class Bin:
    """Outcomes of a stretch from `low` on: how many, their mean confidence, the share right."""

    low: float
    count: int
    confidence: float
    right: float


def brier(outcomes: Sequence[Outcome]) -> float | None:
    """Return the mean squared distance of confidence and outcome (Brier, 1950); None of none."""
    if not outcomes:
        return None
    return sum((confidence - right) ** 2 for confidence, right in outcomes) / len(outcomes)


def reliability(outcomes: Sequence[Outcome], bins: int = BINS) -> tuple[Bin, ...]:
    """Sort outcomes into stretches of equal width, lowest first; empty ones are left out."""
    found: dict[int, list[Outcome]] = {}
    for confidence, right in outcomes:
        found.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, right))
    return tuple(
        Bin(
            place / bins,
            len(inside),
            sum(confidence for confidence, _ in inside) / len(inside),
            sum(right for _, right in inside) / len(inside),
        )
        for place, inside in sorted(found.items())
    )


def expected_calibration_error(outcomes: Sequence[Outcome], bins: int = BINS) -> float | None:
    """Return the mean distance of confidence and share right over stretches; None of none.

    Each stretch counts by its outcomes. Source: Naeini, Cooper and Hauskrecht (2015).
    """
    if not outcomes:
        return None
    table = reliability(outcomes, bins)
    return sum(one.count * abs(one.confidence - one.right) for one in table) / len(outcomes)

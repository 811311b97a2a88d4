"""All proposals together: how sure those are that agree, and how many of those that ran do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gateway.core.matching import NO_MATCH, OVERSHOOT, FusedMatch, LayerName, Level, Proposal
from gateway.core.value import value

UNKNOWN_WEIGHT = 0.4
"""Weight of a matcher for which none is given (X-10)."""


@value
class FusionSettings:
    """The one table of levels (X-14), and what is close.

    HIGH needs evidence of `high` and coverage of `coverage`, MEDIUM evidence of `medium`; all are
    within 0..1. `boost`, above 0, multiplies the weight of the shape matcher. When
    `flag_ambiguity` is set, a match is ambiguous whose best two scores differ by less than
    `ambiguity`.
    """

    boost: float = 1.3
    high: float = 0.70
    medium: float = 0.50
    coverage: float = 0.50
    ambiguity: float = 0.15
    flag_ambiguity: bool = False


DEFAULT_FUSION = FusionSettings()


def fuse(
    proposals: Sequence[Proposal],
    weights: Mapping[str, float],
    settings: FusionSettings = DEFAULT_FUSION,
) -> FusedMatch:
    """Find the endpoint that the matchers propose together; `NO_MATCH` when none proposes any.

    With w the weight of a matcher, boosted for shape, and c its confidence, over those that ran:
    the score of an endpoint is sum(w * c) of those that propose it / sum(w) of all; the greatest
    wins, ties go by name. Of the winner, evidence is sum(w * c) / sum(w) over those that propose
    it, coverage sum(w) of them / sum(w) of all, so that its score is evidence * coverage. Who
    abstained did not run; who proposes another endpoint, or none, did. `contributions` are the
    parts of the winner's score, those of 0 included. No order of proposals changes anything.

    Weights are any positive numbers and need not sum up to anything. Raises ValueError for others.
    """
    ran = _pulled([one for one in proposals if not one.abstained], weights, settings.boost)
    named = {one.endpoint for one, _ in ran if one.endpoint and one.confidence > 0}
    if not named:
        return NO_MATCH
    whole = math.fsum(pull for _, pull in ran)
    parts = [(one, pull * one.confidence / whole) for one, pull in ran]
    scores = {
        name: min(1.0, math.fsum(part for one, part in parts if one.endpoint == name))
        for name in named
    }
    candidates = sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))
    winner = candidates[0][0]
    agreed = [(one, pull) for one, pull in ran if one.endpoint == winner and one.confidence > 0]
    coverage = min(1.0, math.fsum(pull for _, pull in agreed) / whole)
    evidence = _evidence([one for one, _ in agreed], weights, settings.boost)
    parts = [(one, part if one.endpoint == winner else 0.0) for one, part in parts]
    parts.sort(key=lambda shared: (-shared[1], shared[0].layer))
    return FusedMatch(
        endpoint=winner,
        topic=next((one.topic for one, part in parts if part > 0 and one.topic), ""),
        evidence=evidence,
        coverage=coverage,
        level=_level(evidence, coverage, settings),
        ambiguous=settings.flag_ambiguity and _close(candidates, settings.ambiguity),
        candidates=tuple(candidates),
        contributions=tuple((one.layer, part) for one, part in parts),
    )


def _pulled(
    proposals: Sequence[Proposal], weights: Mapping[str, float], boost: float
) -> list[tuple[Proposal, float]]:
    """Pair each with its weight, boosted for shape, over the greatest, so that no sum overflows."""
    known = [weights.get(one.layer, UNKNOWN_WEIGHT) for one in proposals]
    for one, weight in zip(proposals, known, strict=True):
        if not 0 < weight < math.inf:
            raise ValueError(f"weight {weight!r} of {one.layer} must be a positive number")
    greatest = max(known, default=1.0)
    return [
        (one, weight / greatest * (boost if one.layer == LayerName.SHAPE else 1.0))
        for one, weight in zip(proposals, known, strict=True)
    ]


def _evidence(agreed: Sequence[Proposal], weights: Mapping[str, float], boost: float) -> float:
    """Mean confidence by weight. Scaled anew: beside a far greater weight theirs may vanish."""
    pulled = _pulled(agreed, weights, boost)
    sure = math.fsum(pull * one.confidence for one, pull in pulled)
    return min(1.0, sure / math.fsum(pull for _, pull in pulled))


def _level(evidence: float, coverage: float, settings: FusionSettings) -> Level:
    """Hold both numbers against the table; a rounding below a bound is as good as the bound."""
    if evidence < settings.medium - OVERSHOOT:
        return Level.LOW
    if evidence < settings.high - OVERSHOOT or coverage < settings.coverage - OVERSHOOT:
        return Level.MEDIUM
    return Level.HIGH


def _close(candidates: Sequence[tuple[str, float]], within: float) -> bool:
    """Say whether the second best is near."""
    return len(candidates) > 1 and candidates[0][1] - candidates[1][1] < within - OVERSHOOT

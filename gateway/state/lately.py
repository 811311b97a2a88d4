"""How an endpoint did lately: what the choice among endpoints weighs, at most a second old."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from gateway.core.outcome import Outcome
from gateway.core.value import value
from gateway.state.sketch import NS
from gateway.state.window import Ended, Score

FRESH_S = 1.0


@value
class Lately:
    """Counts over the window: successes of `counted` attempts, mean confidence of `judged` texts.

    All are stale from `stale_at` seconds of the clock on.
    """

    successes: int = 0
    counted: int = 0
    confidence: float = 0.0
    judged: int = 0
    stale_at: float = -inf

    @property
    def success_rate(self) -> float | None:
        """Share of successes, 0..1; None when nothing was counted."""
        return self.successes / self.counted if self.counted else None

    @property
    def quality(self) -> float | None:
        """Mean confidence, 0..1; None when nothing was judged."""
        return self.confidence / self.judged if self.judged else None


def lately_of(
    attempts: Iterable[Ended], scores: Iterable[Score], since: float, now: float
) -> Lately:
    """Count what happened at `since` or later. It holds for a second, as `expected_of` does."""
    outcomes = [outcome for at, outcome, _ in attempts if at >= since]
    confidences = [score for at, score in scores if at >= since]
    successes = outcomes.count(Outcome.SUCCESS)
    return Lately(
        successes,
        successes + outcomes.count(Outcome.FAILURE),
        sum(confidences) / NS,
        len(confidences),
        now + FRESH_S,
    )


def together(members: Iterable[Lately]) -> Lately:
    """Sum up the replicas of a group."""
    all_of = tuple(members)
    return Lately(
        sum(one.successes for one in all_of),
        sum(one.counted for one in all_of),
        sum(one.confidence for one in all_of),
        sum(one.judged for one in all_of),
        min((one.stale_at for one in all_of), default=-inf),
    )

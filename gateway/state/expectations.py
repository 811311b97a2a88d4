"""How long an endpoint can be expected to take, judged by the attempts in its window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from gateway.core.outcome import Outcome
from gateway.core.value import value
from gateway.state.window import Ended, First, quantile

FEWEST_FOR_MEDIAN = 5
FEWEST_FOR_TAIL = 20
"""A quantile of 5% or 95% of fewer times is but the smallest or the largest of them."""

FRESH_S = 1.0


@value
class Expected:
    """Seconds; None where too few attempts say so.

    `typical` and `typical_first` are medians, `late` and `late_first` are exceeded by one in
    twenty, `least` is undercut by one in twenty. The `first` ones are the times to the first text
    of a stream, the others those of whole successes. All are stale from `stale_at` seconds of the
    clock on.
    """

    typical: float | None = None
    least: float | None = None
    late: float | None = None
    typical_first: float | None = None
    late_first: float | None = None
    stale_at: float = -inf


NOTHING_KNOWN = Expected()


def expected_of(
    attempts: Iterable[Ended], firsts: Iterable[First], since: float, now: float
) -> Expected:
    """Work it out from what happened at `since` or later.

    It holds for a second: within that no answer of a model moves a quantile far, and the work is
    shared by enough calls to cost nothing.
    """
    successes = sorted(
        ns for at, outcome, ns in attempts if at >= since and outcome is Outcome.SUCCESS
    )
    starts = sorted(ns for at, ns in firsts if at >= since)
    return Expected(
        _quantile(successes, 50, FEWEST_FOR_MEDIAN),
        _quantile(successes, 5, FEWEST_FOR_TAIL),
        _quantile(successes, 95, FEWEST_FOR_TAIL),
        _quantile(starts, 50, FEWEST_FOR_MEDIAN),
        _quantile(starts, 95, FEWEST_FOR_TAIL),
        now + FRESH_S,
    )


def joined(members: Iterable[Expected], now: float) -> Expected:
    """What to expect of a group of which any member may be asked; holds for a second.

    Times are those of the slowest member that is known, `least` that of the fastest when all are.
    """
    all_of = tuple(members)
    leasts = [one.least for one in all_of if one.least is not None]
    return Expected(
        _largest([one.typical for one in all_of]),
        min(leasts) if leasts and len(leasts) == len(all_of) else None,
        _largest([one.late for one in all_of]),
        _largest([one.typical_first for one in all_of]),
        _largest([one.late_first for one in all_of]),
        now + FRESH_S,
    )


def _quantile(ordered: Sequence[int], percent: int, fewest: int) -> float | None:
    return quantile(ordered, percent) if len(ordered) >= fewest else None


def _largest(times: Iterable[float | None]) -> float | None:
    return max((seconds for seconds in times if seconds is not None), default=None)

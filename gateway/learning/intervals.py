"""How much a counted share may be trusted."""

from __future__ import annotations

import math

from gateway.core.value import value

Z95 = 1.959963984540054
"""Normal quantile of a two-sided interval of 95%."""


@value
class Interval:
    """Lower and upper end, 0..1."""

    low: float
    high: float


UNKNOWN = Interval(0.0, 1.0)


def wilson(right: float, of: float) -> Interval:
    """Return the interval of 95% for the share that `right` of `of` trials estimate.

    Source: Wilson (1927), without continuity correction. `of` may be an effective number, and
    `right` a sum of values within 0..1: such values vary less than zeros and ones of the same mean,
    so that their interval is too wide rather than too narrow. Nothing is known of no trial.
    """
    if of <= 0:
        return UNKNOWN
    share = right / of
    spread = Z95 * math.sqrt(max(share * (1 - share), 0.0) / of + (Z95 / (2 * of)) ** 2)
    middle, scale = share + Z95**2 / (2 * of), 1 + Z95**2 / of
    return Interval(max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0))


@value
class Rate:
    """`count` of `of` cases. Of no case the share is unknown, which is neither 0 nor 1."""

    count: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        """The share, 0..1; None when there is no case."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> Interval:
        """The interval of 95% of that share."""
        return wilson(self.count, self.of)

    def __str__(self) -> str:
        return f"{self.count / self.of:.1%} of {self.of}" if self.of else "unknown"


NO_CASE = Rate()

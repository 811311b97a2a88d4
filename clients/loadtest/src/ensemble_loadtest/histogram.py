"""A histogram of positive numbers with a bounded relative error, that merges without loss.

Buckets grow by a constant factor, so that every number in a bucket is within 1% of what stands for
it: the layout of DDSketch (Masson, Rim and Lee, VLDB 2019). Only buckets that hold something take
memory, and there are at most some 1,500 of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

RELATIVE_ERROR = 0.01
LEAST, MOST = 1e-7, 1e6
"""What is outside is counted at these ends: seconds, from 0.1 µs to 11 days."""

_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG = 1 / math.log(_GROWTH)
_log = math.log
_ceil = math.ceil


class Histogram:
    """Counts numbers; `least`, `most`, `total` and `count` are exact."""

    __slots__ = ("_counts", "count", "least", "most", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = 0.0

    def add(self, number: float) -> None:
        """Count one number; what is not positive counts as the least there is."""
        bounded = LEAST if number < LEAST else min(number, MOST)
        bucket = _ceil(_log(bounded) * _PER_LOG)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += number
        self.least = min(self.least, number)
        self.most = max(self.most, number)

    def merge(self, other: Histogram) -> None:
        """Take over what another one counted."""
        for bucket, number in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + number
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    @property
    def mean(self) -> float | None:
        """The mean; None when nothing was counted."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """Return the number below which this share of all numbers is; None when there are none."""
        return self.quantiles([share])[0]

    def quantiles(self, shares: Iterable[float]) -> list[float | None]:
        """Return the quantiles of rising shares, in one pass."""
        found: list[float | None] = []
        buckets = iter(sorted(self._counts.items()))
        passed, bucket = 0, 0
        for share in shares:
            if not self.count:
                found.append(None)
                continue
            rank = min(self.count, max(1, math.ceil(share * self.count)))
            while passed < rank:
                bucket, number = next(buckets)
                passed += number
            middle = 2 * _GROWTH**bucket / (_GROWTH + 1)
            last = rank == self.count
            found.append(self.most if last else min(self.most, max(self.least, middle)))
        return found

    def buckets(self) -> dict[str, int]:
        """Return the counts by the number of their bucket, for a document."""
        return {str(bucket): number for bucket, number in sorted(self._counts.items())}

    @classmethod
    def of(
        cls, buckets: Mapping[str, int], *, total: float, least: float, most: float
    ) -> Histogram:
        """Return the histogram that a document holds."""
        made = cls()
        made._counts = {int(bucket): number for bucket, number in buckets.items()}
        made.count = sum(made._counts.values())
        made.total, made.least, made.most = total, least, most
        return made

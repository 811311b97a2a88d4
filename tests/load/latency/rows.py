"""The table: what was measured beside its bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = f"{'measurement':<44}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}  bar"


@dataclass(frozen=True, slots=True)
class Row:
    """Times in milliseconds; `bar_ms` bounds the 99th percentile of their absolute values."""

    name: str
    values_ms: tuple[float, ...]
    bar_ms: float

    @property
    def met(self) -> bool:
        """Say whether the bar is kept."""
        return quantile([abs(value) for value in self.values_ms], 0.99) <= self.bar_ms

    def __str__(self) -> str:
        shares = (quantile(self.values_ms, share) for share in (0.5, 0.95, 0.99, 1.0))
        numbers = "".join(f"{value:9.2f}" for value in shares)
        verdict = "ok" if self.met else "MISSED"
        return f"{self.name:<44}{numbers}  |p99| <= {self.bar_ms:g} ms: {verdict}"


@dataclass(frozen=True, slots=True)
class Share:
    """How many of all did what they must; `bar` is the least share."""

    name: str
    good: int
    total: int
    bar: float

    @property
    def met(self) -> bool:
        """Say whether the bar is kept."""
        return self.good >= self.bar * self.total

    def __str__(self) -> str:
        verdict = "ok" if self.met else "MISSED"
        counted = f"{self.good} of {self.total}"
        return f"{self.name:<44}{counted:>36}  >= {self.bar:.0%}: {verdict}"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

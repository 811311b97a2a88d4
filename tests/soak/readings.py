"""The numbers that must stay flat, and whether they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

MIB = 1024 * 1024
PER_S = 600.0
"""Slopes are for ten minutes."""

SLOPE_BAR_MIB = 1.0
SHORTEST_S = 240.0
"""A slope over less time says more of the noise than of the gateway: it is told, not judged."""

MORE_ALLOWED = 4
"""Connections and their tasks come and go a little with what was killed last."""

FLAT = ("fds", "tasks")
NONE_LEFT = ("in_flight", "attempts", "waiting", "running", "queued", "open_calls")

Numbers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slope:
    """MiB in ten minutes: the median of all pairwise slopes (Theil 1950, Sen 1968).

    `low` and `high` are the quartiles of those over at least a quarter of the time.
    """

    mib: float
    low: float
    high: float


def slope(times: Sequence[float], sizes: Sequence[int]) -> Slope:
    """Return the slope of sizes in bytes over times in seconds. Raises ValueError for too few."""
    if len(times) < 8:
        raise ValueError("a slope needs 8 samples")
    pairs = [
        (times[b] - times[a], (sizes[b] - sizes[a]) / (times[b] - times[a]) * PER_S / MIB)
        for a in range(len(times))
        for b in range(a + 1, len(times))
    ]
    apart = (times[-1] - times[0]) / 4
    far = [one for span, one in pairs if span >= apart]
    low, _, high = quantiles(far, n=4)
    return Slope(median(one for _, one in pairs), low, high)


@dataclass(slots=True)
class Readings:
    """Samples under traffic after warm-up, and what was read at each quiescence.

    The first of `quiet` is the one after warm-up.
    """

    times: list[float] = field(default_factory=list[float])
    samples: list[Numbers] = field(default_factory=list[Numbers])
    quiet: list[Numbers] = field(default_factory=list[Numbers])

    @property
    def sizes(self) -> list[int]:
        """Resident bytes of each sample."""
        return [one["rss"] for one in self.samples]

    @property
    def slope(self) -> Slope | None:
        """The growth of memory; None when there are too few samples."""
        return slope(self.times, self.sizes) if len(self.times) >= 8 else None

    @property
    def span_s(self) -> float:
        """Seconds from the first sample to the last one."""
        return self.times[-1] - self.times[0] if self.times else 0.0

    @property
    def misses(self) -> list[str]:
        """What did not stay flat, in words."""
        found: list[str] = []
        grown = self.slope
        if grown is None:
            found.append("memory was not measured")
        elif self.span_s >= SHORTEST_S and not grown.mib < SLOPE_BAR_MIB:
            bar = f"below {SLOPE_BAR_MIB:g} MiB"
            found.append(f"memory grew by {grown.mib:.2f} MiB in ten minutes, {bar} is allowed")
        for number, now in enumerate(self.quiet):
            at = f"at quiescence {number}"
            found += [f"{now[name]} {name} {at}" for name in NONE_LEFT if now[name]]
            found += [
                f"{now[name]} {name} {at}, {self.quiet[0][name]} after warm-up"
                for name in FLAT
                if now[name] > self.quiet[0][name] + MORE_ALLOWED
            ]
        return found

    def table(self) -> list[list[str]]:
        """Return the lines of a table, its head first."""
        places = ["after warm-up", *(f"quiet {n}" for n in range(1, len(self.quiet)))]
        lines = [["", *places, "least", "most under load"]]
        for name in ("rss", *FLAT, *NONE_LEFT, "replays", "replay_bytes"):
            loaded = [one[name] for one in self.samples if name in one]
            ends = [_shown(name, of(loaded)) for of in (min, max)] if loaded else ["", ""]
            lines.append([name, *(_shown(name, one[name]) for one in self.quiet), *ends])
        return lines


def _shown(name: str, number: int) -> str:
    return f"{number / MIB:.2f} MiB" if name == "rss" else str(number)

"""What a request must keep to count as good: an objective for its times."""

from __future__ import annotations

from dataclasses import dataclass

from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.spans import seconds_of, shown

NAMES = ("ttft", "tpot", "latency")


@dataclass(frozen=True, slots=True)
class Objective:
    """Upper bounds in seconds; None bounds nothing.

    `ttft`: from the intended send to the first text. `tpot`: mean time of each further piece of
    text. `latency`: from the intended send to the end.
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    latency_s: float | None = None

    def met(self, *, ttft_s: float | None, tpot_s: float | None, latency_s: float) -> bool:
        """Say whether an answered request kept every bound; a time not known breaks none."""
        return (
            (self.latency_s is None or latency_s <= self.latency_s)
            and (self.ttft_s is None or ttft_s is None or ttft_s <= self.ttft_s)
            and (self.tpot_s is None or tpot_s is None or tpot_s <= self.tpot_s)
        )

    def __str__(self) -> str:
        bounds = zip(NAMES, (self.ttft_s, self.tpot_s, self.latency_s), strict=True)
        words = [f"{name} ≤ {shown(bound)}" for name, bound in bounds if bound is not None]
        return ", ".join(words) or "any answer"

    @property
    def of_streams(self) -> bool:
        """True when it bounds what only a stream shows."""
        return self.ttft_s is not None or self.tpot_s is not None


def read_objective(text: str) -> Objective:
    """Read `ttft=300ms,latency=2s`. Raises PlanError."""
    bounds: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, span = part.partition("=")
        if name.strip() not in NAMES:
            raise PlanError(
                f"--slo: {part!r} bounds nothing known; write one of {', '.join(NAMES)}"
            )
        bounds[f"{name.strip()}_s"] = seconds_of("--slo", span)
    return Objective(**bounds)

"""What changed from one run to another, and whether that is more than noise.

A measure's noise is seen in how it varies from one second of a run to the next: a change counts
when it is larger than the 1% that a histogram may be wrong on each side, and than three standard
errors of the difference of the two means over seconds (Welch, Biometrika 1947; three instead of two
because neighbouring seconds resemble each other).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.report import FORMAT
from ensemble_loadtest.spans import shown

SMALLEST = 0.02
ERRORS = 3.0
FEWEST = 5
SAME_PLAN = ("protocol", "stream", "load", "prompts", "model", "max_tokens", "slo")
COLUMNS = ("measure", "A", "B", "change", "noise", "verdict")

Document = Mapping[str, Any]
Point = Mapping[str, Any]


class Verdict(StrEnum):
    """What a change means."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    UNKNOWN = "too short to tell"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of both runs; `change` is B's relative to A's, `noise` how much may be chance."""

    name: str
    before: float | None
    after: float | None
    change: float | None
    noise: float | None
    verdict: Verdict
    form: Callable[[float | None], str]

    def row(self) -> tuple[str, ...]:
        """Write it under COLUMNS."""
        change = "-" if self.change is None else f"{self.change:+.1%}"
        noise = "-" if self.noise is None else f"±{self.noise:.1%}"
        values = (self.form(self.before), self.form(self.after))
        return (self.name, *values, change, noise, str(self.verdict))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every measure, the sum of it in words, and what makes the runs hard to compare."""

    measures: tuple[Measure, ...]
    words: str
    warnings: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """True when something got worse."""
        return any(one.verdict is Verdict.WORSE for one in self.measures)

    def document(self) -> dict[str, Any]:
        """Write it as plain values; changes and noise are shares, times in seconds."""
        return {
            "verdict": self.words,
            "warnings": list(self.warnings),
            "measures": [
                {
                    "name": one.name,
                    "before": one.before,
                    "after": one.after,
                    "change": one.change,
                    "noise": one.noise,
                    "verdict": str(one.verdict),
                }
                for one in self.measures
            ],
        }


def compare(before: Document, after: Document) -> Comparison:
    """Compare two documents of reports. Raises PlanError for what is none."""
    for name, document in (("A", before), ("B", after)):
        if document.get("format") != FORMAT:
            raise PlanError(f"{name} is no report of this harness; make one with --json FILE")
    measures = tuple(measure for measure in _measures(before, after) if measure is not None)
    return Comparison(measures, _words(measures), tuple(_warnings(before, after)))


def _measures(before: Document, after: Document) -> list[Measure | None]:
    rate, share = "{:,.1f}/s".format, "{:.2%}".format
    total = _in_totals
    return [
        _measure(
            "throughput", before, after, total("requests_per_s"), _rate("good"), _form(rate), 1
        ),
        _measure("goodput", before, after, total("goodput"), _share("met"), _form(share), 1),
        _measure(
            "error rate", before, after, total("error_rate"), _share("failed"), _form(share), -1
        ),
        _measure("latency p50", before, after, _in_times("latency", "p50"), _of("p50"), shown, -1),
        _measure("latency p99", before, after, _in_times("latency", "p99"), _of("p99"), shown, -1),
        _measure("TTFT p50", before, after, _in_times("ttft", "p50"), _of("ttft_p50"), shown, -1),
        _measure("TTFT p99", before, after, _in_times("ttft", "p99"), _of("ttft_p99"), shown, -1),
        _measure(
            "cost an answer, micros",
            before,
            after,
            total("cost_micros_per_good"),
            None,
            _form("{:,.1f}".format),
            -1,
        ),
    ]


def _measure(
    name: str,
    before: Document,
    after: Document,
    read: Callable[[Document], float | None],
    each: Callable[[Point], float | None] | None,
    form: Callable[[float | None], str],
    better: int,
) -> Measure | None:
    """Compare one number; None when neither run has it, or both have none of it."""
    numbers = read(before), read(after)
    if not any(numbers):
        return None
    first, second = numbers
    if first is None or second is None:
        return Measure(name, first, second, None, None, Verdict.UNKNOWN, form)
    if not first:
        verdict = Verdict.BETTER if better > 0 else Verdict.WORSE
        return Measure(name, first, second, None, None, verdict, form)
    change = (second - first) / first
    noise = SMALLEST if each is None else _noise(before, after, each, first)
    verdict = Verdict.UNKNOWN if noise is None else Verdict.SAME
    if noise is not None and abs(change) > noise:
        verdict = Verdict.BETTER if change * better > 0 else Verdict.WORSE
    return Measure(name, first, second, change, noise, verdict, form)


def _noise(
    before: Document, after: Document, each: Callable[[Point], float | None], scale: float
) -> float | None:
    """Return how much of a relative change may be chance; None when there is too little to see."""
    variance = 0.0
    for document in (before, after):
        # The last point may be cut short by the end of the run.
        found = [each(point) for point in document["over_time"][:-1]]
        numbers = [number for number in found if number is not None]
        if len(numbers) < FEWEST:
            return None
        variance += statistics.variance(numbers) / len(numbers)
    return max(SMALLEST, ERRORS * math.sqrt(variance) / scale)


def _in_totals(name: str) -> Callable[[Document], float | None]:
    return lambda document: document["totals"][name]


def _in_times(kind: str, name: str) -> Callable[[Document], float | None]:
    def read(document: Document) -> float | None:
        times = document["times"][kind]
        return times[name] if times else None

    return read


def _of(name: str) -> Callable[[Point], float | None]:
    return lambda point: point[name]


def _rate(name: str) -> Callable[[Point], float | None]:
    return lambda point: point[name] / point["seconds"]


def _share(name: str) -> Callable[[Point], float | None]:
    def share(point: Point) -> float | None:
        asked = point["good"] + point["failed"] + point["dropped"]
        return point[name] / asked if asked else None

    return share


def _form(write: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda number: "-" if number is None else write(number)


def _words(measures: Sequence[Measure]) -> str:
    better = [one.name for one in measures if one.verdict is Verdict.BETTER]
    worse = [one.name for one in measures if one.verdict is Verdict.WORSE]
    if better and worse:
        return f"Mixed: B is better in {', '.join(better)}, and worse in {', '.join(worse)}."
    if worse:
        return f"B is worse: {', '.join(worse)}."
    if better:
        return f"B is better: {', '.join(better)}."
    if all(one.verdict is Verdict.UNKNOWN for one in measures):
        return f"Too short to tell: give both runs more than {FEWEST} s."
    return "No change beyond noise."


def _warnings(before: Document, after: Document) -> list[str]:
    first, second = before["plan"], after["plan"]
    found = [
        f"The runs differ in {name}: {first[name]} and {second[name]}."
        for name in SAME_PLAN
        if first[name] != second[name]
    ]
    for name, document in (("A", before), ("B", after)):
        found += [f"{name}: {warning}" for warning in document["warnings"]]
    return found

"""When requests are to be sent: pure sequences of offsets, in seconds from the start of a run.

A rate that changes over time is a list of segments. Arrivals are made at a rate of one a second,
evenly or at random, and carried through the inverse of the cumulative rate: evenly spaced units
become a schedule without chance, and a Poisson process of rate one becomes the Poisson process with
the given rate (time-rescaling theorem; Çinlar, Introduction to Stochastic Processes, 1975, 4.7).
"""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, cast

from ensemble_loadtest.faults import PlanError

MAX_TRACE = 10_000_000
COLUMN = "offset_s"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which the rate, in requests per second, goes evenly to another one."""

    seconds: float
    start_rate: float
    end_rate: float

    @property
    def arrivals(self) -> float:
        """How many requests are expected in it."""
        return self.seconds * (self.start_rate + self.end_rate) / 2

    def time_of(self, arrivals: float) -> float:
        """Return the seconds after which so many requests are expected; 0 <= arrivals < all."""
        if arrivals <= 0.0:
            return 0.0
        slope = (self.end_rate - self.start_rate) / self.seconds
        # The root of start·t + slope·t²/2 = arrivals, in the form that loses no digits at slope 0.
        root = math.sqrt(max(0.0, self.start_rate**2 + 2.0 * slope * arrivals))
        below = self.start_rate + root
        return min(self.seconds, 2.0 * arrivals / below) if below else self.seconds


def steps(rates: Sequence[float], seconds: float) -> tuple[Segment, ...]:
    """Return one flat segment for each rate, all of the same length."""
    each = seconds / len(rates)
    return tuple(Segment(each, rate, rate) for rate in rates)


def evenly() -> Iterator[float]:
    """Return 0, 1, 2 and so on: arrivals at rate one without chance."""
    return map(float, count())


def at_random(even: random.Random) -> Iterator[float]:
    """Yield the arrivals of a Poisson process of rate one."""
    now = 0.0
    while True:
        now += even.expovariate(1.0)
        yield now


def offsets(segments: Iterable[Segment], units: Iterator[float]) -> Iterator[float]:
    """Carry arrivals of rate one into segments; ends with the last segment."""
    start_s = passed = 0.0
    unit = next(units, math.inf)
    for segment in segments:
        while unit - passed < segment.arrivals:
            yield start_s + segment.time_of(unit - passed)
            unit = next(units, math.inf)
        passed += segment.arrivals
        start_s += segment.seconds


def share(arrivals: Iterable[float], worker: int, workers: int) -> Iterator[tuple[int, float]]:
    """Yield the arrivals of one of several processes, each with its number in the whole schedule.

    Each process makes the whole schedule, so that what is sent when does not depend on how many
    there are.
    """
    return islice(enumerate(arrivals), worker, None, workers)


def read_trace(name: str, text: str) -> list[float]:
    """Read recorded arrivals, one a line: a number, a JSON object or CSV with `offset_s`.

    The first arrival becomes 0. Raises PlanError naming the line that is no offset, or that is
    before the one above.
    """
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise PlanError(f"{name}: no arrival in it; write one offset in seconds a line")
    found: list[float] = []
    for number, cell in _cells(name, lines):
        try:
            offset = float(cast("str", cell))
        except (TypeError, ValueError):
            offset = math.nan
        if not math.isfinite(offset):
            raise PlanError(f"{name}, line {number}: no offset; write seconds, or {COLUMN}")
        if found and offset < found[-1]:
            raise PlanError(f"{name}, line {number}: before the line above; sort the file")
        if len(found) == MAX_TRACE:
            raise PlanError(f"{name}: more than {MAX_TRACE} arrivals; cut the file")
        found.append(offset)
    if not found:
        raise PlanError(f"{name}: no arrival in it; write one offset in seconds a line")
    return [offset - found[0] for offset in found]


def _cells(name: str, lines: Sequence[str]) -> Iterator[tuple[int, object]]:
    """Yield the number of each line that is not empty, and what stands there for the offset."""
    first = next(line for line in lines if line.strip())
    if COLUMN in first and not first.lstrip().startswith("{"):
        for row, fields in enumerate(csv.DictReader(lines), start=2):
            yield row, fields.get(COLUMN)
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        yield number, _json_cell(name, number, line) if "{" in line else line.split(",")[0]


def _json_cell(name: str, number: int, line: str) -> object:
    try:
        return cast("dict[str, Any]", json.loads(line)).get(COLUMN)
    except ValueError:
        raise PlanError(f"{name}, line {number}: no JSON; write {{{COLUMN!r}: 1.5}}") from None

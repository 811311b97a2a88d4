"""What came of the requests, counted so that the tallies of several processes add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from ensemble_loadtest.flights import Flight
from ensemble_loadtest.histogram import Histogram
from ensemble_loadtest.slo import Objective

MAX_REASONS = 64
OTHER_REASONS = "OTHER"


@dataclass(slots=True)
class Cell:
    """A stretch of the run; a request belongs to the one in which it was to be sent."""

    sent: int = 0
    good: int = 0
    failed: int = 0
    dropped: int = 0
    met: int = 0
    latency: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class Tally:
    """Counts and histograms of seconds.

    `latency` runs from the intended send to the end, and `service` from the actual one, of what was
    answered; `failed_latency` is that of what was not. `gap` is between two pieces of a stream,
    `tpot` the mean of that for each stream, `lag` how late the harness itself was with a request of
    an open loop. `recent` is of the latencies since whoever shows them began a new one.
    """

    cell_s: float = 1.0
    sent: int = 0
    good: int = 0
    met: int = 0
    dropped: int = 0
    abandoned: int = 0
    cached: int = 0
    pieces: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_micros: int = 0
    finished_s: float = 0.0
    latency: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    failed_latency: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)
    tpot: Histogram = field(default_factory=Histogram)
    gap: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    reasons: Counter[str] = field(default_factory=Counter)
    endpoints: Counter[str] = field(default_factory=Counter)
    cells: dict[int, Cell] = field(default_factory=dict[int, Cell])
    recent: Histogram = field(default_factory=Histogram)

    @property
    def failed(self) -> int:
        """Requests that were sent and not answered well."""
        return self.reasons.total()

    @property
    def asked(self) -> int:
        """Requests that were to be answered: all that came to an end, and what was dropped."""
        return self.good + self.failed + self.dropped

    def cell(self, offset_s: float) -> Cell:
        """Return the cell of a moment of the run."""
        return self.cells.setdefault(int(offset_s / self.cell_s), Cell())

    def answered(self, flight: Flight, offset_s: float, now_s: float, slo: Objective) -> None:
        """Count an answer to a request that was to be sent at this offset."""
        latency_s = now_s - flight.intended_s
        ttft_s = flight.first_s - flight.intended_s if flight.first_s else None
        tpot_s = None
        cell = self.cell(offset_s)
        self.good += 1
        cell.good += 1
        self.latency.add(latency_s)
        self.recent.add(latency_s)
        cell.latency.add(latency_s)
        self.service.add(now_s - flight.sent_s)
        if ttft_s is not None:
            self.ttft.add(ttft_s)
            cell.ttft.add(ttft_s)
        if flight.pieces > 1:
            tpot_s = (flight.last_s - flight.first_s) / (flight.pieces - 1)
            self.tpot.add(tpot_s)
        if slo.met(ttft_s=ttft_s, tpot_s=tpot_s, latency_s=latency_s):
            self.met += 1
            cell.met += 1
        self._spent(flight)

    def _spent(self, flight: Flight) -> None:
        self.pieces += flight.pieces
        self.prompt_tokens += flight.prompt_tokens
        self.completion_tokens += flight.completion_tokens
        self.cost_micros += flight.cost_micros
        self.cached += flight.cached
        if flight.endpoint:
            self.endpoints[_bounded(self.endpoints, flight.endpoint)] += 1

    def refused(self, flight: Flight, reason: str, offset_s: float, now_s: float) -> None:
        """Count a request that was not answered, and why."""
        self.reasons[_bounded(self.reasons, reason)] += 1
        self.failed_latency.add(now_s - flight.intended_s)
        self.cell(offset_s).failed += 1

    def merge(self, other: Tally) -> None:
        """Take over what another process counted."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            match mine:
                case Histogram():
                    mine.merge(theirs)
                case int():
                    setattr(self, one.name, mine + theirs)
                case _:
                    pass
        self.finished_s = max(self.finished_s, other.finished_s)
        _merge_counts(self.reasons, other.reasons)
        _merge_counts(self.endpoints, other.endpoints)
        for number, cell in other.cells.items():
            _merge_cell(self.cells.setdefault(number, Cell()), cell)


def _merge_counts(mine: Counter[str], theirs: Counter[str]) -> None:
    for name, number in theirs.items():
        mine[_bounded(mine, name)] += number


def _merge_cell(mine: Cell, theirs: Cell) -> None:
    mine.sent += theirs.sent
    mine.good += theirs.good
    mine.failed += theirs.failed
    mine.dropped += theirs.dropped
    mine.met += theirs.met
    mine.latency.merge(theirs.latency)
    mine.ttft.merge(theirs.ttft)


def _bounded(known: Counter[str], name: str) -> str:
    """Return the name under which to count, so that a server cannot make the tally grow."""
    return name if name in known or len(known) < MAX_REASONS else OTHER_REASONS

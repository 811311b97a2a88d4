"""What is counted of one minute, and the sum over several of them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.faults import Reason
from gateway.core.feedback import RoutingEvent
from gateway.core.value import value
from gateway.state.buckets import BUCKETS, bucket_of, no_times
from gateway.state.tally import OTHER

AGAINST_ENDPOINT = frozenset(
    {
        Reason.UPSTREAM_UNREACHABLE,
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.UPSTREAM_OVERLOADED,
        Reason.UPSTREAM_TIMEOUT,
        Reason.UPSTREAM_TRUNCATED,
        Reason.UPSTREAM_MALFORMED,
        Reason.UPSTREAM_ERROR,
    }
)
"""Reasons of calls that failed by the endpoint's fault; others are in no rate, as in GetMetrics."""

ANSWERED = frozenset({AttemptStatus.OK, AttemptStatus.REJECTED})
BILLION = 1_000_000_000
MOST_HANDOVERS = 256
"""Different handovers of one minute; those beyond are counted together."""

OTHERS = (OTHER, OTHER, OTHER)

Moved = tuple[str, str, str]
"""A handover: source, target and reason."""


@value
class Judgement:
    """What is known of a decision made at `at`, unix seconds, by `layer`.

    `quality`, 0..1, of the answer of the endpoint that was chosen, and whether that was `right`;
    None for unknown. `corrected`: the caller named another endpoint. `misrouted`: a bad answer
    where another endpoint is known to be right.
    """

    at: float
    layer: str
    quality: float | None = None
    right: bool | None = None
    corrected: bool = False
    misrouted: bool = False


@dataclass(slots=True)
class EndpointSums:
    """Calls to one endpoint; `times` in buckets of those that were answered."""

    attempts: int = 0
    answered: int = 0
    failures: int = 0
    cost_micros: int = 0
    times: array[int] = field(default_factory=no_times)

    def add(self, attempt: Attempt) -> None:
        """Count a call that was made."""
        self.attempts += 1
        self.cost_micros += attempt.cost_micros
        if attempt.status in ANSWERED:
            self.answered += 1
            self.times[bucket_of(attempt.elapsed_s)] += 1
        elif attempt.reason in AGAINST_ENDPOINT:
            self.failures += 1


@dataclass(slots=True)
class LayerSums:
    """Decisions for which a layer was asked, and those that it `captured`.

    `confidence` is summed up over its `proposals`, `elapsed_s` over its runs, `quality` over the
    decisions that were `judged`, in billionths: whole numbers can be taken back exactly.
    """

    asked: int = 0
    captured: int = 0
    proposals: int = 0
    confidence: float = 0.0
    elapsed_s: float = 0.0
    judged: int = 0
    quality: int = 0

    def plus(self, other: LayerSums) -> None:
        """Add those of another minute."""
        self.asked += other.asked
        self.captured += other.captured
        self.proposals += other.proposals
        self.confidence += other.confidence
        self.elapsed_s += other.elapsed_s
        self.judged += other.judged
        self.quality += other.quality


@dataclass(slots=True)
class RoutingSums:
    """Decisions and what became of them.

    `changes` grows with each change, whatever it is. Of the `reported` ones that chose an endpoint
    so many were `corrected`; of the `known` ones, of which one can tell, so many `right` and
    `misrouted`.
    """

    changes: int = 0
    decisions: int = 0
    clarified: int = 0
    elapsed_s: float = 0.0
    reported: int = 0
    corrected: int = 0
    known: int = 0
    right: int = 0
    misrouted: int = 0
    layers: dict[str, LayerSums] = field(default_factory=dict[str, LayerSums])

    def layer(self, name: str) -> LayerSums:
        """Return the sums of a layer."""
        found = self.layers.get(name)
        if found is None:
            found = self.layers[name] = LayerSums()
        return found

    def decided(self, event: RoutingEvent, layer: str) -> None:
        """Count a decision, by the layer that made it."""
        self.changes += 1
        self.decisions += 1
        self.clarified += event.clarification
        self.elapsed_s += event.elapsed_s
        asked = False
        for record in event.layers:
            if record.attempted and not record.shadow:
                asked = asked or record.layer == layer
                sums = self.layer(record.layer)
                sums.asked += 1
                sums.elapsed_s += record.elapsed_s
                if record.endpoint:
                    sums.proposals += 1
                    sums.confidence += record.confidence
        sums = self.layer(layer)
        sums.captured += 1
        if not asked:
            # What is no layer of the cascade was asked only where it decided.
            sums.asked += 1
            if event.confidence:
                sums.proposals += 1
                sums.confidence += event.confidence

    def judged(self, found: Judgement, layer: str, sign: int) -> None:
        """Count what became of a decision of `layer`, or with a sign of -1 take that back."""
        self.changes += 1
        self.reported += sign
        self.corrected += sign * found.corrected
        if found.right is not None:
            self.known += sign
            self.right += sign * found.right
            self.misrouted += sign * found.misrouted
        if found.quality is not None:
            sums = self.layer(layer)
            sums.judged += sign
            sums.quality += sign * round(found.quality * BILLION)

    def plus(self, other: RoutingSums) -> None:
        """Add those of another minute."""
        self.decisions += other.decisions
        self.clarified += other.clarified
        self.elapsed_s += other.elapsed_s
        self.reported += other.reported
        self.corrected += other.corrected
        self.known += other.known
        self.right += other.right
        self.misrouted += other.misrouted
        for name, sums in other.layers.items():
            self.layer(name).plus(sums)


@dataclass(slots=True)
class Minute:
    """One minute; `number` is its start in unix minutes. `times` are of answered requests."""

    number: int
    requests: int = 0
    failed: int = 0
    fallbacks: int = 0
    times: array[int] = field(default_factory=no_times)
    endpoints: dict[str, EndpointSums] = field(default_factory=dict[str, EndpointSums])
    handovers: dict[Moved, int] = field(default_factory=dict[Moved, int])
    routing: RoutingSums = field(default_factory=RoutingSums)

    def endpoint(self, name: str) -> EndpointSums:
        """Return the sums of an endpoint."""
        found = self.endpoints.get(name)
        if found is None:
            found = self.endpoints[name] = EndpointSums()
        return found

    def moved(self, handover: Moved) -> None:
        """Count a handover."""
        counts = self.handovers
        if handover not in counts and len(counts) >= MOST_HANDOVERS:
            handover = OTHERS
        counts[handover] = counts.get(handover, 0) + 1


@dataclass(slots=True)
class EndpointTotals:
    """The sum of an endpoint's minutes, as EndpointSums has them."""

    attempts: int = 0
    answered: int = 0
    failures: int = 0
    cost_micros: int = 0
    times: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BUCKETS, np.int64))

    def plus(self, sums: EndpointSums | EndpointTotals) -> None:
        """Add those of one minute, or of several."""
        self.attempts += sums.attempts
        self.answered += sums.answered
        self.failures += sums.failures
        self.cost_micros += sums.cost_micros
        self.times += np.asarray(sums.times)


@value
class MinuteTraffic:
    """The requests of one minute; `times` are the buckets as bytes, empty without any request."""

    requests: int
    failed: int
    fallbacks: int
    times: bytes


@dataclass(slots=True)
class Totals:
    """The sum over minutes: `traffic` of each that has requests, by its number."""

    traffic: dict[int, MinuteTraffic] = field(default_factory=dict[int, MinuteTraffic])
    endpoints: dict[str, EndpointTotals] = field(default_factory=dict[str, EndpointTotals])
    handovers: dict[Moved, int] = field(default_factory=dict[Moved, int])
    routing: RoutingSums = field(default_factory=RoutingSums)

    def join(self, other: Totals) -> None:
        """Add the sum of other minutes."""
        self.traffic.update(other.traffic)
        for name, sums in other.endpoints.items():
            self.endpoints.setdefault(name, EndpointTotals()).plus(sums)
        self._moved(other.handovers)
        self.routing.plus(other.routing)

    def plus(self, minute: Minute) -> None:
        """Add a minute."""
        if minute.requests:
            self.traffic[minute.number] = MinuteTraffic(
                minute.requests, minute.failed, minute.fallbacks, minute.times.tobytes()
            )
        for name, sums in minute.endpoints.items():
            self.endpoints.setdefault(name, EndpointTotals()).plus(sums)
        self._moved(minute.handovers)
        self.routing.plus(minute.routing)

    def _moved(self, counts: Mapping[Moved, int]) -> None:
        for handover, count in counts.items():
            self.handovers[handover] = self.handovers.get(handover, 0) + count

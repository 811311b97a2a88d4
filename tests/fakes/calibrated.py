"""Decisions drawn from a known calibration, so that the right thresholds are known (O-11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.matching import (
    DEFAULT_THRESHOLDS,
    LayerName,
    LayerRecord,
    LayerStatus,
    ThresholdSet,
)
from gateway.learning.thresholds import TUNED

SPAN_S = 7 * 86_400.0
"""Decisions are spread evenly over this many seconds."""

ENDPOINTS = ("quick", "careful", "expert")
TASKS = ("complete", "explain", "repair")
OVERHEAD_S = 0.0002
GOOD, BAD = (0.85, 0.99), (0.0, 0.45)
"""Quality of right and of wrong answers, from and to."""

LATENCIES: Mapping[LayerName, float] = MappingProxyType(
    dict(zip(TUNED, (0.005, 0.05, 0.15, 0.3), strict=True))
)
"""Longest time of each layer in seconds (L-01)."""

HALVINGS = 60
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confident a layer is, and how often it is then right.

    `points`: (confidence, share of right proposals), both rising, at least two; between them the
    share is linear. `masses`: for each stretch between two points the part of the requests whose
    confidence lies in it, evenly; above 0, and 1 together. Raises ValueError for anything else.
    """

    points: tuple[tuple[float, float], ...]
    masses: tuple[float, ...]

    def __post_init__(self) -> None:
        stretches = list(zip(self.points, self.points[1:], strict=False))
        if not stretches or len(self.masses) != len(stretches):
            raise ValueError("a calibration needs two points or more, and a mass between each two")
        if any(low >= high or worse > better for (low, worse), (high, better) in stretches):
            raise ValueError("the points of a calibration must rise")
        if min(self.masses) <= 0 or abs(sum(self.masses) - 1) > ROUNDING:
            raise ValueError("the masses of a calibration must be above 0, and 1 together")

    def draw(self, rng: Generator, n: int) -> NDArray[np.float64]:
        """Draw confidences."""
        sums = np.concatenate([np.zeros(1), np.cumsum(self.masses)])
        return np.interp(rng.random(n), sums, [confidence for confidence, _ in self.points])

    def right(self, confidences: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how often proposals of such confidences are right, 0..1."""
        places, shares = zip(*self.points, strict=True)
        return np.interp(confidences, places, shares)

    def precision(self, threshold: float) -> float:
        """Return the share of right ones among the proposals with at least this confidence.

        Exact. Beyond the last point it is that point's own share.
        """
        mass = right = 0.0
        for (low, worse), (high, better), part in zip(
            self.points, self.points[1:], self.masses, strict=False
        ):
            start = max(low, threshold)
            if start < high:
                inside = part * (high - start) / (high - low)
                at_start = worse + (better - worse) * (start - low) / (high - low)
                mass += inside
                right += inside * (at_start + better) / 2
        return right / mass if mass else self.points[-1][1]


SAMPLE_CALIBRATIONS: Mapping[LayerName, Calibration] = MappingProxyType(
    {
        LayerName.KEYWORD: Calibration(((0.0, 0.1), (0.85, 0.97), (1.0, 1.0)), (0.66, 0.34)),
        LayerName.SIMILARITY: Calibration(((0.0, 0.1), (0.7, 0.97), (1.0, 1.0)), (0.34, 0.66)),
        LayerName.KNN: Calibration(((0.0, 0.2), (0.85, 0.98), (1.0, 1.0)), (0.25, 0.75)),
        LayerName.HEAD: Calibration(((0.0, 0.2), (0.9, 0.98), (1.0, 1.0)), (0.3, 0.7)),
    }
)
"""Layers that do as they should at the default thresholds (N-09)."""


def true_threshold(
    calibration: Calibration, target: float, lowest: float = 0.5, highest: float = 0.95
) -> float | None:
    """Return the lowest threshold at which a layer is right as often as `target`; None if none is.

    This is what a tuner with endless outcomes would find.
    """
    if calibration.precision(highest) < target:
        return None
    low, high = lowest, highest
    if calibration.precision(low) >= target:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if calibration.precision(middle) >= target:
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, slots=True, eq=False)
class _Draws:
    """Everything random about some decisions, an entry for each."""

    thresholds: Mapping[LayerName, float]
    confidences: Mapping[LayerName, list[float]]
    right: Mapping[LayerName, list[bool]]
    elapsed: Mapping[LayerName, list[float]]
    best: list[int]
    other: list[int]
    shadowed: list[bool]
    reported: list[bool]
    task: list[int]
    quality: list[float]


def draw_reviewed(
    rng: Generator,
    n: int,
    calibrations: Mapping[LayerName, Calibration] = SAMPLE_CALIBRATIONS,
    thresholds: ThresholdSet = DEFAULT_THRESHOLDS,
    *,
    shadow_share: float = 0.1,
    labelled: float = 1.0,
    until: float = SPAN_S,
) -> Sequence[Reviewed]:
    """Draw `n` decisions of the cascade with their outcomes, oldest first.

    Every layer is confident and right as its calibration says, independently of the others; those
    without one are not configured. After a decision the layers beyond it run as shadows in
    `shadow_share` of the cases. Of the decisions that chose something the share `labelled` has a
    report, with a correction where the choice was wrong. The last one is made just before `until`,
    in unix seconds. The same state of `rng` gives the same decisions.
    """
    layers = [layer for layer in TUNED if layer in calibrations]
    confidences = {layer: calibrations[layer].draw(rng, n) for layer in layers}
    draws = _Draws(
        thresholds={layer: thresholds.of(layer) for layer in layers},
        confidences={layer: drawn.tolist() for layer, drawn in confidences.items()},
        right={
            layer: (rng.random(n) < calibrations[layer].right(drawn)).tolist()
            for layer, drawn in confidences.items()
        },
        elapsed={layer: (LATENCIES[layer] * rng.uniform(0.5, 1, n)).tolist() for layer in layers},
        best=rng.integers(len(ENDPOINTS), size=n).tolist(),
        other=rng.integers(1, len(ENDPOINTS), size=n).tolist(),
        shadowed=(rng.random(n) < shadow_share).tolist(),
        reported=(rng.random(n) < labelled).tolist(),
        task=rng.integers(len(TASKS), size=n).tolist(),
        quality=rng.random(n).tolist(),
    )
    start, distance = until - SPAN_S, SPAN_S / max(n, 1)
    return [_reviewed(draws, one, start + one * distance, thresholds.version) for one in range(n)]


def _reviewed(draws: _Draws, one: int, at: float, version: int) -> Reviewed:
    records, decided = _cascade(draws, one)
    event = RoutingEvent(
        decision_id=f"sample-{at:.0f}-{one:06d}",
        at=at,
        request_id=f"sample-request-{one:06d}",
        task=TASKS[draws.task[one]],
        rule="sample",
        objective="balanced",
        chosen=decided.endpoint if decided else "",
        chain=ENDPOINTS if decided else (),
        decided_by=decided.layer if decided else LayerName.CLARIFY,
        confidence=decided.confidence if decided else 0.0,
        layers=records,
        propensities=((decided.endpoint, 1.0),) if decided else (),
        clarification=decided is None,
        threshold_version=version,
        elapsed_s=OVERHEAD_S + sum(record.elapsed_s for record in records if not record.shadow),
    )
    if decided is None or not draws.reported[one]:
        return Reviewed(event)
    return Reviewed(event, {decided.endpoint: _report(draws, one, event)})


def _cascade(draws: _Draws, one: int) -> tuple[tuple[LayerRecord, ...], LayerRecord | None]:
    """Return a record of each layer, and that of the layer which decided."""
    records: list[LayerRecord] = []
    decided: LayerRecord | None = None
    for layer, threshold in draws.thresholds.items():
        if decided and not draws.shadowed[one]:
            reason = f"{decided.layer} had decided"
            records.append(
                LayerRecord(layer, LayerStatus.SKIPPED, threshold=threshold, reason=reason)
            )
            continue
        confidence = draws.confidences[layer][one]
        enough = confidence >= threshold
        record = LayerRecord(
            layer,
            LayerStatus.DECIDED if enough and not decided else LayerStatus.DECLINED,
            confidence,
            threshold,
            _proposed(draws, one, right=draws.right[layer][one]),
            elapsed_s=draws.elapsed[layer][one],
            shadow=decided is not None,
        )
        records.append(record)
        if enough and not decided:
            decided = record
    return tuple(records), decided


def _proposed(draws: _Draws, one: int, *, right: bool) -> str:
    return ENDPOINTS[(draws.best[one] + (0 if right else draws.other[one])) % len(ENDPOINTS)]


def _report(draws: _Draws, one: int, event: RoutingEvent) -> OutcomeReport:
    best = ENDPOINTS[draws.best[one]]
    right = event.chosen == best
    low, high = GOOD if right else BAD
    return OutcomeReport(
        event.decision_id,
        event.chosen,
        at=event.at,
        accepted=right,
        quality=low + (high - low) * draws.quality[one],
        corrected_endpoint="" if right else best,
        source="sample",
    )

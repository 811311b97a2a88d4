"""What is known of one layer's proposals, with its outcomes as far as they are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.feedback import Reviewed
from gateway.core.matching import LayerName, LayerRecord
from gateway.learning.intervals import Interval, wilson
from gateway.learning.labels import Label

Vector = NDArray[np.float64]
Run = tuple[LayerRecord, bool | None]
"""A layer that ran, and whether what it proposed is known to be right."""

Known = tuple[float, float, bool]
"""Confidence of a proposal, how many proposals it stands for, whether it was right."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """Proposals of known outcome, most confident first, with their running sums.

    `weights`, `squares` and `right` have one entry more than `confidences`: entry k is the sum over
    the k most confident of the weight, its square, and the weight of those that were right.
    """

    confidences: Vector
    weights: Vector
    squares: Vector
    right: Vector

    def above(self, threshold: float) -> int:
        """Count those whose confidence is at least `threshold`."""
        return int(np.searchsorted(-self.confidences, -threshold, side="right"))

    def precision(self, threshold: float) -> float | None:
        """Return the weighted share of those above that were right; None without any."""
        above = self.above(threshold)
        return float(self.right[above] / self.weights[above]) if above else None

    def interval(self, threshold: float) -> Interval:
        """Return the interval of that precision, at the effective number of proposals.

        Source of that number: Kish (1965), the squared sum of weights over the sum of squares.
        """
        above = self.above(threshold)
        if not above:
            return wilson(0, 0)
        effective = float(self.weights[above] ** 2 / self.squares[above])
        return wilson(float(self.right[above] / self.weights[above]) * effective, effective)

    def near(self, threshold: float, reach: float) -> int:
        """Count those no further than `reach` from `threshold`."""
        return int(np.count_nonzero(np.abs(self.confidences - threshold) <= reach + 1e-9))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a layer proposed, in every decision for which it ran.

    `known`: proposals of known outcome, shadow runs included, each standing for those of unknown
    outcome as well. `own`: those of them that were no shadow runs, so that no earlier layer had
    decided; each counts once. `confidences`: of every proposal, known or not. `ran`: all its runs,
    with those that proposed nothing. `elapsed_s`: mean time of a run, None when it never ran.
    `floor`: below it are proposals about which nothing is known, so that no lower threshold can be
    justified; 0 when there are none.
    """

    known: Proposals
    own: Proposals
    confidences: Vector
    ran: int
    elapsed_s: float | None
    floor: float

    def coverage(self, threshold: float) -> float:
        """Return the share of the requests it ran for that it would decide."""
        return int(np.count_nonzero(self.confidences >= threshold)) / max(self.ran, 1)


def runs_of(rows: Iterable[tuple[Reviewed, Label]]) -> dict[LayerName, list[Run]]:
    """Collect the runs of each layer, each judged by what that layer itself proposed (U-06).

    It does not matter who decided, whether the layer did, and whether the decision was right (O-03,
    U-02, U-03).
    """
    found: dict[LayerName, list[Run]] = {layer: [] for layer in LayerName}
    for row, label in rows:
        for record in row.event.layers:
            if record.attempted:
                found[record.layer].append((record, label.judge(record.endpoint)))
    return found


def evidence_of(runs: Sequence[Run], boundary: float, cell: float) -> Evidence:
    """Sum up the runs of a layer whose threshold is `boundary`.

    A shadow run counts as much as a run of the layer's own: it tells how often the layer is right
    at a confidence. To let it stand for all the requests that were not sampled would spend most of
    the evidence on requests that the layer does not decide (see docs/decisions/0031).

    Outcomes are missing where nobody reported, and never known where the decision was to ask for
    clarification, which happens to low confidences only. So the proposals of known outcome also
    stand for the unknown ones of about their confidence: of the same cell, `cell` wide, counted
    from `boundary`, where what is known changes. This supposes that of proposals of equal
    confidence those of unknown outcome are right as often. A cell below the threshold without any
    known outcome makes a `floor`.
    """
    proposed = [(record, right) for record, right in runs if record.endpoint]
    places = [int((record.confidence - boundary) // cell) for record, _ in proposed]
    known = Counter(
        place for place, (_, right) in zip(places, proposed, strict=True) if right is not None
    )
    unknown = [place for place in places if place < 0 and not known[place]]
    return Evidence(
        known=_proposals(_completed(proposed, places, known)),
        own=_proposals(
            (record.confidence, 1.0, right)
            for record, right in proposed
            if right is not None and not record.shadow
        ),
        confidences=np.array([record.confidence for record, _ in proposed]),
        ran=len(runs),
        elapsed_s=sum(record.elapsed_s for record, _ in runs) / len(runs) if runs else None,
        floor=boundary + (max(unknown) + 1) * cell if unknown else 0.0,
    )


def _completed(
    proposed: Sequence[Run], places: Sequence[int], known: Mapping[int, int]
) -> Iterable[Known]:
    """Let the known ones of each cell take over the weight of the unknown ones."""
    everything = Counter(places)
    for place, (record, right) in zip(places, proposed, strict=True):
        if right is not None:
            yield record.confidence, everything[place] / known[place], right


def _proposals(known: Iterable[Known]) -> Proposals:
    table = np.array(sorted(known, reverse=True), dtype=np.float64).reshape(-1, 3)
    confidences, weights, right = table.T
    return Proposals(
        confidences, _running(weights), _running(weights**2), _running(weights * right)
    )


def _running(values: Vector) -> Vector:
    return np.concatenate([np.zeros(1), np.cumsum(values)])

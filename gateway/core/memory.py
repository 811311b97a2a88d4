"""Past requests by their words, and what came of them: an inverted index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateway.core.confidence import UNFITTED, Confidence
from gateway.core.features import Features
from gateway.core.vocabulary import Floats, Integers, Positions, Vocabulary

NEAREST = 10
"""So many of the neighbours say how similar the request is to what is known."""

LONGEST_WALK = 12_500
"""Entries of the index read for one request, those of rare words first: bounds its time.

In recorded data two to eight times as many do not change what gains are worth.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """What the nearest past requests add to the prior, by endpoint.

    `similarity`: mean cosine of the `NEAREST` ones. `effective_n`: how many past requests the
    correction rests on, weighed by similarity and age.
    """

    correction: Floats
    similarity: float
    effective_n: float


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """One or more past requests.

    Word p of the vocabulary occurs in `rows[starts[p]:starts[p + 1]]`, with the `weights` at the
    same places. `residuals` [rows, endpoints]: quality minus prior, 0 where unknown. `known`, of
    the same shape: weight of that outcome by its age, 0 where unknown. `neighbours`: how many are
    asked. `slack`: see `LearningSettings`. `typical`: similarity of a request to its nearest when
    it is like those in memory.
    """

    vocabulary: Vocabulary
    starts: Integers
    rows: Integers
    weights: Floats
    residuals: Floats
    known: Floats
    neighbours: int
    slack: float
    typical: float = 1.0
    confidence: Confidence = UNFITTED

    def recall(self, features: Features, without: int | None = None) -> Recalled:
        """Ask the nearest ones; `without` leaves a row out, to judge the memory by its own rows."""
        similar = self._similarities(features)
        if without is not None:
            similar[without] = 0.0
        count = min(self.neighbours, len(similar))
        nearest = similar.argpartition(-count)[-count:]
        nearest = nearest[similar[nearest].argsort()]
        weights = similar[nearest]
        total = weights.sum()
        if total <= 0.0:
            return Recalled(np.zeros_like(self.residuals[0]), 0.0, 0.0)
        # The weights become 1 on average, so that they count outcomes.
        weights *= np.count_nonzero(weights) / total
        known = self.known[nearest] * weights[:, np.newaxis]
        level, deviations = shrunk(self.residuals[nearest], known, self.slack)
        return Recalled(
            correction=level + deviations,
            similarity=float(similar[nearest[-NEAREST:]].mean()),
            effective_n=float(known.max(axis=1).sum()),
        )

    def _similarities(self, features: Features) -> Floats:
        at, weights = self.vocabulary.weigh(features)
        begins, ends = self.starts[at], self.starts[at + 1]
        walked = _rarest(ends - begins)
        begins, ends, weights = begins[walked], ends[walked], weights[walked]
        spans = [*zip(begins.tolist(), ends.tolist(), strict=True)]
        if not spans:
            return np.zeros(len(self.residuals), np.float32)
        rows = np.concatenate([self.rows[begin:end] for begin, end in spans])
        products = np.concatenate([self.weights[begin:end] for begin, end in spans])
        products *= np.repeat(weights, ends - begins)
        return np.bincount(rows, products, len(self.residuals)).astype(np.float32)


def shrunk(values: Floats, weights: Floats, slack: float) -> tuple[float, Floats]:
    """Split values [rows, endpoints] into a level and deviations by endpoint, both towards zero.

    `weights` of the same shape are 0 where a value is unknown. After outcomes that weigh n, both
    keep n / (n + slack) of their mean.
    """
    sums, counts = (weights * values).sum(axis=0), weights.sum(axis=0)
    level = float(sums.sum() / (counts.sum() + slack))
    return level, (sums - np.float32(level) * counts) / (counts + np.float32(slack))


def _rarest(counts: Integers) -> Positions:
    order = counts.argsort(kind="stable")
    return order[counts[order].cumsum() <= LONGEST_WALK]

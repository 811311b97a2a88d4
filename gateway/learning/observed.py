"""Observations as arrays: what every layer is learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.core.experience import Observation
from gateway.core.features import Features
from gateway.core.vocabulary import Floats
from gateway.learning.settings import LearningSettings

LEAST_WEIGHT = 1e-3
"""Of the oldest outcome: weights stay apart from 0, which means that there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The observations that are learned from, as rows, and the endpoints, as columns.

    `scores` [rows, endpoints]: quality, 0 where unknown. `known`, of the same shape: weight of the
    outcome by its age, above 0 and at most 1; 0 where unknown.
    """

    features: tuple[Features, ...]
    endpoints: tuple[str, ...]
    scores: Floats
    known: Floats

    @property
    def requests(self) -> float:
        """How many rows there are, weighed by age."""
        return float(self.known.max(axis=1).sum())

    def part(self, rows: Sequence[int]) -> Observed:
        """Return some of the rows."""
        at = np.asarray(rows, np.intp)
        features = tuple(self.features[row] for row in rows)
        return Observed(features, self.endpoints, self.scores[at], self.known[at])

    def beside(self, expected: Floats) -> Floats:
        """Return the residuals [rows, endpoints]: scores minus what was expected, 0 if unknown."""
        return np.where(self.known > 0.0, self.scores - expected, np.float32(0.0))


def observed_of(observations: Sequence[Observation], settings: LearningSettings) -> Observed:
    """Take the latest observations and the endpoints with most outcomes, within the limits.

    Scores outside 0..1 are left out, and then observations without any score.
    """
    latest = sorted(observations, key=lambda one: one.at)[-settings.max_observations :]
    counts = Counter(endpoint for one in latest for endpoint, _ in one.scores)
    common = sorted(counts, key=lambda endpoint: (-counts[endpoint], endpoint))
    endpoints = tuple(sorted(common[: settings.max_endpoints]))
    columns = {endpoint: column for column, endpoint in enumerate(endpoints)}
    scores = np.zeros((len(latest), len(endpoints)), np.float32)
    known = np.zeros_like(scores)
    for row, one in enumerate(latest):
        weight = 0.5 ** ((latest[-1].at - one.at) / settings.half_life_s)
        for endpoint, score in one.scores:
            if endpoint in columns and 0.0 <= score <= 1.0:
                scores[row, columns[endpoint]] = score
                known[row, columns[endpoint]] = max(weight, LEAST_WEIGHT)
    kept = np.flatnonzero(known.any(axis=1)).tolist()
    features = tuple(one.features for one in latest)
    return Observed(features, endpoints, scores, known).part(kept)

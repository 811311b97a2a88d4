"""How good an answer is expected to be: what the doubly robust estimate starts from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.learning.evaluation.cases import Case

FOLDS = 5
"""A case is predicted from the other four fifths, never from its own outcome."""

SLACK = 5.0
"""A mean over n cases counts as n / (n + SLACK), the coarser mean as the rest."""

NEUTRAL = 0.5
"""Quality expected where there is no case at all."""

Key = tuple[str | None, str | None]
"""Task and endpoint; None stands for all."""


class RewardModel:
    """Predicts by what the decision logged, else by means over the cases of the other folds.

    The means are those of the endpoint on the kind of task, shrunk towards that of the endpoint,
    and that towards the mean of all.
    """

    __slots__ = ("_folds", "_totals")

    def __init__(self, cases: Sequence[Case], rng: np.random.Generator) -> None:
        self._folds: list[int] = (rng.permutation(len(cases)) % FOLDS).tolist()
        self._totals: dict[tuple[int | None, Key], list[float]] = {}
        for case, fold in zip(cases, self._folds, strict=True):
            for endpoint, quality in (case.known or {case.chosen: case.reward}).items():
                for key in _keys(case.task, endpoint):
                    for part in (None, fold):
                        total = self._totals.setdefault((part, key), [0.0, 0.0])
                        total[0] += quality
                        total[1] += 1

    def predict(self, place: int, case: Case, endpoint: str) -> float:
        """Predict the quality of an endpoint's answer for the case at `place`."""
        logged = case.estimates.get(endpoint)
        if logged is not None:
            return logged
        mean = NEUTRAL
        for key in _keys(case.task, endpoint):
            quality, count = self._elsewhere(self._folds[place], key)
            mean = (quality + SLACK * mean) / (count + SLACK)
        return mean

    def _elsewhere(self, fold: int, key: Key) -> tuple[float, float]:
        """Return sum and number over the other folds."""
        nothing = (0.0, 0.0)
        quality, count = self._totals.get((None, key), nothing)
        own_quality, own_count = self._totals.get((fold, key), nothing)
        return quality - own_quality, count - own_count


def _keys(task: str, endpoint: str) -> tuple[Key, Key, Key]:
    """From the coarsest mean to the finest."""
    return (None, None), (None, endpoint), (task, endpoint)

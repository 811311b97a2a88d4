"""From cases to the estimates of every method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.core.value import value
from gateway.learning.evaluation.cases import Case
from gateway.learning.evaluation.estimators import (
    Estimate,
    clip_for,
    difference,
    doubly_robust,
    effective_size,
    ips,
    mean_of,
    snips,
)
from gateway.learning.evaluation.reward_model import RewardModel


@value
class Measured:
    """What the cases say of a policy's mean quality.

    `direct` is over the cases of which every answer was reported, None without any; `snips` is None
    when no weight is above 0. `logged` is what was really earned, `gain` how much more the policy
    would earn, pair by pair, by the doubly robust estimate. `clipped` weights were cut at `clip`.
    """

    ips: Estimate
    snips: Estimate | None
    doubly_robust: Estimate
    direct: Estimate | None
    logged: Estimate
    gain: Estimate
    effective_size: float
    clip: float
    clipped: int

    @property
    def estimates(self) -> tuple[tuple[str, Estimate], ...]:
        """The estimates that there are, by the name of their method."""
        every = (
            ("ips", self.ips),
            ("snips", self.snips),
            ("doubly_robust", self.doubly_robust),
            ("direct", self.direct),
        )
        return tuple((method, one) for method, one in every if one is not None)


@value
class _Terms:
    """What a case adds: its weight, what the policy and the log earned, and both predictions.

    `expected` is the predicted reward of the policy's choice, `predicted` that of the chosen.
    """

    weight: float
    reward: float
    logged: float
    expected: float
    predicted: float


def measure(cases: Sequence[Case], rng: np.random.Generator, level: float) -> Measured:
    """Estimate by every method; there must be a case, and the policy must have a choice in each."""
    model = RewardModel(cases, rng)
    terms = [_terms(place, case, model) for place, case in enumerate(cases)]
    ratios = np.array([one.weight for one in terms])
    rewards = np.array([one.reward for one in terms])
    logged = np.array([one.logged for one in terms])
    expected = np.array([one.expected for one in terms])
    predicted = np.array([one.predicted for one in terms])
    clip = clip_for(len(cases))
    weights = np.minimum(ratios, clip)
    robust = doubly_robust(weights, rewards, expected, predicted)
    known = np.array([bool(case.known) for case in cases])
    return Measured(
        ips(weights, rewards, level),
        snips(weights, rewards, level) if weights.any() else None,
        mean_of(robust, level),
        mean_of(rewards[known], level) if known.any() else None,
        mean_of(logged, level),
        difference(robust, logged, level),
        effective_size(weights),
        clip,
        int(np.count_nonzero(ratios > clip)),
    )


def _terms(place: int, case: Case, model: RewardModel) -> _Terms:
    """Weigh a case only where what the policy would have earned is not known without."""
    if case.known:
        ours = sum(share * case.known[name] for name, share in case.wanted.items())
        theirs = sum(share * case.known[name] for name, share in case.propensities.items())
        return _Terms(1.0, ours, theirs, ours, ours)
    if case.same:
        return _Terms(1.0, case.reward, case.reward, case.reward, case.reward)
    return _Terms(
        case.wanted.get(case.chosen, 0.0) / case.propensities[case.chosen],
        case.reward,
        case.reward,
        sum(share * model.predict(place, case, name) for name, share in case.wanted.items()),
        model.predict(place, case, case.chosen),
    )

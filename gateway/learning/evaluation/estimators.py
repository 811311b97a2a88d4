"""Estimates of a mean under another policy, with their intervals.

Rewards are within 0..1 and weights are probability ratios, policy over log. Intervals are those of
the normal distribution. So that an interval stays open where all rewards are equal, its variance
counts two more rows, of rewards 0 and 1 (in the manner of Agresti and Coull 1998).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gateway.core.value import value

LEAST_CLIP = 10.0
"""Weights up to this are never cut."""

Vector = NDArray[np.float64]


@value
class Estimate:
    """A mean and the ends of its interval; they may leave 0..1 where the log says little."""

    mean: float
    low: float
    high: float


def clip_for(count: int) -> float:
    """Return where weights are cut: at the root of the number of decisions (Ionides 2008).

    One decision of a tiny propensity would else decide the estimate alone; cut like this, the bias
    vanishes as the log grows.
    """
    return max(LEAST_CLIP, count**0.5)


def ips(weights: Vector, rewards: Vector, level: float) -> Estimate:
    """Inverse propensity scoring: the mean of weight times reward (Horvitz and Thompson 1952)."""
    return mean_of(weights * rewards, level)


def snips(weights: Vector, rewards: Vector, level: float) -> Estimate:
    """Self-normalised: divided by the weights, not by their number.

    Source: Swaminathan and Joachims, The self-normalized estimator for counterfactual learning,
    NeurIPS 2015; interval by the delta method. Adding a constant to all rewards adds it to the
    mean. At least one weight must be above 0.
    """
    share = weights / float(weights.mean())
    mean = float(np.mean(share * rewards))
    return _with_ends(mean, share * (rewards - mean), level)


def doubly_robust(weights: Vector, rewards: Vector, expected: Vector, predicted: Vector) -> Vector:
    """Prediction under the policy, corrected by the weighted error of prediction on the log.

    `expected`: predicted reward of the policy's choice; `predicted`: that of what was chosen. The
    mean of these terms is right when the propensities are, or when the predictions are. Source:
    Dudik, Langford and Li, Doubly robust policy evaluation and learning, ICML 2011.
    """
    return expected + weights * (rewards - predicted)


def mean_of(rewards: Vector, level: float) -> Estimate:
    """The mean of independent rewards."""
    mean = float(rewards.mean())
    return _with_ends(mean, rewards - mean, level)


def difference(ours: Vector, theirs: Vector, level: float) -> Estimate:
    """The mean difference of pairs; exactly 0 when all are equal."""
    pairs = ours - theirs
    mean = float(pairs.mean())
    return _ends(mean, float(np.sum((pairs - mean) ** 2)), len(pairs), level)


def effective_size(weights: Vector) -> float:
    """Return how many equally weighted decisions they are worth (Kish 1965); 0 when all are 0."""
    squares = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / squares if squares > 0 else 0.0


def _with_ends(mean: float, errors: Vector, level: float) -> Estimate:
    squares = float(np.sum(errors**2)) + mean**2 + (1 - mean) ** 2
    return _ends(mean, squares, len(errors), level)


def _ends(mean: float, squares: float, count: int, level: float) -> Estimate:
    half = NormalDist().inv_cdf((1 + level) / 2) * squares**0.5 / count
    return Estimate(mean, mean - half, mean + half)

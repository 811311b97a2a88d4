"""Trains the head: ridge regression on what the prior leaves over, by conjugate gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gateway.core.experience import Observation
from gateway.core.features import FEATURE_VERSION
from gateway.core.head import Head
from gateway.core.vocabulary import Floats
from gateway.learning.confidence import fit_confidence
from gateway.learning.observed import Observed, observed_of
from gateway.learning.prior import learn_prior
from gateway.learning.settings import DEFAULT_LEARNING, LearningSettings
from gateway.learning.words import Matrix, Vector, matrix_of, vocabulary_of, words_of

HELD_OUT = 5
"""Every fifth row judges a head that was trained on the others."""

LEAST_TYPICAL = 1e-3
"""Below, the requests in training have no word in common."""

EXACT = 1e-6
"""Steps end when the square of what is left over is this share of what it was at first."""


def train_head(
    observations: Sequence[Observation], settings: LearningSettings = DEFAULT_LEARNING
) -> Head:
    """Train a head; takes seconds. Raises ValueError when there are too few observations."""
    observed = observed_of(observations, settings)
    count = len(observed.features)
    if count < settings.head_least:
        raise ValueError(f"{count} observations; a head needs {settings.head_least}")
    expected = learn_prior(observed, settings).expected
    held = list(range(0, count, HELD_OUT))
    rest = [row for row in range(count) if row % HELD_OUT]
    trial = _fit(observed.part(rest), expected[rest], settings)
    judges = observed.part(held)
    confidence = fit_confidence(expected[held] + _corrections(trial, judges), judges)
    return replace(_fit(observed, expected, settings), confidence=confidence)


def _corrections(head: Head, observed: Observed) -> Floats:
    """Return what the head adds to the prior of each row, faded as the router fades it."""
    found: list[Floats] = []
    for one in observed.features:
        at, weights = head.vocabulary.weigh(one)
        support = min(float(weights @ weights) / head.typical, 1.0)
        found.append(np.float32(support) * (weights @ head.weights[at]))
    return np.stack(found)


def _fit(observed: Observed, expected: Floats, settings: LearningSettings) -> Head:
    words = words_of(observed.features)
    frequency = words.frequency
    common = np.argsort(-frequency, kind="stable")[: settings.head_words]
    vocabulary = vocabulary_of(words, np.sort(common[frequency[common] > 1]))
    matrix = matrix_of(words, vocabulary)
    shares = np.bincount(matrix.rows, matrix.weights * matrix.weights, words.count)
    return Head(
        version=FEATURE_VERSION,
        endpoints=observed.endpoints,
        vocabulary=vocabulary,
        weights=_weights(matrix, observed.beside(expected), observed.known, settings),
        typical=min(max(float(np.median(shares)), LEAST_TYPICAL), 1.0),
        observations=words.count,
    )


def _weights(
    matrix: Matrix, residuals: Floats, known: Floats, settings: LearningSettings
) -> Floats:
    """Fit the level first; then, by endpoint, how it deviates from the level of each row.

    A row with several outcomes has a level of its own, their mean, which takes out how hard the
    request was. A single one does not tell that, so there it is the predicted level.
    """
    counts = np.count_nonzero(known, axis=1)
    own: Vector = (known * residuals).sum(axis=1, dtype=float) / known.sum(axis=1, dtype=float)
    level = ridge(matrix, own, known.max(axis=1).astype(float), settings)
    several = counts > 1
    common = np.where(several, own, matrix.times(level))
    # The mean of few outcomes follows each of them closer than the mean of all would.
    columns = max(residuals.shape[1], 2)
    spread = np.where(several, counts / np.maximum(counts - 1, 1) * (columns - 1) / columns, 1.0)
    found = [
        level + ridge(matrix, spread * (residual - common), weights.astype(float), settings)
        for residual, weights in zip(residuals.T, known.T, strict=True)
    ]
    return np.stack(found, axis=1).astype(np.float32)


def ridge(matrix: Matrix, target: Vector, weights: Vector, settings: LearningSettings) -> Vector:
    """Minimise sum of weights x (target - matrix x)^2 + penalty x |x|^2 over x."""
    found: Vector = np.zeros(matrix.shape[1])
    left = matrix.transposed_times(weights * target)
    step = left.copy()
    square = first = float(left @ left)
    for _ in range(settings.head_rounds):
        if square <= EXACT * first:
            break
        turned = matrix.transposed_times(weights * matrix.times(step))
        turned += settings.head_penalty * step
        length = square / float(step @ turned)
        found += length * step
        left -= length * turned
        before, square = square, float(left @ left)
        step = left + square / before * step
    return found

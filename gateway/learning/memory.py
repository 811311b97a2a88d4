"""Builds the memory of past requests, and finds out how far it can be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gateway.core.memory import Memory
from gateway.core.vocabulary import Floats
from gateway.learning.confidence import fit_confidence
from gateway.learning.observed import Observed
from gateway.learning.settings import LearningSettings
from gateway.learning.words import matrix_of, vocabulary_of, words_of

JUDGED_ROWS = 128
"""Most rows by which a memory is judged."""

LEAST_TYPICAL = 1e-3
"""Below, the requests in memory have nothing in common with each other."""


def learn_memory(observed: Observed, expected: Floats, settings: LearningSettings) -> Memory:
    """Index one or more rows; `expected` [rows, endpoints] is what the prior says of them."""
    words = words_of(observed.features)
    buckets = np.flatnonzero(words.frequency)
    vocabulary = vocabulary_of(words, buckets)
    matrix = matrix_of(words, vocabulary)
    ends = np.bincount(matrix.columns, minlength=len(buckets)).cumsum()
    # Column and entry in one number: such a sort is ten times as fast as a stable argsort.
    order = np.sort((matrix.columns << 32) | np.arange(len(matrix.columns))) & 0xFFFFFFFF
    memory = Memory(
        vocabulary=vocabulary,
        starts=np.append(0, ends).astype(np.int32),
        rows=matrix.rows[order].astype(np.int32),
        weights=matrix.weights[order].astype(np.float32),
        residuals=observed.beside(expected),
        known=observed.known,
        neighbours=settings.neighbours,
        slack=settings.memory_slack,
    )
    return _judged(memory, observed, expected)


def _judged(memory: Memory, observed: Observed, expected: Floats) -> Memory:
    """Ask the memory about some of its own rows, each left out while it is asked about."""
    count = len(observed.features)
    step = -(-count // JUDGED_ROWS)
    rows = list(range(0, count, step))
    found = [memory.recall(observed.features[row], without=row) for row in rows]
    similarity = np.array([one.similarity for one in found], np.float32)
    typical = max(float(np.median(similarity)), LEAST_TYPICAL)
    support = np.minimum(similarity / np.float32(typical), np.float32(1.0))
    corrections = support[:, np.newaxis] * np.stack([one.correction for one in found])
    confidence = fit_confidence(expected[rows] + corrections, observed.part(rows))
    return replace(memory, typical=typical, confidence=confidence)

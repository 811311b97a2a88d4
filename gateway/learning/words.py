"""The words of observations, and how much each row says with each: a sparse matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.features import BUCKETS, Features
from gateway.core.vocabulary import Floats, Integers, Positions, Vocabulary

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Occurrences of buckets in `count` rows: one entry for each row and bucket, row by row.

    `frequency` [buckets]: in how many rows each of all buckets occurs.
    """

    count: int
    rows: Positions
    buckets: Integers
    counts: Floats
    frequency: Positions


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A sparse matrix [rows, words]: entry i is `weights[i]` at `rows[i]`, `columns[i]`."""

    shape: tuple[int, int]
    rows: Positions
    columns: Positions
    weights: Vector

    def times(self, vector: Vector) -> Vector:
        """Multiply by a vector of words."""
        return _sums(self.rows, self.weights * vector[self.columns], self.shape[0])

    def transposed_times(self, vector: Vector) -> Vector:
        """Multiply the transposed one by a vector of rows."""
        return _sums(self.columns, self.weights * vector[self.rows], self.shape[1])


def words_of(features: Sequence[Features]) -> Words:
    """Gather the words of one or more requests."""
    lengths = [len(one.buckets) for one in features]
    buckets = np.concatenate([one.buckets for one in features])
    return Words(
        count=len(features),
        rows=np.repeat(np.arange(len(features)), lengths),
        buckets=buckets,
        counts=np.concatenate([one.counts for one in features]),
        frequency=np.bincount(buckets, minlength=BUCKETS),
    )


def vocabulary_of(words: Words, buckets: Positions) -> Vocabulary:
    """Weigh buckets by log((1 + rows) / (1 + rows with it)) + 1."""
    frequency = words.frequency[buckets]
    idf = np.log((1.0 + words.count) / (1.0 + frequency)) + 1.0
    unknown = float(np.log(1.0 + words.count)) + 1.0
    return Vocabulary(buckets.astype(np.int32), idf.astype(np.float32), unknown)


def matrix_of(words: Words, vocabulary: Vocabulary) -> Matrix:
    """Weigh the words of each row as `Vocabulary.weigh` does."""
    size = len(vocabulary.buckets)
    places = np.full(BUCKETS, size)
    places[vocabulary.buckets] = np.arange(size)
    columns: Positions = places[words.buckets]
    idf = np.append(vocabulary.idf, vocabulary.unknown)
    values = (1.0 + np.log(words.counts)) * idf[columns]
    norms = np.sqrt(_sums(words.rows, values * values, words.count))
    kept = columns < size
    rows = words.rows[kept]
    return Matrix((words.count, size), rows, columns[kept], values[kept] / norms[rows])


def _sums(places: Positions, values: Vector, count: int) -> Vector:
    """Sum up the values that have the same place, of places 0 to count - 1."""
    return np.zeros(count) + np.bincount(places, values, count)

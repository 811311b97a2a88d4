"""Which hashed words are known, and how much each says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.features import Features

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int32]
Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Buckets, ascending, and the weight of each: its inverse document frequency.

    `unknown` is the weight of any other bucket: such words make a request
    less similar to all that is known.
    """

    buckets: Integers
    idf: Floats
    unknown: float

    def weigh(self, features: Features) -> tuple[Positions, Floats]:
        """Return the positions of known buckets and their TF-IDF weights, sublinear in the count.

        With the unknown ones the weights would have length 1; without, their square sum is the
        share of the request that is known.
        """
        at = np.searchsorted(self.buckets, features.buckets)
        if not len(self.buckets):
            return at[:0], np.zeros(0, np.float32)
        at[at == len(self.buckets)] = 0
        known = self.buckets[at] == features.buckets
        weights = np.float32(1.0) + np.log(features.counts)
        inside = weights[known] * self.idf[at[known]]
        outside = weights[~known] * np.float32(self.unknown)
        length = np.sqrt(inside @ inside + outside @ outside)
        return at[known], inside / length if length else inside

"""A trained linear prediction from words, and its form in a store."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from struct import Struct

import numpy as np

from gateway.core.confidence import UNFITTED, Confidence
from gateway.core.vocabulary import Floats, Integers, Vocabulary

_MAGIC = b"EHD1"
_HEADER = Struct("<4sHIIIIddddI")
"""Magic, feature version, observations, words, endpoints, bytes of their names, then the numbers
`unknown`, `typical`, `bias`, `slope` and `fitted`. The names follow, a zero byte between two, and
the arrays: buckets, IDF, weights.
"""

_INTEGER, _FLOAT = np.dtype("<i4"), np.dtype("<f4")


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What each word adds to the prior: `weights` [words, endpoints].

    `version` is that of the features it was trained on, `observations` how many there were.
    `typical`: share of a request that the vocabulary knows, when it is like those in training.
    """

    version: int
    endpoints: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Floats
    typical: float
    observations: int
    confidence: Confidence = UNFITTED

    def to_bytes(self) -> bytes:
        """Pack it for a store: 8 bytes a word and 4 for each of its weights."""
        names = "\0".join(self.endpoints).encode()
        header = _HEADER.pack(
            _MAGIC,
            self.version,
            self.observations,
            *self.weights.shape,
            len(names),
            self.vocabulary.unknown,
            self.typical,
            self.confidence.bias,
            self.confidence.slope,
            self.confidence.fitted,
        )
        buckets = self.vocabulary.buckets.astype(_INTEGER).tobytes()
        idf, weights = (
            array.astype(_FLOAT).tobytes() for array in (self.vocabulary.idf, self.weights)
        )
        return header + names + buckets + idf + weights

    @classmethod
    def from_bytes(cls, data: bytes) -> Head:
        """Unpack `to_bytes`; raises ValueError when it is damaged or not a head.

        A head of other features is read, so that whoever asks it can say why it abstains.
        """
        if len(data) < _HEADER.size or not data.startswith(_MAGIC):
            raise ValueError("these bytes are no head")
        _, version, observations, words, columns, named, *numbers = _HEADER.unpack_from(data)
        unknown, typical, bias, slope, fitted = numbers
        at = _HEADER.size + named
        if len(data) != at + words * (_INTEGER.itemsize + (1 + columns) * _FLOAT.itemsize):
            raise ValueError("the head is cut short or too long")
        endpoints = tuple(data[_HEADER.size : at].decode().split("\0"))
        buckets: Integers = np.frombuffer(data, _INTEGER, words, at).astype(np.int32)
        rest: Floats = np.frombuffer(data, _FLOAT, -1, at + buckets.nbytes).astype(np.float32)
        finite = all(map(isfinite, (unknown, bias, slope))) and bool(np.isfinite(rest).all())
        if not (finite and 0.0 < typical <= 1.0 and len(endpoints) == columns):
            raise ValueError("the head holds numbers or names that none can have")
        if not np.all(np.diff(buckets) > 0):
            raise ValueError("the words of the head are not in ascending order")
        return cls(
            version=version,
            endpoints=endpoints,
            vocabulary=Vocabulary(buckets, rest[:words], unknown),
            weights=rest[words:].reshape(words, columns),
            typical=typical,
            observations=observations,
            confidence=Confidence(bias, slope, fitted),
        )

"""What the learned layers see of a request: counts of hashed words, its length, its task kind."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURE_VERSION = 1
"""Changes whenever the same text would give other buckets: what was learned before abstains."""

BUCKETS = 1 << 18
"""Hashed n-grams share so many numbers; a request has at most about a thousand."""

MAX_COUNT = 255
"""Largest count of one bucket; a word that occurs more often says no more."""

_HEADER = struct.Struct("<BHHII")
"""Version, bytes of the task and of the language, number of buckets, length in characters."""

_BUCKET, _COUNT = np.dtype("<i4"), np.dtype("u1")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of one request. They hold no text, so that they may be stored for long.

    `buckets` are numbers of hashed n-grams, each below `BUCKETS`, once and in ascending order;
    `counts`, as many, say how often each occurs: whole numbers from 1 to `MAX_COUNT`. `length`:
    characters of the text, below 2^32. `task`: the caller's kind of task, and `language`, at most
    some thousand characters each; "" when not given.
    """

    buckets: NDArray[np.int32]
    counts: NDArray[np.float32]
    length: int
    task: str = ""
    language: str = ""

    def to_bytes(self) -> bytes:
        """Pack them for a store: 5 bytes a bucket, 13 and the two names besides."""
        task, language = self.task.encode(), self.language.encode()
        header = _HEADER.pack(
            FEATURE_VERSION, len(task), len(language), len(self.buckets), self.length
        )
        packed = self.buckets.astype(_BUCKET).tobytes() + self.counts.astype(_COUNT).tobytes()
        return header + packed + task + language

    @classmethod
    def from_bytes(cls, data: bytes) -> Features:
        """Unpack `to_bytes`; raises ValueError when it is of another version or damaged."""
        if len(data) < _HEADER.size:
            raise ValueError("too short for features")
        version, task, language, size, length = _HEADER.unpack_from(data)
        if version != FEATURE_VERSION:
            raise ValueError(f"features of version {version}, not {FEATURE_VERSION}")
        names = _HEADER.size + size * (_BUCKET.itemsize + _COUNT.itemsize)
        if len(data) != names + task + language:
            raise ValueError("features are cut short or too long")
        buckets = np.frombuffer(data, _BUCKET, size, _HEADER.size).astype(np.int32)
        counts = np.frombuffer(data, _COUNT, size, _HEADER.size + size * _BUCKET.itemsize)
        if not are_buckets(buckets) or not np.all(counts):
            raise ValueError("buckets or counts of features are out of range")
        return cls(
            buckets=buckets,
            counts=counts.astype(np.float32),
            length=length,
            task=data[names : names + task].decode(),
            language=data[names + task :].decode(),
        )


def are_buckets(numbers: NDArray[np.int32]) -> bool:
    """Say whether the numbers are buckets, each once and in ascending order."""
    inside = not len(numbers) or bool(numbers[0] >= 0 and numbers[-1] < BUCKETS)
    return inside and bool(np.all(np.diff(numbers) > 0))

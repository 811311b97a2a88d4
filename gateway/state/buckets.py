"""Times counted in buckets of a fixed number, which are added to in one step and merged by adding.

A bucket is an eighth of an octave wide, from 61 us to 1,024 s; shorter and longer times count in
the first and the last one. A quantile is the middle of its bucket, at most 4.5% off.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

PER_OCTAVE = 8
SHORTEST_EXPONENT = -14
OCTAVES = 24
BUCKETS = PER_OCTAVE * OCTAVES
SHORTEST_S = 2.0**SHORTEST_EXPONENT

_OFFSET = -SHORTEST_EXPONENT * PER_OCTAVE
_LAST = BUCKETS - 1
_EMPTY = bytes(array("I").itemsize * BUCKETS)
_MIDDLES_S = 2.0 ** (SHORTEST_EXPONENT + (np.arange(BUCKETS) + 0.5) / PER_OCTAVE)

Counts = NDArray[np.uint32]
"""How many times fell into each bucket: one row of BUCKETS, or several."""


def no_times() -> array[int]:
    """Make buckets of which each is empty; `times[bucket_of(seconds)] += 1` counts a time."""
    return array("I", _EMPTY)


def bucket_of(seconds: float) -> int:
    """Return the bucket of a time, which is finite."""
    if seconds <= SHORTEST_S:
        return 0
    place = int(log2(seconds) * PER_OCTAVE + _OFFSET)
    return place if place < BUCKETS else _LAST


def counts_of(rows: Sequence[bytes]) -> Counts:
    """Read buckets that were copied as bytes, a row for each."""
    return np.frombuffer(b"".join(rows), np.uint32).reshape(-1, BUCKETS)


def quantiles(
    counts: NDArray[np.integer], ranks: Sequence[float]
) -> list[tuple[float | None, ...]]:
    """Return of each row the times, in seconds, that such shares of its times do not exceed.

    None for a row without any. A rank is above 0 and at most 1.
    """
    running = counts.cumsum(axis=1, dtype=np.int64)
    totals = running[:, -1:]
    found: list[list[float]] = []
    for rank in ranks:
        places = (running < np.ceil(rank * totals)).sum(axis=1)
        found.append(_MIDDLES_S[np.minimum(places, _LAST)].tolist())
    return [
        tuple(times) if total else (None,) * len(ranks)
        for total, *times in zip(totals[:, 0].tolist(), *found, strict=True)
    ]

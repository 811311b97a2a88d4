"""Quantiles of any number of values in a few kilobytes: a t-digest, which can be merged."""

from __future__ import annotations

from typing import Protocol, cast

import datasketches

from gateway.core.value import value
from gateway.state.metrics import NO_LATENCY, LatencyStats

NS = 1_000_000_000
"""Nanoseconds in a second."""

BATCH = 64
"""Times handed to the digest at once: entering the library for each one is what costs."""

_RESOLUTION_NS = 1_000


class _Digest(Protocol):
    """The part of `datasketches.tdigest_double` used here; the library has no type stubs."""

    def update(self, value: float) -> None: ...

    def serialize(self) -> bytes: ...

    def get_rank(self, value: float) -> float: ...

    def get_min_value(self) -> float: ...

    def get_max_value(self) -> float: ...


class _DigestType(Protocol):
    def __call__(self) -> _Digest: ...

    def deserialize(self, data: bytes) -> _Digest: ...


_new_digest = cast("_DigestType", vars(datasketches)["tdigest_double"])


@value
class LatencyCopy:
    """Numbers of a series at one moment; `digest` is the serialised t-digest."""

    count: int
    total_ns: int
    digest: bytes

    def stats(self) -> LatencyStats:
        """Work out mean and quantiles; the quantiles are estimates, closest at the tails."""
        if self.count == 0:
            return NO_LATENCY
        digest = _new_digest.deserialize(self.digest)
        return LatencyStats(
            self.count,
            self.total_ns / NS,
            self.total_ns / self.count / NS,
            _quantile(digest, 0.50) / NS,
            _quantile(digest, 0.95) / NS,
            _quantile(digest, 0.99) / NS,
        )


def _quantile(digest: _Digest, rank: float) -> float:
    """Find the smallest value of at least this rank, by halving, to a microsecond.

    The digest's own `get_quantile` interpolates with swapped weights (the fault of
    apache/datasketches-java#755): it falls while the rank rises and was off by up to 2% of ranks
    at the median. `get_rank` is sound, within 0.5% there and 0.1% at the 99th percentile, and
    halving gives no larger value for a smaller rank whatever `get_rank` says.
    """
    low, high = digest.get_min_value(), digest.get_max_value()
    while high - low > _RESOLUTION_NS:
        middle = (low + high) / 2
        if digest.get_rank(middle) < rank:
            low = middle
        else:
            high = middle
    return high


class LatencySeries:
    """Times of one kind of outcome since the start. The caller holds the lock."""

    __slots__ = ("_digest", "_waiting", "count", "total_ns")

    def __init__(self) -> None:
        self.count = 0
        self.total_ns = 0
        self._digest = _new_digest()
        self._waiting: list[int] = []

    def add(self, elapsed_ns: int) -> None:
        """Count one time."""
        self.count += 1
        self.total_ns += elapsed_ns
        waiting = self._waiting
        waiting.append(elapsed_ns)
        if len(waiting) >= BATCH:
            self._digest_waiting()

    def copy(self) -> LatencyCopy:
        """Return the numbers as they are now, to be worked out without the lock."""
        self._digest_waiting()
        return LatencyCopy(self.count, self.total_ns, self._digest.serialize())

    def _digest_waiting(self) -> None:
        """Hand the waiting times to the digest, in the order they came."""
        for elapsed_ns in self._waiting:
            self._digest.update(elapsed_ns)
        self._waiting.clear()

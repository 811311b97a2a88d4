"""Answers kept for whoever asks the same: the least recently used go first, and none gets old."""

from __future__ import annotations

import threading
from collections import OrderedDict

from gateway.core.answer import Answer
from gateway.core.caching import CacheOperation
from gateway.core.value import value
from gateway.state.sizes import size_of

ENTRY_BYTES = 512
"""About what an entry takes beside its answer: its key and its places in two orders."""


@value
class ResultCacheSettings:
    """`max_bytes` is of the answers with all they hold; a time to live of 0 keeps nothing (H-07).

    `generate_ttl_s` is that of answers which would come out alike, `sampled_ttl_s` that of draws.
    """

    max_entries: int = 1000
    max_bytes: int = 64 * 1024 * 1024
    generate_ttl_s: float = 600.0
    sampled_ttl_s: float = 300.0


@value
class CachedAnswer:
    """An answer that was found, so that an empty text is one too (H-05)."""

    answer: Answer
    age_s: float


@value
class CacheCounts:
    """What the cache holds now, and what it did since the start.

    `misses` are lookups that found nothing, or nothing any more. `coalesced` of them waited for the
    same request that was running. `uncacheable` requests were not looked up. Of the answers, some
    were `stored`, others `refused`: not good enough, or too large. `expired`, `evicted` and `stale`
    ones went because of their age, for want of room, and because the configuration changed; stale
    are also those that came too late to be kept (see `ResultCache.put`).
    """

    entries: int
    bytes: int
    hits: int
    misses: int
    stored: int
    expired: int
    evicted: int
    stale: int
    coalesced: int
    uncacheable: int
    refused: int


class _Entry:
    __slots__ = ("answer", "operation", "size", "stored_at")

    def __init__(
        self, answer: Answer, operation: CacheOperation, size: int, stored_at: float
    ) -> None:
        self.answer = answer
        self.operation = operation
        self.size = size
        self.stored_at = stored_at


class ResultCache:
    """Keeps answers under their keys. Safe for threads; every step takes constant time.

    `now` is monotonic seconds, and never less than in the call before. `generation` changes with
    everything that makes kept answers invalid: an answer of an earlier one is not taken.
    """

    def __init__(self, settings: ResultCacheSettings, revision: bytes = b"") -> None:
        """Raises ValueError for a cache that could hold nothing."""
        if settings.max_entries < 1 or settings.max_bytes < 1:
            raise ValueError("max_entries and max_bytes must be at least 1")
        self.settings = settings
        self.revision = revision
        self.generation = 0
        self._ttl_s = {
            CacheOperation.GENERATE: settings.generate_ttl_s,
            CacheOperation.SAMPLED: settings.sampled_ttl_s,
        }
        self._lock = threading.Lock()
        # By their last use, and for each operation by age: of one, the first stored expires first.
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._by_age: dict[CacheOperation, OrderedDict[bytes, None]] = {
            operation: OrderedDict() for operation in CacheOperation
        }
        self._bytes = 0
        self._hits = self._misses = self._stored = self._coalesced = self._uncacheable = 0
        self._refused = self._expired = self._evicted = self._stale = 0

    def keeps(self, operation: CacheOperation) -> bool:
        """Say whether answers of an operation are kept at all."""
        return self._ttl_s[operation] > 0

    def get(self, key: bytes, now: float) -> CachedAnswer | None:
        """Return the answer kept under a key, which is used now; None when there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and now - entry.stored_at >= self._ttl_s[entry.operation]:
                self._drop(key)
                self._expired += 1
                entry = None
            if entry is None:
                self._misses += 1
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return CachedAnswer(entry.answer, now - entry.stored_at)

    def put(
        self, key: bytes, operation: CacheOperation, answer: Answer, generation: int, now: float
    ) -> bool:
        """Keep an answer, which takes the place of one under the same key; say whether it is kept.

        It is not when it was asked for in an earlier generation, or is larger than all may be.
        Room is made of what is too old first, then of what was not used for the longest time.
        """
        size = ENTRY_BYTES + size_of(answer)
        settings = self.settings
        with self._lock:
            if generation != self.generation:
                self._stale += 1
                return False
            if not self.keeps(operation) or size > settings.max_bytes:
                self._refused += 1
                return False
            self._expire(now)
            if key in self._entries:
                self._drop(key)
            while len(self._entries) >= settings.max_entries or (
                self._bytes + size > settings.max_bytes
            ):
                self._drop(next(iter(self._entries)))
                self._evicted += 1
            self._entries[key] = _Entry(answer, operation, size, now)
            self._by_age[operation][key] = None
            self._bytes += size
            self._stored += 1
            return True

    def clear(self) -> int:
        """Drop everything, what is being worked on included; return how many answers went."""
        with self._lock:
            return self._clear()

    def revise(self, revision: bytes) -> None:
        """Take note of what answers depend on now; when it is something else, all are stale."""
        with self._lock:
            if revision != self.revision:
                self.revision = revision
                self._stale += self._clear()

    def coalesced(self) -> None:
        """Count a request that waits for the same one which is running."""
        with self._lock:
            self._coalesced += 1

    def uncacheable(self) -> None:
        """Count a request that is not looked up."""
        with self._lock:
            self._uncacheable += 1

    def refused(self) -> None:
        """Count an answer that is not to be kept."""
        with self._lock:
            self._refused += 1

    def read(self, now: float) -> CacheCounts:
        """Copy the counters, after what is too old has gone."""
        with self._lock:
            self._expire(now)
            return CacheCounts(
                entries=len(self._entries),
                bytes=self._bytes,
                hits=self._hits,
                misses=self._misses,
                stored=self._stored,
                expired=self._expired,
                evicted=self._evicted,
                stale=self._stale,
                coalesced=self._coalesced,
                uncacheable=self._uncacheable,
                refused=self._refused,
            )

    def _expire(self, now: float) -> None:
        for operation, keys in self._by_age.items():
            until = now - self._ttl_s[operation]
            while keys:
                key = next(iter(keys))
                if self._entries[key].stored_at > until:
                    break
                self._drop(key)
                self._expired += 1

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key)
        del self._by_age[entry.operation][key]
        self._bytes -= entry.size

    def _clear(self) -> int:
        dropped = len(self._entries)
        self._entries.clear()
        for keys in self._by_age.values():
            keys.clear()
        self._bytes = 0
        self.generation += 1
        return dropped

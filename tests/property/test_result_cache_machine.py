"""The result cache against a plain model of it, for any order of events."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.answer import Answer
from gateway.core.caching import CacheOperation
from gateway.core.candidate import Candidate, Completion
from gateway.state.result_cache import ENTRY_BYTES, ResultCache, ResultCacheSettings
from gateway.state.sizes import size_of
from tests.fakes.stage import DECISION

TTL_S = {CacheOperation.GENERATE: 10.0, CacheOperation.SAMPLED: 3.0}
MAX_ENTRIES = 4
KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"])
TEXTS = st.sampled_from(["", "x" * 500, "x" * 2000, "x" * 20_000])


def answer(text: str) -> Answer:
    chosen = Candidate(0, "alpha", Completion(text))
    return Answer(chosen, DECISION, (), (chosen,), 0.0)


SMALL = ENTRY_BYTES + size_of(answer(""))
MAX_BYTES = 4 * SMALL + 3000


@dataclass
class Known:
    """What the model knows of one key."""

    text: str
    operation: CacheOperation
    at: float
    size: int


class ResultCacheMachine(RuleBasedStateMachine):
    """`known` is in the order of the last use, as dictionaries keep it."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = ResultCache(
            ResultCacheSettings(
                MAX_ENTRIES,
                MAX_BYTES,
                TTL_S[CacheOperation.GENERATE],
                TTL_S[CacheOperation.SAMPLED],
            )
        )
        self.now = 100.0
        self.known: dict[bytes, Known] = {}
        self.hits = self.misses = self.stored = self.expired = self.evicted = self.stale = 0
        self.refused = 0

    @rule(seconds=st.sampled_from([0.0, 1.0, 2.0, 3.0, 9.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        found = self.cache.get(key, self.now)
        known = self.known.get(key)
        if known is not None and self._is_old(known):
            del self.known[key]
            self.expired += 1
            known = None
        if known is None:
            assert found is None
            self.misses += 1
        else:
            assert found is not None
            assert found.answer.chosen.completion.text == known.text
            assert found.age_s == self.now - known.at
            self.hits += 1
            self.known[key] = self.known.pop(key)

    @rule(key=KEYS, text=TEXTS, operation=st.sampled_from(CacheOperation))
    def put(self, key: bytes, text: str, operation: CacheOperation) -> None:
        made = answer(text)
        size = ENTRY_BYTES + size_of(made)
        kept = self.cache.put(key, operation, made, self.cache.generation, self.now)
        assert kept == (size <= MAX_BYTES)
        if not kept:
            self.refused += 1
            return
        self._expire()
        self.known.pop(key, None)
        while len(self.known) >= MAX_ENTRIES or self._bytes() + size > MAX_BYTES:
            # By then nothing is left that is too old.
            del self.known[next(iter(self.known))]
            self.evicted += 1
        self.known[key] = Known(text, operation, self.now, size)
        self.stored += 1

    @rule(key=KEYS)
    def put_what_was_asked_for_before_a_change(self, key: bytes) -> None:
        before = self.cache.generation - 1
        assert not self.cache.put(key, CacheOperation.GENERATE, answer(""), before, self.now)
        self.stale += 1

    @rule()
    def clear(self) -> None:
        assert self.cache.clear() == len(self.known)
        self.known.clear()

    @rule(revision=st.sampled_from([b"", b"one", b"two"]))
    def revise(self, revision: bytes) -> None:
        if revision != self.cache.revision:
            self.stale += len(self.known)
            self.known.clear()
        self.cache.revise(revision)

    @rule()
    def read(self) -> None:
        self._expire()
        counts = self.cache.read(self.now)
        assert counts.entries == len(self.known)
        assert counts.bytes == self._bytes()
        assert (counts.hits, counts.misses, counts.stored) == (self.hits, self.misses, self.stored)
        assert (counts.expired, counts.evicted) == (self.expired, self.evicted)
        assert (counts.stale, counts.refused) == (self.stale, self.refused)

    @invariant()
    def it_stays_within_its_bounds(self) -> None:
        cache = self.cache
        assert len(cache._entries) <= MAX_ENTRIES
        assert cache._bytes == sum(entry.size for entry in cache._entries.values()) <= MAX_BYTES
        by_age = [key for keys in cache._by_age.values() for key in keys]
        assert sorted(by_age) == sorted(cache._entries) == sorted(self.known)

    def _is_old(self, known: Known) -> bool:
        return self.now - known.at >= TTL_S[known.operation]

    def _expire(self) -> None:
        for key in [key for key, known in self.known.items() if self._is_old(known)]:
            del self.known[key]
            self.expired += 1

    def _bytes(self) -> int:
        return sum(known.size for known in self.known.values())


TestResultCache = ResultCacheMachine.TestCase
TestResultCache.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

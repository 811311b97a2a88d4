from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from gateway.core.answer import Answer
from gateway.core.caching import CacheOperation
from gateway.core.candidate import Candidate, Completion
from gateway.state.result_cache import ENTRY_BYTES, ResultCache, ResultCacheSettings
from gateway.state.sizes import size_of
from tests.fakes.stage import DECISION

GENERATE, SAMPLED = CacheOperation.GENERATE, CacheOperation.SAMPLED


def answer(text: str = "text") -> Answer:
    chosen = Candidate(0, "alpha", Completion(text))
    return Answer(chosen, DECISION, (), (chosen,), 0.0)


def keys(number: int) -> list[bytes]:
    return [b"%d" % place for place in range(number)]


def made(**settings: Any) -> ResultCache:
    return ResultCache(ResultCacheSettings(**settings))


def put(cache: ResultCache, key: bytes, text: str = "text", now: float = 0.0) -> bool:
    return cache.put(key, GENERATE, answer(text), cache.generation, now)


def test_an_answer_is_found_until_it_is_too_old_and_its_age_is_told() -> None:
    """H-02: a lookup checks the age, counts, and takes out what is too old."""
    cache = made(generate_ttl_s=10.0)
    kept = answer()
    assert cache.put(b"k", GENERATE, kept, cache.generation, 100.0)
    found = cache.get(b"k", 109.5)
    assert found is not None
    assert found.answer is kept
    assert found.age_s == 9.5
    assert cache.get(b"k", 110.0) is None
    counts = cache.read(110.0)
    assert (counts.hits, counts.misses, counts.expired, counts.entries) == (1, 1, 1, 0)


def test_an_empty_text_is_found() -> None:
    """H-05: an empty result was taken for a miss."""
    cache = made()
    put(cache, b"k", "")
    found = cache.get(b"k", 1.0)
    assert found is not None
    assert found.answer.chosen.completion.text == ""
    assert (cache.read(1.0).hits, cache.read(1.0).misses) == (1, 0)


def test_each_operation_has_an_age_of_its_own() -> None:
    """H-07: the overrides existed, and the instance was built without them."""
    cache = made(generate_ttl_s=10.0, sampled_ttl_s=2.0)
    cache.put(b"g", GENERATE, answer(), 0, 0.0)
    cache.put(b"s", SAMPLED, answer(), 0, 0.0)
    assert cache.get(b"s", 2.0) is None
    assert cache.get(b"g", 2.0) is not None
    assert cache.read(10.0).expired == 2


def test_an_age_of_zero_keeps_nothing() -> None:
    """H-07: a time to live of 0 meant the default one."""
    cache = made(sampled_ttl_s=0.0)
    assert not cache.keeps(SAMPLED)
    assert cache.keeps(GENERATE)
    assert not cache.put(b"k", SAMPLED, answer(), 0, 0.0)
    assert cache.get(b"k", 0.0) is None
    assert cache.read(0.0).refused == 1


def test_the_least_recently_used_goes_first() -> None:
    cache = made(max_entries=3)
    first, second, third, fourth = keys(4)
    for now, key in enumerate((first, second, third)):
        put(cache, key, now=now)
    cache.get(first, 3)
    put(cache, fourth, now=4)
    assert [cache.get(key, 5) is not None for key in (first, second, third, fourth)] == [
        True,
        False,
        True,
        True,
    ]
    assert cache.read(5).evicted == 1


def test_overwriting_a_key_evicts_nothing() -> None:
    """H-04: a full cache evicted another entry even when the key was there already."""
    cache = made(max_entries=2)
    put(cache, b"a")
    put(cache, b"b")
    put(cache, b"a", "new", 1.0)
    found = cache.get(b"a", 2.0)
    assert found is not None
    assert (found.answer.chosen.completion.text, found.age_s) == ("new", 1.0)
    counts = cache.read(2.0)
    assert (counts.entries, counts.evicted, counts.stored) == (2, 0, 3)


def test_what_is_too_old_goes_before_what_lives() -> None:
    """H-04: a live entry was evicted while expired ones stayed."""
    cache = made(max_entries=2, generate_ttl_s=100.0, sampled_ttl_s=5.0)
    cache.put(b"old", SAMPLED, answer(), 0, 0.0)
    put(cache, b"live", now=1.0)
    # Used last of all, and too old all the same.
    cache.get(b"old", 4.0)
    put(cache, b"new", now=6.0)
    assert cache.get(b"live", 6.0) is not None
    counts = cache.read(6.0)
    assert (counts.expired, counts.evicted, counts.entries) == (1, 0, 2)


def test_an_overwritten_answer_is_as_old_as_the_new_one() -> None:
    cache = made(generate_ttl_s=10.0)
    put(cache, b"k", now=0.0)
    put(cache, b"other", now=5.0)
    put(cache, b"k", now=9.0)
    put(cache, b"more", now=15.0)
    assert cache.get(b"k", 15.0) is not None
    assert cache.get(b"other", 15.0) is None


def test_the_bytes_are_bounded_too() -> None:
    """H-08."""
    size = ENTRY_BYTES + size_of(answer("x" * 1000))
    cache = made(max_bytes=3 * size)
    for place, key in enumerate(keys(10)):
        put(cache, key, "x" * 1000, place)
        assert cache.read(place).bytes <= 3 * size
    counts = cache.read(10)
    assert (counts.entries, counts.bytes, counts.evicted) == (3, 3 * size, 7)


def test_an_answer_larger_than_all_may_be_is_not_kept_and_nothing_goes_for_it() -> None:
    cache = made(max_bytes=20_000)
    put(cache, b"small")
    assert not put(cache, b"k", "x" * 20_000)
    counts = cache.read(0.0)
    assert (counts.entries, counts.evicted, counts.refused) == (1, 0, 1)


def test_clearing_drops_all_and_takes_no_answer_that_was_asked_for_before() -> None:
    cache = made()
    before = cache.generation
    put(cache, b"a")
    cache.put(b"b", SAMPLED, answer(), before, 0.0)
    assert cache.clear() == 2
    assert cache.clear() == 0
    assert not cache.put(b"a", GENERATE, answer(), before, 0.0)
    assert cache.get(b"a", 0.0) is None
    counts = cache.read(0.0)
    assert (counts.entries, counts.bytes, counts.stale) == (0, 0, 1)
    assert put(cache, b"a")


def test_another_revision_makes_all_stale_and_the_same_one_nothing() -> None:
    cache = made()
    cache.revise(b"one")
    put(cache, b"a")
    cache.revise(b"one")
    assert cache.get(b"a", 0.0) is not None
    asked = cache.generation
    cache.revise(b"two")
    assert cache.get(b"a", 0.0) is None
    assert not cache.put(b"b", GENERATE, answer(), asked, 0.0)
    assert cache.revision == b"two"
    assert cache.read(0.0).stale == 2


def test_what_is_not_looked_up_and_what_waits_is_counted() -> None:
    cache = made()
    cache.coalesced()
    cache.uncacheable()
    cache.refused()
    counts = cache.read(0.0)
    assert (counts.coalesced, counts.uncacheable, counts.refused) == (1, 1, 1)
    assert (counts.hits, counts.misses) == (0, 0)


@pytest.mark.parametrize("settings", [{"max_entries": 0}, {"max_bytes": 0}])
def test_a_cache_that_could_hold_nothing_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        made(**settings)


def traced(make: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = make()
    # A full collection also empties the interpreter's lists of free tuples.
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return after - before


@pytest.mark.parametrize("chars", [0, 500, 20_000])
def test_memory_stays_under_the_cap_while_entries_come_and_go(chars: int) -> None:
    """Issue 7's bar: what the allocator gave out, not what the cache believes."""
    most = 400_000

    def churn() -> ResultCache:
        cache = made(max_entries=10_000, max_bytes=most)
        for number in range(2_000):
            # No two share a part.
            chosen = Candidate(0, f"alpha {number}", Completion(f"{number:08}" + "x" * chars))
            kept = Answer(chosen, DECISION, (), (chosen,), number / 7)
            cache.put(b"%032d" % number, GENERATE, kept, 0, float(number) / 1e6)
        assert cache.read(0.0).evicted > 0
        return cache

    assert traced(churn) <= most

"""Settings of the result cache, and what they are when nobody sets them."""

from __future__ import annotations

import pytest

from gateway.config.cache import CacheConfig, result_cache_settings
from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.core.caching import CacheOperation, operation_of
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.hole import CachePolicy, Sampling
from gateway.state.result_cache import ResultCache, ResultCacheSettings
from tests.fakes.values import make_request


def test_a_thousand_answers_without_chance_are_kept_for_ten_minutes_unless_said_otherwise() -> None:
    """H-01: and draws for nobody who did not ask for them."""
    settings = result_cache_settings(CacheConfig())
    assert settings == ResultCacheSettings()
    assert (settings.max_entries, settings.generate_ttl_s) == (1000, 600.0)
    drawn = make_request(sampling=Sampling(temperature=0.7))
    assert drawn.cache_policy is CachePolicy.DEFAULT
    assert operation_of(Exchange(drawn, Deadline(1e9))) is None


def test_each_operation_has_its_own_age_and_may_be_switched_off() -> None:
    """H-01: overrides by operation."""
    cache = ResultCache(
        result_cache_settings(CacheConfig(generate_ttl_s=1.0, sampled_ttl_s=0.0, max_bytes=5000))
    )
    assert {one: cache.keeps(one) for one in CacheOperation} == {
        CacheOperation.GENERATE: True,
        CacheOperation.SAMPLED: False,
    }
    assert cache.settings.max_bytes == 5000


@pytest.mark.parametrize(
    "wrong", [{"max_entries": 0}, {"max_bytes": 10}, {"generate_ttl_s": -1.0}, {"embed_ttl_s": 1.0}]
)
def test_what_cannot_be_kept_to_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        build({"cache": wrong, "endpoint": [{"name": "a", "url": "127.0.0.1:1"}]}, "test")

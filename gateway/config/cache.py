"""Settings of the result cache: answers kept for whoever asks the same."""

from __future__ import annotations

from pydantic import Field

from gateway.config.reliability import OffSeconds
from gateway.config.section import Section
from gateway.state.result_cache import ResultCacheSettings


class CacheConfig(Section):
    """Answers kept for whoever asks the same; only such as asking again would give again."""

    enabled: bool = Field(
        default=True, description="Serve repeated requests from memory, and merge those that run."
    )
    max_entries: int = Field(default=1000, ge=1, le=10_000_000, description="Most answers kept.")
    max_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024, le=2**40, description="Most bytes of answers kept."
    )
    generate_ttl_s: OffSeconds = Field(
        default=600.0, description="Longest age of an answer without chance; 0 keeps none."
    )
    sampled_ttl_s: OffSeconds = Field(
        default=300.0,
        description="The same of a draw, which is kept only when asked for; 0 keeps none.",
    )
    coalesce: bool = Field(
        default=True, description="Have the same requests wait for the one that runs."
    )


def result_cache_settings(config: CacheConfig) -> ResultCacheSettings:
    """Say how much is kept, and for how long."""
    return ResultCacheSettings(
        config.max_entries, config.max_bytes, config.generate_ttl_s, config.sampled_ttl_s
    )

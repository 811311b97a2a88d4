"""The counters of the result cache on the wire."""

from __future__ import annotations

from ensemble.v1 import cache_service_pb2 as pb

from gateway.core.caching import CacheOperation
from gateway.state.result_cache import CacheCounts, ResultCacheSettings
from gateway.wire.result import duration


def stats_to_wire(
    settings: ResultCacheSettings, counts: CacheCounts, *, enabled: bool, in_flight: int
) -> pb.GetCacheStatsResponse:
    """Write what a cache may hold, holds and did."""
    ttls = {
        CacheOperation.GENERATE: settings.generate_ttl_s,
        CacheOperation.SAMPLED: settings.sampled_ttl_s,
    }
    return pb.GetCacheStatsResponse(
        enabled=enabled,
        entries=counts.entries,
        bytes=counts.bytes,
        max_entries=settings.max_entries,
        max_bytes=settings.max_bytes,
        hits=counts.hits,
        misses=counts.misses,
        coalesced=counts.coalesced,
        uncacheable=counts.uncacheable,
        stored=counts.stored,
        refused=counts.refused,
        expired=counts.expired,
        evicted=counts.evicted,
        stale=counts.stale,
        in_flight=in_flight,
        ttls=[pb.CacheTtl(operation=each, ttl=duration(ttl)) for each, ttl in ttls.items()],
    )

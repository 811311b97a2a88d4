"""The asyncio client's methods about the gateway's cache of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ensemble.v1.cache_service_pb2 import (
    ClearCacheRequest,
    GetCacheStatsRequest,
    GetCacheStatsResponse,
)

from ensemble_client.async_calls import ask
from ensemble_client.call import CallOptions, CallSettings

if TYPE_CHECKING:
    from ensemble.v1.cache_service_pb2_grpc import CacheServiceAsyncStub


class AsyncCacheCalls:
    """Part of `AsyncClient`, which sets the attributes."""

    _settings: CallSettings
    _cache: CacheServiceAsyncStub

    async def cache_stats(self, **options: Unpack[CallOptions]) -> GetCacheStatsResponse:
        """Return what the cache may hold, what it holds now and what it did since the start."""
        call = self._settings.call(**options)
        return await ask(self._cache.GetCacheStats, GetCacheStatsRequest(), call)

    async def clear_cache(self, **options: Unpack[CallOptions]) -> int:
        """Drop all kept answers, of all tenants; return how many there were."""
        call = self._settings.call(**options)
        return (await ask(self._cache.ClearCache, ClearCacheRequest(), call)).cleared

"""CacheService: what operators see of the result cache, and how they empty it."""

from __future__ import annotations

import logging

import grpc
from ensemble.v1 import cache_service_pb2 as pb

from gateway.core.ports import Clock
from gateway.ingress.context import Context, Rpc, answered
from gateway.state.result_cache import ResultCache
from gateway.state.single_flight import SingleFlight
from gateway.wire.cache import stats_to_wire

CACHE = "ensemble.v1.CacheService"

log = logging.getLogger(__name__)


class CacheService:
    """The RPCs of `ensemble.v1.CacheService`."""

    def __init__(
        self, results: ResultCache, flights: SingleFlight, clock: Clock, *, enabled: bool
    ) -> None:
        """`clock` is the one by which answers were kept."""
        self._results = results
        self._flights = flights
        self._clock = clock
        self._enabled = enabled

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs."""
        return grpc.method_handlers_generic_handler(
            CACHE,
            {
                "GetCacheStats": grpc.unary_unary_rpc_method_handler(self.get_cache_stats),
                "ClearCache": grpc.unary_unary_rpc_method_handler(self.clear_cache),
            },
        )

    async def get_cache_stats(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Return a copy of the counters."""

        async def work(_: Rpc) -> bytes:
            return stats_to_wire(
                self._results.settings,
                self._results.read(self._clock()),
                enabled=self._enabled,
                in_flight=self._flights.running,
            ).SerializeToString()

        return await answered(context, work)

    async def clear_cache(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Drop all kept answers."""

        async def work(rpc: Rpc) -> bytes:
            cleared = self._results.clear()
            log.info("cache cleared", extra={"request_id": rpc.request_id, "entries": cleared})
            return pb.ClearCacheResponse(cleared=cleared).SerializeToString()

        return await answered(context, work)

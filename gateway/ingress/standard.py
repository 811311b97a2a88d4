"""What every gRPC server of ours has beside its own services: health, reflection, a calm end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from gateway.core.endpoint import Endpoint
from gateway.ingress.health import HEALTH, Health
from gateway.ingress.planes import GrpcServer
from gateway.ingress.reflected import Pools
from gateway.wire.oip.inference import DESCRIPTOR as INFERENCE

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA = "grpc.reflection.v1alpha.ServerReflection"


def stop_on_signals(stop: asyncio.Event) -> list[signal.Signals]:
    """Set `stop` on SIGTERM and SIGINT instead of ending the process at once.

    Returns a list to which each signal is added as it comes, so that the exit code can tell.
    """
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def note(number: signal.Signals) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, note, number)
    return received


class StandardServices:
    """Health (Check and Watch) and reflection (v1 and v1alpha) of one server.

    Every name, and the empty one for the whole process, starts as NOT_SERVING. `names` are the
    services; `endpoints` and their groups have health and are not reflected.
    """

    def __init__(
        self,
        server: GrpcServer,
        names: Iterable[str],
        *,
        reflected: bool,
        endpoints: Iterable[Endpoint] = (),
    ) -> None:
        self._server = server
        known = tuple(names)
        self._health = Health(known, endpoints)
        server.add_generic_rpc_handlers((self._health.handlers(),))
        if reflected:
            _add_reflection(server, (*known, HEALTH, V1ALPHA, V1))

    def serve(self) -> None:
        """Say SERVING for everything that is not drained."""
        self._health.set_all(health_pb2.HealthCheckResponse.SERVING)

    def set_endpoint(self, name: str, *, serving: bool) -> None:
        """Say whether requests are sent to an endpoint. Raises KeyError for a strange name."""
        self._health.set_endpoint(name, serving=serving)

    async def drain(self, delay_s: float, grace_s: float) -> None:
        """Say NOT_SERVING, wait for callers to notice, then let running requests end.

        `grace_s` should be no less than the longest budget of a request: after it what still runs
        is cancelled.
        """
        self._health.set_all(health_pb2.HealthCheckResponse.NOT_SERVING)
        await asyncio.sleep(delay_s)
        self._health.close()
        await self._server.stop(grace_s)


def _add_reflection(server: GrpcServer, names: Iterable[str]) -> None:
    pools = Pools((descriptor_pool.Default(), INFERENCE.pool))
    servicer = reflection.aio.ReflectionServicer(names, pool=pools)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)  # pyright: ignore[reportUnknownMemberType] - generated without types
    # The messages of v1 are those of v1alpha under another service name.
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - its context has no type
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    v1 = grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((v1,))

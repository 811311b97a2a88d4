"""The gRPC listener: limits, keepalive and address in one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import grpc

from gateway.core.endpoint import Endpoint, Transport
from gateway.ingress.planes import GrpcioServer, GrpcServer
from gateway.ingress.standard import StandardServices


class ListenError(Exception):
    """The address cannot be listened on; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Address and limits of a listener; `port` 0 takes a free one."""

    host: str
    port: int
    max_message_bytes: int
    max_in_flight: int
    transport: Transport = Transport.GRPCIO


class Listener:
    """A gRPC server with our services, health and reflection; `start` binds it."""

    def __init__(
        self,
        settings: ListenerSettings,
        handlers: Iterable[grpc.GenericRpcHandler],
        *,
        names: Iterable[str],
        reflection: bool,
        endpoints: Iterable[Endpoint] = (),
    ) -> None:
        """`names` are the services; each of `endpoints` and each group has a health entry."""
        self._settings = settings
        self._server = _server_of(settings)
        self._server.add_generic_rpc_handlers(tuple(handlers))
        self._standard = StandardServices(
            self._server, names, reflected=reflection, endpoints=endpoints
        )

    async def start(self) -> int:
        """Listen; return the port. Raises ListenError when the address is taken or not ours."""
        host, port = self._settings.host, self._settings.port
        try:
            port = await self._server.listen(host, port)
        except OSError as error:
            raise ListenError(
                f"cannot listen on {host}:{port} ({error.strerror or error}); choose another with "
                "--host and --port"
            ) from None
        self._standard.serve()
        return port

    def set_endpoint(self, name: str, *, serving: bool) -> None:
        """Say in the health service whether requests are sent to an endpoint; its group follows.

        Raises KeyError for a name that is no endpoint's.
        """
        self._standard.set_endpoint(name, serving=serving)

    async def drain(self, delay_s: float, grace_s: float) -> None:
        """Say NOT_SERVING, wait `delay_s`, then give running requests `grace_s` to end."""
        await self._standard.drain(delay_s, grace_s)


def _server_of(settings: ListenerSettings) -> GrpcServer:
    if settings.transport is Transport.GRPCIO:
        return GrpcioServer(settings.max_message_bytes, settings.max_in_flight)
    # Loaded where it is used only.
    from gateway.ingress.h2_server import H2Server  # noqa: PLC0415 - idle memory

    return H2Server(settings.max_message_bytes, settings.max_in_flight)

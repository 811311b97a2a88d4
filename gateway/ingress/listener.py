"""The gRPC listener: limits, keepalive and address in one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import grpc
from grpc import aio

from gateway.core.endpoint import Endpoint
from gateway.ingress.standard import StandardServices

MAX_METADATA_BYTES = 16 * 1024


class ListenError(Exception):
    """The address cannot be listened on; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Address and limits of a listener; `port` 0 takes a free one."""

    host: str
    port: int
    max_message_bytes: int
    max_in_flight: int


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
        self._server = aio.server(
            options=(
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                # Two gateways on one port would share it silently; the second one must fail.
                ("grpc.so_reuseport", 0),
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.keepalive_timeout_ms", 20_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ),
            maximum_concurrent_rpcs=settings.max_in_flight,
        )
        self._server.add_generic_rpc_handlers(tuple(handlers))
        self._standard = StandardServices(
            self._server, names, reflected=reflection, endpoints=endpoints
        )

    async def start(self) -> int:
        """Listen; return the port. Raises ListenError when the address is taken or not ours."""
        address = f"{_bracketed(self._settings.host)}:{self._settings.port}"
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        if not port:
            raise ListenError(
                f"cannot listen on {address}: the port is taken or the address is not this "
                "machine's; choose another with --host and --port"
            )
        await self._standard.start()
        return port

    def set_endpoint(self, name: str, *, serving: bool) -> None:
        """Say in the health service whether requests are sent to an endpoint; its group follows.

        Raises KeyError for a name that is no endpoint's.
        """
        self._standard.set_endpoint(name, serving=serving)

    async def drain(self, delay_s: float, grace_s: float) -> None:
        """Say NOT_SERVING, wait `delay_s`, then give running requests `grace_s` to end."""
        await self._standard.drain(delay_s, grace_s)


def _bracketed(host: str) -> str:
    """IPv6 addresses stand in brackets before a port."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host

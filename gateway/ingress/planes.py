"""What carries gRPC to our handlers: grpcio (plane A), or our own engine (plane B)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import grpc
from grpc import aio

MAX_METADATA_BYTES = 16 * 1024


class GrpcServer(Protocol):
    """A server that handlers of grpc are added to before it listens."""

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler], /) -> None:
        """Serve what these handlers know; the first that knows a method has it."""
        ...

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any], /) -> None:
        """Take what generated code says of a service that its generic handler knows too."""
        ...

    async def listen(self, host: str, port: int) -> int:
        """Listen; return the port. Raises OSError when the address is taken or not ours."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Take no new calls, give running ones so long to end, then end them."""
        ...


class GrpcioServer:
    """Plane A: `grpc.aio`, with its limits in one place. Belongs to one event loop."""

    def __init__(self, max_message_bytes: int, max_in_flight: int) -> None:
        self._server = aio.server(
            options=(
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", max_message_bytes),
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                # Two gateways on one port would share it silently; the second one must fail.
                ("grpc.so_reuseport", 0),
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.keepalive_timeout_ms", 20_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ),
            maximum_concurrent_rpcs=max_in_flight,
        )
        self.add_generic_rpc_handlers = self._server.add_generic_rpc_handlers
        self.add_registered_method_handlers = self._server.add_registered_method_handlers

    async def listen(self, host: str, port: int) -> int:
        """Listen; return the port. Raises OSError when the address is taken or not ours."""
        bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
        try:
            found = self._server.add_insecure_port(f"{bracketed}:{port}")
        except RuntimeError:
            found = 0
        if not found:
            raise OSError("the port is taken or the address is not this machine's")
        await self._server.start()
        return found

    async def stop(self, grace_s: float) -> None:
        """Take no new calls, give running ones so long to end, then end them."""
        await self._server.stop(grace_s)

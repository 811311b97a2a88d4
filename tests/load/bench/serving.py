"""What the bare servers of the suite share: how a service is put together and announced."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

Context = aio.ServicerContext[Any, Any]
In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)


def service(
    name: str,
    unary: tuple[type[In], Callable[[In, Context], Awaitable[Message]]],
    stream: tuple[type[Out], Callable[[Out, Context], AsyncIterator[Message]]] | None = None,
) -> grpc.GenericRpcHandler:
    """Register `Generate`, and `GenerateStream` where there is one, parsing with protobuf."""
    handlers: dict[str, Any] = {
        "Generate": grpc.unary_unary_rpc_method_handler(
            unary[1],  # pyright: ignore[reportArgumentType] - the stub knows blocking servers only
            request_deserializer=unary[0].FromString,
            response_serializer=_serialized,
        )
    }
    if stream is not None:
        handlers["GenerateStream"] = grpc.unary_stream_rpc_method_handler(
            stream[1],  # pyright: ignore[reportArgumentType] - the same
            request_deserializer=stream[0].FromString,
            response_serializer=_serialized,
        )
    return grpc.method_handlers_generic_handler(name, handlers)


async def serve(*services: grpc.GenericRpcHandler) -> None:
    """Listen on a free port of loopback, print it, and serve until the process is ended."""
    server = aio.server()
    server.add_generic_rpc_handlers(services)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)  # noqa: T201 - the protocol
    await server.wait_for_termination()


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()

"""Servers and channels of `gateway.h2.aio` and of grpc on loopback, for calls of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from grpc import aio

from gateway.h2.aio.channel import Channel, ChannelSettings
from gateway.h2.aio.client_connection import ClientConnection
from gateway.h2.aio.server import Server
from gateway.h2.aio.server_call import ServerCall
from gateway.h2.aio.server_connection import Handler, ServerConnection, ServerSettings
from gateway.h2.aio.wheel import Wheel
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.reading import FieldCache

HOST = "127.0.0.1"
UNARY, COLLECT, MANY, CHAT, FAIL = "/t.S/Unary", "/t.S/Collect", "/t.S/Many", "/t.S/Chat", "/t.S/F"
PATIENCE_S = 30.0
WORDS = "100% wrong: \u20ac"
OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
)


async def unary(call: ServerCall) -> None:
    """Answer with the message, and with the caller's own metadata as trailers."""
    message = await call.read()
    own = tuple(pair for pair in call.metadata if pair[0].startswith("x-"))
    call.begin((("x-first", "header"),))
    call.answer(message or b"", own)


async def collect(call: ServerCall) -> None:
    """Answer with all messages as one."""
    found = b""
    while (message := await call.read()) is not None:
        found += message
    call.answer(found)


async def many(call: ServerCall) -> None:
    """Answer with the first message as often as it has bytes."""
    message = await call.read() or b""
    for _ in range(len(message)):
        await call.send(message)
    call.finish(Code.OK, "", (("x-last-bin", b"\0\xff"),))


async def chat(call: ServerCall) -> None:
    """Answer each message with itself."""
    while (message := await call.read()) is not None:
        await call.send(message)
    call.finish(Code.OK)


async def fail(call: ServerCall) -> None:
    """End with an error and trailers."""
    raise CallError(Code.ABORTED, WORDS, (("x-why", "so"), ("x-raw-bin", b"\0\xff")))


HANDLERS: Mapping[str, Handler] = {
    UNARY: unary,
    COLLECT: collect,
    MANY: many,
    CHAT: chat,
    FAIL: fail,
}


@asynccontextmanager
async def serving(
    more: Mapping[str, Handler] | None = None,
    settings: ServerSettings | None = None,
    *,
    max_connections: int = 100,
) -> AsyncGenerator[tuple[Server, int]]:
    """Run our server; yields it and its port."""
    handlers = {**HANDLERS, **(more or {})}
    server = Server(handlers.get, settings, max_connections=max_connections)
    port = await server.start(HOST, 0)
    try:
        yield server, port
    finally:
        await server.drain(0)


class Listener:
    """Our connections of a server, which a test can look into; `lost` gets why each has ended."""

    def __init__(self, settings: ServerSettings, more: Mapping[str, Handler]) -> None:
        self.connections: list[ServerConnection] = []
        self.lost: asyncio.Queue[str] = asyncio.Queue()
        self.wheel = Wheel()
        self._settings = settings
        self._handlers = {**HANDLERS, **more}
        self._cache = FieldCache()

    def accept(self) -> asyncio.BaseProtocol:
        """Make the protocol of one connection."""
        return ServerConnection(
            self._handlers.get,
            self._settings,
            self._cache,
            self.wheel,
            self._made,
            lambda _, why: self.lost.put_nowait(why),
        ).link

    def _made(self, connection: ServerConnection) -> bool:
        self.connections.append(connection)
        return True

    async def why(self) -> str:
        """Wait until a connection ends."""
        return await asyncio.wait_for(self.lost.get(), PATIENCE_S)


@asynccontextmanager
async def listening(
    settings: ServerSettings | None = None, more: Mapping[str, Handler] | None = None
) -> AsyncGenerator[tuple[Listener, int]]:
    """Listen with connections that a test can look into."""
    listener = Listener(settings or ServerSettings(), more or {})
    server = await asyncio.get_running_loop().create_server(listener.accept, HOST, 0)
    try:
        yield listener, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in listener.connections:
            tasks = connection.end_calls()
            if tasks:
                await asyncio.wait(tasks)
            connection.link.abort("the test is over")
        listener.wheel.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def dialling(port: int, settings: ChannelSettings | None = None) -> AsyncGenerator[Channel]:
    """Run our channel."""
    channel = Channel(HOST, port, settings)
    try:
        yield channel
    finally:
        await channel.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def grpc_channel(port: int) -> AsyncGenerator[aio.Channel]:
    """Run a channel of grpc's own."""
    async with aio.insecure_channel(f"{HOST}:{port}", options=OPTIONS) as channel:
        yield channel


Method: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Grpc(grpc.GenericRpcHandler):
    """The handlers above, and those that a test adds, as grpc has them."""

    def __init__(self, more: Mapping[str, Method]) -> None:
        self._handlers: dict[str, Method] = {
            UNARY: grpc.unary_unary_rpc_method_handler(self._unary),
            COLLECT: grpc.stream_unary_rpc_method_handler(self._collect),
            MANY: grpc.unary_stream_rpc_method_handler(self._many),
            CHAT: grpc.stream_stream_rpc_method_handler(self._chat),
            FAIL: grpc.unary_unary_rpc_method_handler(self._fail),
            **more,
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Method | None:
        """Find the handler of a method."""
        return self._handlers.get(handler_call_details.method)

    async def _unary(self, message: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        own = [pair for pair in context.invocation_metadata() or () if pair[0].startswith("x-")]
        await context.send_initial_metadata((("x-first", "header"),))
        context.set_trailing_metadata(tuple(own))
        return message

    async def _collect(
        self, messages: AsyncIterator[bytes], _: aio.ServicerContext[bytes, bytes]
    ) -> bytes:
        return b"".join([message async for message in messages])

    async def _many(
        self, message: bytes, context: aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        for _ in range(len(message)):
            yield message
        context.set_trailing_metadata((("x-last-bin", b"\0\xff"),))

    async def _chat(
        self, messages: AsyncIterator[bytes], _: aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        async for message in messages:
            yield message

    async def _fail(self, _: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        trailers = (("x-why", "so"), ("x-raw-bin", b"\0\xff"))
        await context.abort(grpc.StatusCode.ABORTED, WORDS, trailers)


@asynccontextmanager
async def grpc_serving(
    more: Mapping[str, Method] | None = None,
) -> AsyncGenerator[tuple[aio.Server, int]]:
    """Run a server of grpc's own; yields it and its port."""
    server = aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((Grpc(more or {}),))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop(0)


def connections_of(channel: Channel) -> list[ClientConnection]:
    """Look at the connections of a channel."""
    return channel._connections  # pyright: ignore[reportPrivateUsage]


def connects(channel: Channel) -> bool:
    """Look whether a channel makes a connection now."""
    return channel._connecting is not None  # pyright: ignore[reportPrivateUsage]


def forgive(channel: Channel) -> float:
    """Have a channel connect again at once; return how long it would have waited in all."""
    channel._not_before = 0.0  # pyright: ignore[reportPrivateUsage]
    return channel._wait_s  # pyright: ignore[reportPrivateUsage]

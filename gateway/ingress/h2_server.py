"""Plane B of the listener: the same handlers of grpc on our own engine (`gateway.h2`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import Any, NoReturn, cast

import grpc
from grpc import aio

from gateway.core.ports import Clock
from gateway.h2.aio.server import Server
from gateway.h2.aio.server_call import ServerCall
from gateway.h2.aio.server_connection import Handler, ServerSettings
from gateway.h2.grpc.status import CallError, Code, Metadata
from gateway.h2.limits import Limits
from gateway.ingress.planes import MAX_METADATA_BYTES

MAX_STREAMS = 10_000
"""Calls at once on one connection; the limit on all of them refuses calls, this one delays them."""

Coder = Callable[[Any], Any] | None


@dataclass(slots=True)
class _Details:
    """What a generic handler is asked with."""

    method: str
    invocation_metadata: Metadata = ()


class H2Context:
    """What our handlers use of `grpc.aio.ServicerContext`."""

    __slots__ = ("_call", "_clock", "_code", "_trailers", "_write")

    def __init__(self, call: ServerCall, clock: Clock, write: Coder) -> None:
        """`clock` is that of the call's deadline; `write` serialises what `write` is given."""
        self._call = call
        self._clock = clock
        self._write = write
        self._code: grpc.StatusCode | None = None
        self._trailers: Metadata = ()

    def invocation_metadata(self) -> Metadata:
        """What the caller sent beside its messages."""
        return self._call.metadata

    def peer(self) -> str:
        """The caller's address."""
        return self._call.peer

    def time_remaining(self) -> float | None:
        """Seconds until the caller's deadline; None without one."""
        deadline = self._call.deadline
        return None if deadline is None else max(0.0, deadline - self._clock())

    def code(self) -> grpc.StatusCode | None:
        """What the call was ended with by `abort`."""
        return self._code

    def set_trailing_metadata(self, trailers: Iterable[tuple[str, str | bytes]]) -> None:
        """Set what goes out with the end."""
        self._trailers = tuple(trailers)

    async def write(self, message: Any) -> None:
        """Send a message. Raises aio.InternalError when the call is over, like grpc does."""
        raw = message if self._write is None else self._write(message)
        try:
            await self._call.send(raw)
        except CallError:
            raise aio.InternalError("the call is over") from None

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()
    ) -> NoReturn:
        """End the call with a status. Raises CallError, which is to be let through."""
        self._code = code
        number = cast("tuple[int, str]", code.value)[0]
        raise CallError(Code(number), details, (*self._trailers, *trailing_metadata))

    def answer(self, message: Any) -> None:
        """End a call of one answer."""
        raw = message if self._write is None else self._write(message)
        self._call.answer(raw, self._trailers)

    def finish(self) -> None:
        """End a stream well."""
        self._call.finish(Code.OK, "", self._trailers)


class H2Server:
    """What our listener uses of `grpc.aio.Server`. Belongs to one event loop."""

    def __init__(self, max_message_bytes: int, max_in_flight: int) -> None:
        limits = Limits(max_concurrent=MAX_STREAMS, fields=MAX_METADATA_BYTES)
        settings = ServerSettings(max_message=max_message_bytes, limits=limits)
        self._server = Server(self._handler_of, settings)
        self._clock = asyncio.get_running_loop().time
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._known: dict[str, Handler] = {}
        self._in_flight = 0
        self._most = max_in_flight

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Serve what these handlers know; the first that knows a method has it."""
        self._handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Do nothing: generated code says everything once more that its generic handler knows."""

    async def listen(self, host: str, port: int) -> int:
        """Listen; return the port. Raises OSError when the address is taken or not ours."""
        return await self._server.start(host, port)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls, give running ones so long to end, then end them."""
        await self._server.drain(grace_s)

    def _handler_of(self, path: str) -> Handler | None:
        known = self._known.get(path)
        if known is None:
            found = next(
                filter(None, (one.service(_Details(path)) for one in self._handlers)), None
            )
            if found is not None:
                known = self._known[path] = self._bounded(_handler(found, self._clock))
        return known

    def _bounded(self, handler: Handler) -> Handler:
        async def bounded(call: ServerCall) -> None:
            if self._in_flight >= self._most:
                raise CallError(Code.RESOURCE_EXHAUSTED, "too many calls at once")
            self._in_flight += 1
            try:
                await handler(call)
            finally:
                self._in_flight -= 1

        return bounded


def _handler(method: grpc.RpcMethodHandler[Any, Any], clock: Clock) -> Handler:
    """Make the handler of a method of any of the four kinds."""
    read, write = method.request_deserializer, method.response_serializer
    behaviour = cast(
        "Callable[[Any, H2Context], Any]",
        method.unary_unary or method.unary_stream or method.stream_unary or method.stream_stream,
    )
    incoming = _messages if method.request_streaming else _message
    if not method.response_streaming:
        return _answering(behaviour, incoming, read, write, clock)
    if isasyncgenfunction(behaviour):
        return _yielding(behaviour, incoming, read, write, clock)
    return _writing(behaviour, incoming, read, write, clock)


Behaviour = Callable[[Any, H2Context], Any]
Incoming = Callable[[ServerCall, Coder], Awaitable[Any]]


def _answering(
    behaviour: Behaviour, incoming: Incoming, read: Coder, write: Coder, clock: Clock
) -> Handler:
    async def handle(call: ServerCall) -> None:
        context = H2Context(call, clock, write)
        context.answer(await behaviour(await incoming(call, read), context))

    return handle


def _writing(
    behaviour: Behaviour, incoming: Incoming, read: Coder, write: Coder, clock: Clock
) -> Handler:
    async def handle(call: ServerCall) -> None:
        context = H2Context(call, clock, write)
        await behaviour(await incoming(call, read), context)
        context.finish()

    return handle


def _yielding(
    behaviour: Behaviour, incoming: Incoming, read: Coder, write: Coder, clock: Clock
) -> Handler:
    async def handle(call: ServerCall) -> None:
        context = H2Context(call, clock, write)
        async for message in behaviour(await incoming(call, read), context):
            await context.write(message)
        context.finish()

    return handle


async def _message(call: ServerCall, read: Coder) -> Any:
    raw = await call.read()
    if raw is None:
        raise CallError(Code.INTERNAL, "the request has no message")
    return raw if read is None else read(raw)


async def _messages(call: ServerCall, read: Coder) -> AsyncIterator[Any]:
    async def each() -> AsyncIterator[Any]:
        while (raw := await call.read()) is not None:
            yield raw if read is None else read(raw)

    return each()

"""Calls on plane B: what `calls_grpc` does, over our own engine (`gateway.h2`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import EOF, AioRpcError, Metadata

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.ports import Clock, Operation, Task
from gateway.h2.aio.channel import Channel, ChannelSettings
from gateway.h2.aio.client_call import ClientCall
from gateway.h2.grpc.status import CallError, Code
from gateway.upstreams.calls_grpc import Cancellable, FaultOf, Methods
from gateway.upstreams.channels import host_of
from gateway.upstreams.errors import (
    CLOSING,
    NO_CONNECTION,
    TOO_LARGE_ANSWER,
    TOO_LARGE_REQUEST,
    time_left,
)
from gateway.upstreams.headers import outgoing
from gateway.upstreams.options import UpstreamOptions

Answer = TypeVar("Answer")
Coder = Callable[[Any], Any]
Pairs = Iterable[tuple[str, str | bytes]]

CODES = {cast("tuple[int, str]", code.value)[0]: code for code in grpc.StatusCode}


class H2Calls:
    """The calls to one endpoint. Make it inside the event loop that uses it."""

    def __init__(
        self, endpoint: Endpoint, options: UpstreamOptions, clock: Clock, fault_of: FaultOf
    ) -> None:
        host, port, tls = host_of(endpoint.url)
        settings = ChannelSettings(max_message=options.max_message_bytes)
        self._endpoint = endpoint
        self._most = options.max_message_bytes
        self._clock = clock
        self._fault_of = fault_of
        self._authorization = options.authorization
        self._channel = Channel(host, port, settings, tls=tls)
        self.channel: Methods = H2Methods(self._channel, self._fitting)
        self._closed = False

    def check_open(self) -> None:
        """Raise Fault when no call can be made now."""
        if self._closed:
            raise CLOSING.fault(self._endpoint)

    def terms(self, task: Task, deadline: Deadline) -> dict[str, Any]:
        """Say how long a call may take and what goes with it. Raises Fault when it is too late."""
        return {
            "timeout": time_left(self._endpoint, deadline, self._clock),
            "metadata": outgoing(task.request, self._authorization, task.tries_before),
        }

    async def answered(self, call: Awaitable[Answer], task: Task) -> Answer:
        """Wait for the one answer of a call. Raises Fault."""
        try:
            return await call
        except CallError as error:
            # `from None`: the endpoint's words stay out of every traceback.
            raise self._fault(error, task.operation) from None

    @contextmanager
    def followed(self, call: Cancellable, task: Task) -> Generator[None]:
        """Read a stream inside; whatever ends that ends the stream. Raises Fault."""
        try:
            yield
        except CallError as error:
            raise self._fault(error, task.operation) from None
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close the connections; running calls end with Fault(CANCELLED)."""
        self._closed = True
        await self._channel.close()

    def _fitting(self, raw: bytes) -> bytes:
        if len(raw) > self._most:
            raise TOO_LARGE_REQUEST.fault(self._endpoint)
        return raw

    def _fault(self, error: CallError, operation: Operation) -> Fault:
        if self._closed:
            return CLOSING.fault(self._endpoint)
        if error.unconnected:
            return NO_CONNECTION.fault(self._endpoint)
        if error.too_large:
            return TOO_LARGE_ANSWER.fault(self._endpoint)
        status, trailers = CODES[error.code], Metadata(*error.trailers)
        foreign = AioRpcError(status, Metadata(), trailers, details=error.message)
        return self._fault_of(self._endpoint, foreign, operation)


class H2Methods:
    """What our adapters use of `grpc.aio.Channel`: methods as functions that make calls."""

    def __init__(self, channel: Channel, fitting: Callable[[bytes], bytes]) -> None:
        """`fitting` takes a message that is to be sent; it raises for one that is too large."""
        self._channel = channel
        self._fitting = fitting

    def unary_unary(self, path: str, write: Coder, read: Coder, /) -> Callable[..., Awaitable[Any]]:
        """Make calls of one message and one answer."""

        async def call(message: Any, **terms: Any) -> Any:
            timeout_s, metadata = terms["timeout"], terms["metadata"]
            asked = self._fitting(write(message))
            try:
                async with asyncio.timeout(timeout_s + GRACE_S):
                    raw = await self._channel.unary(path, asked, metadata, timeout_s)
            except TimeoutError:
                raise _late() from None
            return _parsed(read, raw)

        return call

    def unary_stream(self, path: str, write: Coder, read: Coder, /) -> Callable[..., H2Stream]:
        """Make calls of one message and many answers."""

        def call(message: Any, **terms: Any) -> H2Stream:
            first = self._fitting(write(message))
            return H2Stream(self._channel, path, bytes, read, terms, first)

        return call

    def stream_stream(self, path: str, write: Coder, read: Coder, /) -> Callable[..., H2Stream]:
        """Make calls of many messages and many answers."""

        def call(**terms: Any) -> H2Stream:
            return H2Stream(self._channel, path, write, read, terms)

        return call


class H2Stream:
    """What our adapters use of a streaming call of grpc; begun with the first write or read.

    `first` is the only message of a call that has one; its caller waits as long as `terms` say.
    """

    def __init__(
        self,
        channel: Channel,
        path: str,
        write: Coder,
        read: Coder,
        terms: dict[str, Any],
        first: bytes | None = None,
    ) -> None:
        self._channel = channel
        self._path = path
        self._write = write
        self._read = read
        self._terms = terms
        self._first = first
        self._until = asyncio.get_running_loop().time() + terms["timeout"] + GRACE_S
        self._call: ClientCall | None = None

    async def write(self, message: Any) -> None:
        """Send a message. Raises CallError."""
        raw = self._write(message)
        await self._within(lambda call: call.send(raw))

    async def done_writing(self) -> None:
        """Say that no more follows."""

        async def end(call: ClientCall) -> None:
            call.end()

        await self._within(end)

    async def read(self) -> Any:
        """Return the next answer, or grpc's EOF after the last one. Raises CallError."""
        raw = await self._within(lambda call: call.read())
        return EOF if raw is None else _parsed(self._read, raw)

    def cancel(self) -> bool:
        """End it, unless it has ended."""
        call, self._call = self._call, None
        if call is not None:
            call.abandon()
        return call is not None

    async def _within(self, work: Callable[[ClientCall], Awaitable[Answer]]) -> Answer:
        try:
            async with asyncio.timeout_at(self._until):
                return await work(self._call or await self._begun())
        except TimeoutError:
            raise _late() from None

    async def _begun(self) -> ClientCall:
        terms = self._terms
        self._call = await self._channel.begin(
            self._path, terms["metadata"], terms["timeout"], self._first
        )
        return self._call


GRACE_S = 0.25
"""Longer than the peer is told: its own answer to a deadline explains more than ours."""


def _parsed(read: Coder, raw: bytes) -> Any:
    """Parse an answer; None, as grpc has it, for one that is none."""
    try:
        return read(raw)
    except DecodeError:
        return None


def _late() -> CallError:
    return CallError(Code.DEADLINE_EXCEEDED, "the endpoint kept no deadline")

"""How the asyncio client makes its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

import grpc
from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    GenerateStreamRequest,
    GenerateStreamResponse,
)
from grpc import aio

from ensemble_client.call import Call
from ensemble_client.errors import error_for
from ensemble_client.status import typed_errors
from ensemble_client.streams import Reading, Received, StreamEvent

Request = TypeVar("Request")
Response = TypeVar("Response")
Event = TypeVar("Event")
# Quoted, because grpc's classes are generic in its stubs only.
StreamMethod: TypeAlias = (
    "aio.UnaryStreamMultiCallable[GenerateStreamRequest, GenerateStreamResponse]"
)
# The streams that are not over. Closing the channel would leave them waiting for their deadline.
Running = set[aio.Call]


async def ask(
    method: aio.UnaryUnaryMultiCallable[Request, Response], message: Request, call: Call
) -> Response:
    """Send one message and return its answer; raises EnsembleError."""
    with typed_errors(call.request_id), closed_as_error(call.request_id):
        return await method(message, **call.arguments)


class AsyncEvents(AsyncIterator[Event], Generic[Event]):
    """The events of one streamed answer as they come; a subclass sets `_events`."""

    _events: AsyncGenerator[Event]

    async def __anext__(self) -> Event:
        return await anext(self._events)

    async def aclose(self) -> None:
        """End the stream; cancels the RPC when it is still running."""
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


async def events(
    method: aio.UnaryStreamMultiCallable[Request, Response],
    running: Running,
    message: Request,
    call: Call,
    reading: Reading[Response, Event],
) -> AsyncGenerator[Event]:
    """Make the RPC with the first event asked for, and cancel it when no more is."""
    rpc = method(message, **call.arguments)
    running.add(rpc)
    try:
        with closed_as_error(call.request_id):
            async for response in rpc:
                event = reading.read(response)
                if event is not None:
                    yield event
        reading.ended()
    except grpc.RpcError as error:
        raise reading.failed(error) from error
    finally:
        # Newer grpcio does not cancel a stream that nobody reads any more.
        rpc.cancel()
        running.discard(rpc)


class AsyncStream(Received, AsyncEvents[StreamEvent]):
    """The events of one streamed answer; the last one is the GenerateResponse.

    The RPC starts with the first event asked for. Leaving early by `aclose`, by the end of an
    `async with` block or by dropping the stream cancels it at the gateway. Raises EnsembleError;
    whatever text came before is in `partial_text`.
    """

    def __init__(
        self, method: StreamMethod, running: Running, request: GenerateRequest, call: Call
    ) -> None:
        super().__init__(call.request_id)
        message = GenerateStreamRequest(request=request)
        self._events = events(method, running, message, call, self._transcript)


@contextmanager
def closed_as_error(request_id: str) -> Generator[None]:
    """Raise Cancelled when the client was closed under a call.

    gRPC raises CancelledError then, which would end the caller's task as if somebody had cancelled
    it. A task that really is being cancelled keeps its CancelledError.
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise error_for(
            grpc.StatusCode.CANCELLED,
            "the client was closed before the call ended",
            None,
            request_id=request_id,
        ) from None

"""How the blocking client makes its calls."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

import grpc
from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    GenerateStreamRequest,
    GenerateStreamResponse,
)

from ensemble_client.call import Call
from ensemble_client.status import typed_errors
from ensemble_client.streams import Reading, Received, StreamEvent

Request = TypeVar("Request")
Response = TypeVar("Response")
Event = TypeVar("Event")
# Quoted, because grpc's classes are generic in its stubs only.
StreamMethod: TypeAlias = (
    "grpc.UnaryStreamMultiCallable[GenerateStreamRequest, GenerateStreamResponse]"
)


def ask(
    method: grpc.UnaryUnaryMultiCallable[Request, Response], message: Request, call: Call
) -> Response:
    """Send one message and return its answer; raises EnsembleError."""
    with typed_errors(call.request_id):
        return method(message, **call.arguments)


class Events(Iterator[Event], Generic[Event]):
    """The events of one streamed answer as they come; a subclass sets `_events`."""

    _events: Generator[Event]

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """End the stream; cancels the RPC when it is still running."""
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def events(
    method: grpc.UnaryStreamMultiCallable[Request, Response],
    message: Request,
    call: Call,
    reading: Reading[Response, Event],
) -> Generator[Event]:
    """Make the RPC with the first event asked for, and cancel it when no more is."""
    rpc = method(message, **call.arguments)
    try:
        for response in rpc:
            event = reading.read(response)
            if event is not None:
                yield event
        reading.ended()
    except grpc.RpcError as error:
        raise reading.failed(error) from error
    finally:
        rpc.cancel()


class Stream(Received, Events[StreamEvent]):
    """The events of one streamed answer; the last one is the GenerateResponse.

    The RPC starts with the first event asked for. Leaving early by `close`, by the end of a `with`
    block or by dropping the stream cancels it at the gateway. Raises EnsembleError; whatever text
    came before is in `partial_text`.
    """

    def __init__(self, method: StreamMethod, request: GenerateRequest, call: Call) -> None:
        super().__init__(call.request_id)
        message = GenerateStreamRequest(request=request)
        self._events = events(method, message, call, self._transcript)

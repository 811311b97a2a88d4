"""How the blocking client makes its calls."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

import grpc
from ensemble.v1.gateway_service_pb2 import (
    BatchGenerateRequest,
    BatchGenerateResponse,
    GenerateRequest,
    GenerateStreamRequest,
    GenerateStreamResponse,
)

from ensemble_client.batches import BatchResult, Ledger
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
BatchMethod: TypeAlias = (
    "grpc.StreamStreamMultiCallable[BatchGenerateRequest, BatchGenerateResponse]"
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


def results(
    method: BatchMethod,
    requests: Iterable[GenerateRequest | str],
    call: Call,
) -> Generator[BatchResult]:
    """Yield one result for each request, in order; raises EnsembleError when the RPC fails."""
    ledger = Ledger(call.request_id)

    def admitted() -> Iterator[BatchGenerateRequest]:
        try:
            for request in requests:
                yield ledger.admit(request)
        except Exception as error:  # noqa: BLE001 - the caller's own, raised again by `ended`
            ledger.broke(error)

    rpc = method(admitted(), **call.arguments)
    try:
        with typed_errors(call.request_id):
            for response in rpc:
                yield ledger.settle(response)
        ledger.ended()
    finally:
        rpc.cancel()

"""What a streamed answer is made of, and what is known of it while it comes."""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

import grpc
from ensemble.v1.gateway_service_pb2 import (
    GenerateResponse,
    GenerateStreamResponse,
    StreamAttemptFailed,
    StreamDelta,
    StreamFailover,
    StreamStarted,
)
from ensemble.v1.result_pb2 import Verdict

from ensemble_client.errors import EnsembleError, Unavailable, truncated
from ensemble_client.status import error_of

StreamEvent = (
    StreamStarted | StreamDelta | StreamAttemptFailed | StreamFailover | Verdict | GenerateResponse
)
"""An event of a streamed answer. The first is StreamStarted, the last the GenerateResponse."""

Message_contra = TypeVar("Message_contra", contravariant=True)
Event_co = TypeVar("Event_co", covariant=True)


class Reading(Protocol[Message_contra, Event_co]):
    """Reads the messages of one streamed answer."""

    def read(self, message: Message_contra) -> Event_co | None:
        """Note an event and return it; None for one of a newer gateway, which is passed over."""
        ...

    def failed(self, error: grpc.RpcError) -> EnsembleError:
        """Make the error of a stream whose RPC failed."""
        ...

    def ended(self) -> None:
        """Check a stream that ended without an error; raises StreamTruncated when it is cut."""
        ...


class Transcript:
    """The text received so far and whether the answer is complete."""

    __slots__ = ("_complete", "_pieces", "_request_id")

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._pieces: list[str] = []
        self._complete = False

    @property
    def text(self) -> str:
        """The text received so far."""
        return "".join(self._pieces)

    @property
    def complete(self) -> bool:
        """True once the last event has come."""
        return self._complete

    def read(self, message: GenerateStreamResponse) -> StreamEvent | None:
        """Note an event and return it; None for one of a newer gateway, which is passed over."""
        which = message.WhichOneof("event")
        if which is None:
            return None
        event = cast("StreamEvent", getattr(message, which))
        if isinstance(event, StreamDelta):
            self._pieces.append(event.text)
        elif isinstance(event, StreamFailover):
            self._pieces = [self.text[: event.resumed_at]]
        elif isinstance(event, GenerateResponse):
            self._complete = True
        return event

    def failed(self, error: grpc.RpcError) -> EnsembleError:
        """Make the error of a stream whose RPC failed.

        A connection that breaks after text has come says UNAVAILABLE like one that never was; the
        text makes it a truncation.
        """
        typed = error_of(error, request_id=self._request_id, partial_text=self.text)
        if type(typed) is Unavailable and not typed.reason and self._pieces:
            return self._truncated(typed.message)
        return typed

    def ended(self) -> None:
        """Check that a stream which ended without an error is complete.

        Raises StreamTruncated otherwise: a proxy that drops the end must not pass for an answer.
        """
        if not self._complete:
            raise self._truncated("the stream ended without its last event")

    def _truncated(self, message: str) -> EnsembleError:
        return truncated(message, request_id=self._request_id, partial_text=self.text)


class Received:
    """What a caller may ask of a stream between its events."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self._transcript = Transcript(request_id)

    @property
    def text(self) -> str:
        """The text received so far; the whole fill once `complete`."""
        return self._transcript.text

    @property
    def complete(self) -> bool:
        """True once the last event has come."""
        return self._transcript.complete

"""Work of several parts, whose stream tells each part and ends with the result of all."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

import grpc
from google.protobuf.message import Message
from grpc import aio

from ensemble_client.async_calls import AsyncEvents, Running
from ensemble_client.async_calls import events as async_events
from ensemble_client.call import Call
from ensemble_client.errors import EnsembleError, Unavailable, truncated
from ensemble_client.status import error_of
from ensemble_client.sync_calls import Events, events

Request = TypeVar("Request")
Response = TypeVar("Response", bound=Message)
Event = TypeVar("Event")
Result = TypeVar("Result")


class Work(Generic[Response, Event, Result]):
    """What is known of the work while its events come; `name` is what errors call it."""

    __slots__ = ("_begun", "_kind", "_name", "request_id", "result")

    def __init__(self, name: str, kind: type[Result], request_id: str) -> None:
        self._name = name
        self._kind = kind
        self._begun = False
        self.request_id = request_id
        self.result: Result | None = None

    def read(self, message: Response) -> Event | None:
        """Note an event and return it; None for one of a newer gateway, which is passed over."""
        which = message.WhichOneof("event")
        if which is None:
            return None
        self._begun = True
        event = getattr(message, which)
        if isinstance(event, self._kind):
            self.result = event
        return cast("Event", event)

    def failed(self, error: grpc.RpcError) -> EnsembleError:
        """Make the error of work whose RPC failed; what breaks off after its first event is cut."""
        typed = error_of(error, request_id=self.request_id)
        if type(typed) is Unavailable and not typed.reason and self._begun:
            return truncated(typed.message, request_id=self.request_id, partial_text="")
        return typed

    def ended(self) -> None:
        """Raise StreamTruncated when the last event is missing."""
        self.finished()

    def finished(self) -> Result:
        """Return the result; raises StreamTruncated when the stream ended without one."""
        if self.result is None:
            words = f"the {self._name} ended without its last event"
            raise truncated(words, request_id=self.request_id, partial_text="")
        return self.result


class _Followed(Generic[Response, Event, Result]):
    """What a caller may ask of work between its events."""

    _work: Work[Response, Event, Result]

    @property
    def request_id(self) -> str:
        """The id that names the work on both sides."""
        return self._work.request_id

    @property
    def result(self) -> Result | None:
        """What came of all parts; None until the last event has come."""
        return self._work.result


class WorkStream(_Followed[Response, Event, Result], Events[Event]):
    """The events of work; the last one is its result.

    The RPC starts with the first event asked for. Leaving early by `close`, by the end of a `with`
    block or by dropping the stream cancels it at the gateway. Raises EnsembleError.
    """

    def __init__(
        self,
        method: grpc.UnaryStreamMultiCallable[Request, Response],
        message: Request,
        call: Call,
        work: Work[Response, Event, Result],
    ) -> None:
        self._work = work
        self._events = events(method, message, call, work)

    def finish(self) -> Result:
        """Pass over the events that are left and return the result."""
        for _ in self:
            pass
        return self._work.finished()


class AsyncWorkStream(_Followed[Response, Event, Result], AsyncEvents[Event]):
    """The events of work, like those of `WorkStream`; `aclose` leaves early."""

    def __init__(
        self,
        method: aio.UnaryStreamMultiCallable[Request, Response],
        running: Running,
        message: Request,
        call: Call,
        work: Work[Response, Event, Result],
    ) -> None:
        self._work = work
        self._events = async_events(method, running, message, call, work)

    async def finish(self) -> Result:
        """Pass over the events that are left and return the result."""
        async for _ in self:
            pass
        return self._work.finished()

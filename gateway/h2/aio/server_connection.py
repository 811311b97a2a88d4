"""One connection of a server: requests into calls, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.h2.aio.link import Link, LinkSettings
from gateway.h2.aio.server_call import ServerCall
from gateway.h2.aio.wheel import Wheel
from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.events import (
    ConnectionEnded,
    DataReceived,
    Event,
    HeadersReceived,
    PingAcknowledged,
    StreamReset,
    TrailersReceived,
    Writable,
)
from gateway.h2.grpc.framing import ACCEPTED, GZIP, IDENTITY, MessageReader
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.grpc.timeouts import seconds_of
from gateway.h2.limits import Limits
from gateway.h2.reading import FieldCache
from gateway.h2.settings import Settings
from gateway.h2.writing import block

log = logging.getLogger(__name__)

Handler = Callable[[ServerCall], Awaitable[None]]
"""Answers one call. What it raises is its status: CallError as it is, all else INTERNAL."""

VOLATILE = frozenset({b"grpc-timeout", b"x-request-id", b"traceparent", b"tracestate", b"baggage"})
CONTENT_TYPE = b"application/grpc"
_TYPES = frozenset({CONTENT_TYPE, b"application/grpc+proto"})


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`max_message` bytes, as sent and as unpacked; the rest is the engine's and the link's.

    `max_held`: most bytes of messages that are not whole yet, of all calls of one connection.
    """

    max_message: int = 8 * 1024 * 1024
    max_held: int = 64 * 1024 * 1024
    engine: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)
    link: LinkSettings = field(default_factory=LinkSettings)


class ServerConnection:
    """Belongs to one event loop. `made` says whether it may be, once it is made.

    `closed` is called once, with why, when the connection is gone.

    `handler_of` finds the handler of a path, None for one that is not served.
    """

    def __init__(
        self,
        handler_of: Callable[[str], Handler | None],
        settings: ServerSettings,
        cache: FieldCache,
        wheel: Wheel,
        made: Callable[[ServerConnection], bool],
        closed: Callable[[ServerConnection, str], None],
    ) -> None:
        self.calls: dict[int, ServerCall] = {}
        self.ended: ConnectionEnded | None = None
        self._handler_of = handler_of
        self._settings = settings
        self._wheel = wheel
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._draining = False
        self._held = 0
        engine = Connection(
            client=False, settings=settings.engine, limits=settings.limits, cache=cache
        )
        self.link = Link(engine, settings.link, self._handle, self._lost, lambda: made(self))

    def drain(self) -> None:
        """Take no new calls: say that it will be so, then, a round trip later, that it is."""
        if not self._draining and not self.link.closed:
            self._draining = True
            self.link.connection.go_away(soon=True)
            self.link.connection.ping(_DRAIN)
            self.link.flush()

    def end_calls(self) -> list[asyncio.Task[None]]:
        """End what still runs, as when the server goes; return the tasks to be awaited."""
        ended: list[asyncio.Task[None]] = []
        for call in tuple(self.calls.values()):
            call.finish(Code.UNAVAILABLE, "the server is shutting down")
            self._give_up(call)
            if call.task is not None:
                ended.append(call.task)
        return ended

    def _handle(self, event: Event) -> None:
        if isinstance(event, HeadersReceived):
            self._request(event)
        elif isinstance(event, DataReceived):
            self._data(event)
        elif isinstance(event, TrailersReceived):
            self._data(DataReceived(event.stream_id, b"", 0, ended=True))
        elif isinstance(event, StreamReset):
            self._gone(event.stream_id)
        elif isinstance(event, Writable):
            self._writable(event.stream_id)
        elif isinstance(event, PingAcknowledged):
            self._pinged(event)
        elif isinstance(event, ConnectionEnded):
            self.ended = event
            told = {"peer": self.link.peer, "why": event.text}
            log.warning("a connection broke the protocol", extra=told)

    def _request(self, event: HeadersReceived) -> None:
        fields = event.fields
        known = dict(fields)
        stream_id = event.stream_id
        path = known.get(b":path", b"").decode("ascii", "replace")
        encoding = known.get(b"grpc-encoding", IDENTITY)
        call = ServerCall(
            self.link,
            stream_id,
            path,
            fields,
            MessageReader(self._settings.max_message, encoding),
            None,
        )
        content_type = known.get(b"content-type", b"")
        if content_type not in _TYPES and not content_type.startswith(CONTENT_TYPE):
            self._refuse_http(stream_id, b"415")
            return
        if known.get(b":method") != b"POST":
            self._refuse_http(stream_id, b"405")
            return
        handler = self._handler_of(path)
        if handler is None:
            call.finish(Code.UNIMPLEMENTED, f"there is no method {path[:200]}")
            return
        if encoding not in {IDENTITY, GZIP}:
            accepted = (("grpc-accept-encoding", ACCEPTED.decode()),)
            call.finish(Code.UNIMPLEMENTED, "that grpc-encoding is not known", accepted)
            return
        timeout = known.get(b"grpc-timeout")
        if timeout is not None:
            left = seconds_of(timeout)
            if left is None:
                call.finish(Code.INTERNAL, "grpc-timeout cannot be read")
                return
            call.deadline = self._loop.time() + left
            call.at = self._wheel.add(call.deadline, call, lambda: self._late(call))
        self.calls[stream_id] = call
        call.task = self._loop.create_task(self._run(call, handler))
        # Not in the task: one that is cancelled before its first step runs nothing of it.
        call.task.add_done_callback(lambda _: self._done(call))
        if event.ended:
            self._data(DataReceived(stream_id, b"", 0, ended=True))

    def _refuse_http(self, stream_id: int, status: bytes) -> None:
        self.link.connection.headers(stream_id, block(((b":status", status),)), end=True)
        if self.link.connection.has(stream_id):
            self.link.connection.reset(stream_id, ErrorCode.NO_ERROR)

    async def _run(self, call: ServerCall, handler: Handler) -> None:
        """Answer one call, and end it whatever happens."""
        try:
            await handler(call)
            call.finish(Code.UNKNOWN, "the handler ended without a status")
        except CallError as error:
            self._failed(call, error)
        except asyncio.CancelledError:
            call.finish(Code.CANCELLED, "the call was cancelled")
            if not call.given_up:
                raise
        except Exception:
            log.exception("a handler failed", extra={"path": call.path})
            call.finish(Code.INTERNAL, "the handler failed")

    def _failed(self, call: ServerCall, error: CallError) -> None:
        try:
            call.finish(error.code, error.message, error.trailers)
        except ValueError:
            log.exception("trailers that may not be", extra={"path": call.path})
            call.finish(Code.INTERNAL, "the handler failed")

    def _done(self, call: ServerCall) -> None:
        self.calls.pop(call.stream_id, None)
        self._held -= call.held
        call.release()
        if call.at:
            self._wheel.remove(call.at, call)

    def _data(self, event: DataReceived) -> None:
        call = self.calls.get(event.stream_id)
        if call is None or call.finished:
            # Nobody reads it any more; the credit of the connection is for all.
            if event.credit:
                self.link.connection.consumed(event.stream_id, event.credit)
            return
        before = call.held
        try:
            call.feed(event.data, event.credit, ended=event.ended)
        except CallError as error:
            call.finish(error.code, error.message)
            self._give_up(call)
        self._held += call.held - before
        if self._held > self._settings.max_held and call.held:
            call.finish(Code.RESOURCE_EXHAUSTED, "too much is begun on this connection; try later")
            self._give_up(call)

    def _writable(self, stream_id: int) -> None:
        call = self.calls.get(stream_id)
        if call is not None and not call.finished:
            call.writable()
        elif self.link.connection.has(stream_id):
            # All of an answer has gone out, and its caller still sends (RFC 9113 §8.1).
            self.link.connection.reset(stream_id, ErrorCode.NO_ERROR)

    def _gone(self, stream_id: int) -> None:
        call = self.calls.get(stream_id)
        if call is not None:
            call.finished = True
            self._give_up(call)

    def _late(self, call: ServerCall) -> None:
        call.finish(Code.DEADLINE_EXCEEDED, "the deadline is over")
        self._give_up(call)

    def _give_up(self, call: ServerCall) -> None:
        call.given_up = True
        if call.task is not None:
            call.task.cancel()

    def _lost(self, why: str) -> None:
        for call in tuple(self.calls.values()):
            call.finished = True
            self._give_up(call)
        self._closed(self, why)

    def _pinged(self, event: PingAcknowledged) -> None:
        if event.payload == _DRAIN:
            # What was on its way when the drain was told has come.
            self.link.connection.go_away()
            self.link.flush()


_DRAIN = b"\0drain\0\0"

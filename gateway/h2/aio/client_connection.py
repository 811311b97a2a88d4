"""One connection of a client: calls out, what comes back to the call that it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.h2.aio.client_call import ClientCall
from gateway.h2.aio.link import Link, LinkSettings
from gateway.h2.connection import Connection
from gateway.h2.events import (
    ConnectionEnded,
    DataReceived,
    Event,
    GoAwayReceived,
    HeadersReceived,
    SettingsChanged,
    StreamRefused,
    StreamReset,
    TrailersReceived,
    Writable,
)
from gateway.h2.grpc.status import CallError, Code
from gateway.h2.limits import Limits
from gateway.h2.reading import FieldCache
from gateway.h2.settings import Settings

OfStream = (
    HeadersReceived | DataReceived | TrailersReceived | StreamReset | StreamRefused | Writable
)
OF_STREAMS = (
    HeadersReceived,
    DataReceived,
    TrailersReceived,
    StreamReset,
    StreamRefused,
    Writable,
)


class ClientConnection:
    """Belongs to one event loop. `changed` is told whenever it may take calls again, or is gone."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        link: LinkSettings,
        cache: FieldCache,
        changed: Callable[[], None],
    ) -> None:
        self.calls: dict[int, ClientCall] = {}
        self.why = ""
        self._changed = changed
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        engine = Connection(client=True, settings=settings, limits=limits, cache=cache)
        self.link = Link(engine, link, self._handle, self._lost)

    @property
    def takes_calls(self) -> bool:
        """Whether a call may be begun now."""
        return not self.link.closed and self.link.connection.can_request

    @property
    def gone(self) -> bool:
        """Whether it will never take another call."""
        return self.link.closed or self.link.connection.leaving

    async def ready(self) -> None:
        """Wait for the peer's greeting. Raises CallError when the connection is lost before it."""
        await asyncio.shield(self._ready)

    def begin(self, block: bytes, most: int, message: bytes | None) -> ClientCall:
        """Begin a call; with `message`, the one that it has."""
        engine = self.link.connection
        stream_id = engine.request(block, end=False)
        call = self.calls[stream_id] = ClientCall(self.link, stream_id, most, self._end)
        if message is not None:
            engine.data(stream_id, message, end=True)
        self.link.flush()
        return call

    def _end(self, call: ClientCall) -> None:
        if self.calls.pop(call.stream_id, None) is not None:
            self._changed()
            if self.link.connection.leaving:
                self._close_when_done()

    def _handle(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            if not self._ready.done():
                self._ready.set_result(None)
            self._changed()
        elif isinstance(event, ConnectionEnded):
            self.why = event.text
        elif isinstance(event, GoAwayReceived):
            self._changed()
            self._close_when_done()
        elif isinstance(event, OF_STREAMS):
            call = self.calls.get(event.stream_id)
            if call is not None:
                _tell(call, event)
            elif isinstance(event, DataReceived) and event.credit:
                # Nobody reads it any more; the credit of the connection is for all.
                self.link.connection.consumed(event.stream_id, event.credit)

    def _close_when_done(self) -> None:
        if not self.calls:
            self.link.close()

    def _lost(self, why: str) -> None:
        self.why = self.why or why
        fault = CallError(Code.UNAVAILABLE, self.why)
        if not self._ready.done():
            self._ready.set_exception(fault)
            self._ready.exception()
        for call in tuple(self.calls.values()):
            call.fail(fault)
        self._changed()


def _tell(call: ClientCall, event: OfStream) -> None:
    match event:
        case DataReceived():
            call.data(event)
        case HeadersReceived():
            call.began(event)
        case TrailersReceived():
            call.ended(event.fields)
        case Writable():
            call.writable()
        case StreamReset() | StreamRefused():
            call.reset(event)

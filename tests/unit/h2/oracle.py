"""The `h2` library and our engine behind one face, so that either can stand on either side."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from h2 import events as theirs
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from gateway.h2 import events as ours
from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.limits import Limits, Rate
from gateway.h2.settings import DEFAULT_WINDOW, Settings
from gateway.h2.writing import block

Fields = tuple[tuple[bytes, bytes], ...]
MANY = Rate(1e9, 1e9)
UNLIMITED = Limits(
    resets=MANY,
    pings=MANY,
    settings=MANY,
    priorities=MANY,
    updates=MANY,
    empties=MANY,
    strangers=MANY,
    unsent=10**9,
)
"""The library has no such limits, and would disagree for that alone."""
SMALL = Settings(DEFAULT_WINDOW, DEFAULT_WINDOW)


@dataclass(slots=True)
class Said:
    """What one side said, or was told, on one stream."""

    headers: Fields | None = None
    interim: list[Fields] = field(default_factory=list[Fields])
    body: bytearray = field(default_factory=bytearray)
    trailers: Fields | None = None
    ended: bool = False
    reset: bool = False


class Side(Protocol):
    """One end of a connection. `told`: what came of each stream; `owed`: data not used yet."""

    told: dict[int, Said]
    owed: dict[int, int]

    def request(self, fields: Fields, *, end: bool) -> int | None: ...
    def headers(self, stream: int, fields: Fields, *, end: bool) -> None: ...
    def data(self, stream: int, payload: bytes, *, end: bool) -> None: ...
    def reset(self, stream: int) -> None: ...
    def ping(self) -> None: ...
    def consume(self, stream: int) -> None: ...
    def take(self, data: bytes) -> None: ...
    def give(self) -> bytes: ...
    def waits(self, stream: int) -> bool: ...


class Ours:
    """Our engine. Raises AssertionError when it ends the connection."""

    def __init__(self, *, client: bool) -> None:
        self.told: dict[int, Said] = {}
        self.owed: dict[int, int] = {}
        self.connection = Connection(client=client, settings=SMALL, limits=UNLIMITED)
        self.connection.start()

    def request(self, fields: Fields, *, end: bool) -> int | None:
        if not self.connection.can_request:
            return None
        return self.connection.request(block(fields), end=end)

    def headers(self, stream: int, fields: Fields, *, end: bool) -> None:
        self.connection.headers(stream, block(fields), end=end)

    def data(self, stream: int, payload: bytes, *, end: bool) -> None:
        self.connection.data(stream, payload, end=end)

    def reset(self, stream: int) -> None:
        self.connection.reset(stream)

    def ping(self) -> None:
        self.connection.ping(b"12345678")

    def consume(self, stream: int) -> None:
        self.connection.consumed(stream, self.owed.pop(stream, 0))

    def waits(self, stream: int) -> bool:
        return self.connection.waits(stream) > 0

    def give(self) -> bytes:
        return self.connection.to_send()

    def take(self, data: bytes) -> None:
        for event in self.connection.receive(data, 0.0):
            self._follow(event)
        assert self.connection.ended is None, self.connection.ended

    def _follow(self, event: ours.Event) -> None:
        match event:
            case ours.HeadersReceived():
                said = self.told.setdefault(event.stream_id, Said())
                assert said.headers is None
                assert not said.ended
                said.headers, said.ended = event.fields, event.ended
            case ours.InformationReceived():
                self.told.setdefault(event.stream_id, Said()).interim.append(event.fields)
            case ours.DataReceived():
                said = self.told[event.stream_id]
                assert said.headers is not None
                assert not said.ended
                said.body += event.data
                said.ended = event.ended
                self.owed[event.stream_id] = self.owed.get(event.stream_id, 0) + event.credit
            case ours.TrailersReceived():
                said = self.told[event.stream_id]
                assert said.headers is not None
                assert not said.ended
                said.trailers, said.ended = event.fields, True
            case ours.StreamReset():
                assert not event.local, event.text
                self.told.setdefault(event.stream_id, Said()).reset = True
            case _:
                pass


class Theirs:
    """The library, with a queue before its windows. It raises when its peer breaks a rule."""

    def __init__(self, *, client: bool) -> None:
        self.told: dict[int, Said] = {}
        self.owed: dict[int, int] = {}
        self._acknowledged = False
        self._queues: dict[int, deque[tuple[bytes, bool] | Fields]] = {}
        config = H2Configuration(client_side=client, header_encoding=None)
        self.connection = H2Connection(config)
        self.connection.initiate_connection()

    def request(self, fields: Fields, *, end: bool) -> int | None:
        connection = self.connection
        if connection.open_outbound_streams >= connection.remote_settings.max_concurrent_streams:
            return None
        stream = connection.get_next_available_stream_id()
        connection.send_headers(stream, fields, end_stream=end)
        return stream

    def headers(self, stream: int, fields: Fields, *, end: bool) -> None:
        if self._queues.get(stream):
            self._queues[stream].append(fields)
        else:
            self.connection.send_headers(stream, fields, end_stream=end)

    def data(self, stream: int, payload: bytes, *, end: bool) -> None:
        self._queues.setdefault(stream, deque()).append((payload, end))
        self._pump(stream)

    def reset(self, stream: int) -> None:
        self._queues.pop(stream, None)
        self.connection.reset_stream(stream, ErrorCode.CANCEL)

    def ping(self) -> None:
        self.connection.ping(b"12345678")

    def window(self, size: int) -> None:
        """Give streams another window, also those that have begun.

        Not before its first settings were acknowledged: it would take that for these.
        """
        if self._acknowledged:
            self.connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: size})

    def consume(self, stream: int) -> None:
        self.connection.acknowledge_received_data(self.owed.pop(stream, 0), stream)

    def waits(self, stream: int) -> bool:
        return bool(self._queues.get(stream))

    def give(self) -> bytes:
        return self.connection.data_to_send()

    def take(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            self._follow(event)
        for stream in tuple(self._queues):
            self._pump(stream)

    def _pump(self, stream: int) -> None:
        queue = self._queues[stream]
        while queue:
            first = queue[0]
            if first and not isinstance(first[0], bytes):
                queue.popleft()
                self.connection.send_headers(stream, first, end_stream=True)
                continue
            payload, end = first
            room = min(
                self.connection.local_flow_control_window(stream),
                self.connection.max_outbound_frame_size,
            )
            if payload and room <= 0:
                return
            piece, rest = payload[: max(room, 0)], payload[max(room, 0) :]
            self.connection.send_data(stream, piece, end_stream=bool(end) and not rest)
            if rest:
                queue[0] = (rest, end)
            else:
                queue.popleft()

    def _follow(self, event: theirs.Event) -> None:
        stream = getattr(event, "stream_id", 0)
        said = self.told.setdefault(stream, Said()) if stream else Said()
        match event:
            case theirs.RequestReceived() | theirs.ResponseReceived():
                said.headers = tuple((bytes(name), bytes(value)) for name, value in event.headers)
            case theirs.InformationalResponseReceived():
                said.interim.append(tuple((bytes(n), bytes(v)) for n, v in event.headers))
            case theirs.DataReceived():
                said.body += event.data
                self.owed[stream] = self.owed.get(stream, 0) + event.flow_controlled_length
            case theirs.TrailersReceived():
                said.trailers = tuple((bytes(name), bytes(value)) for name, value in event.headers)
            case theirs.StreamEnded():
                said.ended = True
            case theirs.SettingsAcknowledged():
                self._acknowledged = True
            case theirs.StreamReset():
                said.reset = True
                self._queues.pop(stream, None)
            case _:
                pass


__all__ = ["Fields", "Ours", "ProtocolError", "Said", "Side", "Theirs"]

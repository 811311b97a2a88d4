"""Data of the peer's, and the credit for it: more may come when what came was used (§5.2)."""

from __future__ import annotations

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, MisuseError, PeerError, StreamError
from gateway.h2.events import DataReceived
from gateway.h2.lifecycle import Input, State, after
from gateway.h2.sender import Sender
from gateway.h2.settings import Settings
from gateway.h2.stream import Stream
from gateway.h2.streams import Streams

GET_DATA, GET_END = Input.GET_DATA, Input.GET_END
CLOSED = State.CLOSED
RECEIVING = frozenset({State.OPEN, State.HALF_LOCAL})
PROTOCOL, FLOW = ErrorCode.PROTOCOL_ERROR, ErrorCode.FLOW_CONTROL_ERROR


class Inflow:
    """Takes DATA frames in and gives credit back in steps of half a window."""

    def __init__(self, streams: Streams, sender: Sender, settings: Settings) -> None:
        self._streams = streams
        self._sender = sender
        self._settings = settings
        self._room = settings.connection_window
        self._owed = 0

    def data(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Take a DATA frame. Raises PeerError or StreamError."""
        credit = len(payload)
        if not stream_id:
            raise PeerError(PROTOCOL, "DATA on stream 0")
        self._room -= credit
        if self._room < 0:
            raise PeerError(FLOW, "more DATA than the connection's window")
        if flags & frames.PADDED:
            payload = unpadded(payload)
        streams = self._streams
        stream = streams.open.get(stream_id)
        if stream is None:
            streams.late(stream_id, "DATA", content=credit > 0)
            self.give_back(0, credit)
            return
        try:
            self._take(stream, payload, credit, ended=bool(flags & frames.END_STREAM))
        except StreamError:
            self.give_back(0, credit)
            raise

    def give_back(self, stream_id: int, credit: int) -> None:
        """Give credit back: to the connection, and to a stream that may still get more."""
        window = self._settings.connection_window
        self._owed += credit
        if self._room + self._owed > window:
            raise MisuseError("more credit given back than data came")
        if self._owed * 2 >= window:
            self._sender.answer(frames.window_update(0, self._owed))
            self._room += self._owed
            self._owed = 0
        stream = self._streams.open.get(stream_id)
        if stream is None or stream.state not in RECEIVING:
            return
        stream.owed += credit
        if stream.owed * 2 >= self._settings.stream_window:
            self._sender.answer(frames.window_update(stream_id, stream.owed))
            stream.room += stream.owed
            stream.owed = 0

    def _take(self, stream: Stream, payload: bytes, credit: int, *, ended: bool) -> None:
        streams, stream_id = self._streams, stream.id
        if after(stream.state, GET_DATA) is None:
            raise StreamError(stream_id, ErrorCode.STREAM_CLOSED, "DATA after the end")
        if not stream.begun:
            raise StreamError(stream_id, PROTOCOL, "DATA before the headers")
        stream.room -= credit
        if stream.room < 0:
            raise StreamError(stream_id, FLOW, "more DATA than the stream's window")
        if stream.length >= 0:
            stream.length -= len(payload)
            if stream.length < 0 or (ended and stream.length):
                raise StreamError(stream_id, PROTOCOL, "content-length is not the content's")
        if ended:
            stream.state = after(stream.state, GET_END) or CLOSED
        elif not payload:
            streams.empties.take(streams.now)
        streams.events.append(DataReceived(stream_id, payload, credit, ended))
        if stream.state is CLOSED:
            streams.drop(stream)


def unpadded(payload: bytes) -> bytes:
    """Take padding off. Raises PeerError when there is more of it than payload."""
    if not payload:
        raise PeerError(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without its padding's length")
    padding = payload[0]
    if padding >= len(payload):
        raise PeerError(PROTOCOL, "more padding than payload")
    return payload[1 : len(payload) - padding]

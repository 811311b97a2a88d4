"""Header blocks: put together from frames, read, and held against the rules of messages (§8)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, PeerError, StreamError
from gateway.h2.events import HeadersReceived, InformationReceived, TrailersReceived
from gateway.h2.inflow import unpadded
from gateway.h2.lifecycle import Input, State, after
from gateway.h2.limits import LimitError, Limits
from gateway.h2.reading import Block, BlockReader
from gateway.h2.rules import fault_of_request, fault_of_response
from gateway.h2.sender import Sender
from gateway.h2.settings import Settings
from gateway.h2.stream import Stream
from gateway.h2.streams import Streams

PROTOCOL = ErrorCode.PROTOCOL_ERROR
GET_HEADERS, GET_END = Input.GET_HEADERS, Input.GET_END
CLOSED, HALF_REMOTE = State.CLOSED, State.HALF_REMOTE
INFORMATION, SWITCHING = b"1", b"101"
WITHOUT_CONTENT = frozenset({b"204", b"304"})
"""Statuses whose responses have no content, whatever their content-length says."""


@dataclass(slots=True)
class Partial:
    """A header block of which frames are still to come."""

    stream_id: int
    ended: bool
    size: int
    parts: list[bytes] = field(default_factory=list[bytes])


class Messages:
    """Takes HEADERS and CONTINUATION in. `partial` is the block that is not whole yet.

    `refused` counts requests that were too many at once.
    """

    def __init__(
        self,
        streams: Streams,
        sender: Sender,
        blocks: BlockReader,
        settings: Settings,
        limits: Limits,
    ) -> None:
        self.partial: Partial | None = None
        self.refused = 0
        self._streams = streams
        self._sender = sender
        self._blocks = blocks
        self._window = settings.stream_window
        self._limits = limits

    def headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Take a HEADERS frame. Raises PeerError or StreamError."""
        if not stream_id:
            raise PeerError(PROTOCOL, "HEADERS on stream 0")
        if flags & frames.PADDED:
            payload = unpadded(payload)
        if flags & frames.HAS_PRIORITY:
            if len(payload) < frames.PRIORITY_BYTES:
                raise PeerError(ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short for its priority")
            payload = payload[frames.PRIORITY_BYTES :]
        ended = bool(flags & frames.END_STREAM)
        if len(payload) > self._limits.header_block:
            raise LimitError("header_block")
        if flags & frames.END_HEADERS:
            self._whole(stream_id, payload, ended=ended)
            return
        self.partial = Partial(stream_id, ended, len(payload), [payload])

    def continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Take a CONTINUATION frame. Raises PeerError or StreamError."""
        partial = self.partial
        if partial is None or partial.stream_id != stream_id:
            raise PeerError(PROTOCOL, "CONTINUATION of no header block")
        partial.parts.append(payload)
        partial.size += len(payload)
        if partial.size > self._limits.header_block:
            raise LimitError("header_block")
        if len(partial.parts) > self._limits.continuations:
            raise LimitError("continuations")
        if flags & frames.END_HEADERS:
            self.partial = None
            self._whole(stream_id, b"".join(partial.parts), ended=partial.ended)

    def _whole(self, stream_id: int, raw: bytes, *, ended: bool) -> None:
        # Read whatever becomes of it: blocks share their state.
        block = self._blocks.read(raw)
        streams = self._streams
        stream = streams.open.get(stream_id)
        if stream is not None:
            self._on_stream(stream, block, ended=ended)
        elif streams.client or not streams.is_idle(stream_id):
            streams.late(stream_id, "HEADERS")
        elif stream_id % 2 == 0:
            raise PeerError(PROTOCOL, "a client begins streams of odd numbers only")
        else:
            self._request(stream_id, block, ended=ended)

    def _request(self, stream_id: int, block: Block, *, ended: bool) -> None:
        streams = self._streams
        streams.highest = stream_id
        if streams.last is not None:
            # The peer learns by the GOAWAY that nobody looks at it, nor at what follows on it.
            streams.remember(stream_id)
            streams.empties.take(streams.now)
            return
        if len(streams.open) >= self._limits.max_concurrent:
            self.refused += 1
            raise StreamError(stream_id, ErrorCode.REFUSED_STREAM, "too many streams at once")
        method = block.fields[0][1] if block.seen and block.fields[0][0] == b":method" else b""
        wrong = block.malformed or fault_of_request(block.seen, method or _method(block))
        _refuse(stream_id, block, wrong or _wrong_length(block, ended=ended))
        stream = Stream(stream_id, self._sender.peer.initial_window, self._window)
        stream.state = State.HALF_REMOTE if ended else State.OPEN
        stream.begun = True
        stream.length = block.length
        streams.open[stream_id] = stream
        streams.events.append(HeadersReceived(stream_id, block.fields, ended))

    def _on_stream(self, stream: Stream, block: Block, *, ended: bool) -> None:
        """Take what follows on a stream that is open: a response, or trailers of either side."""
        streams, stream_id = self._streams, stream.id
        if after(stream.state, GET_HEADERS) is None:
            raise StreamError(stream_id, ErrorCode.STREAM_CLOSED, "HEADERS after the end")
        if stream.begun:
            wrong = block.malformed or (block.seen and "trailers with a pseudo-field") or ""
            if not ended:
                wrong = wrong or "trailers that do not end their stream"
            elif stream.length > 0:
                wrong = wrong or "content-length is not the content's"
            _refuse(stream_id, block, wrong)
            streams.events.append(TrailersReceived(stream_id, block.fields))
        else:
            wrong = block.malformed or fault_of_response(block.seen)
            status = block.fields[0][1] if block.fields else b""
            if status not in WITHOUT_CONTENT:
                wrong = wrong or _wrong_length(block, ended=ended)
            if status[:1] == INFORMATION and (ended or status == SWITCHING):
                wrong = wrong or "a response of status 1xx that may not be"
            _refuse(stream_id, block, wrong)
            if status[:1] == INFORMATION:
                streams.empties.take(streams.now)
                streams.events.append(InformationReceived(stream_id, block.fields))
                return
            stream.begun = True
            stream.length = block.length
            streams.events.append(HeadersReceived(stream_id, block.fields, ended))
        if ended:
            stream.state = after(stream.state, GET_END) or CLOSED
            if stream.state is CLOSED:
                streams.drop(stream)


def _refuse(stream_id: int, block: Block, wrong: str) -> None:
    if block.too_long:
        raise StreamError(stream_id, ErrorCode.ENHANCE_YOUR_CALM, "more fields than are taken")
    if wrong:
        raise StreamError(stream_id, PROTOCOL, wrong)


def _wrong_length(block: Block, *, ended: bool) -> str:
    return "content-length without content" if ended and block.length > 0 else ""


def _method(block: Block) -> bytes:
    return next((value for name, value in block.fields if name == b":method"), b"")

"""The half of a connection that reads: bytes into frames, and what each frame does."""

from __future__ import annotations

from collections.abc import Callable

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, PeerError, StreamError
from gateway.h2.events import (
    GoAwayReceived,
    PingAcknowledged,
    PingReceived,
    SettingsAcknowledged,
    SettingsChanged,
    StreamRefused,
    StreamReset,
)
from gateway.h2.inflow import Inflow
from gateway.h2.limits import Bucket, Limits
from gateway.h2.messages import Messages
from gateway.h2.reading import BlockReader
from gateway.h2.sender import Sender
from gateway.h2.settings import Settings
from gateway.h2.streams import Streams

PROTOCOL, FRAME_SIZE = ErrorCode.PROTOCOL_ERROR, ErrorCode.FRAME_SIZE_ERROR
FLOW = ErrorCode.FLOW_CONTROL_ERROR


Handler = Callable[[int, int, bytes], None]
"""Takes a frame: its flags, its stream and its payload."""


class Receiver:
    """Reads frames. `feed` raises PeerError where the connection must end.

    `peer_last`: the last stream of ours that the peer will look at, None while it takes all.
    """

    def __init__(
        self,
        streams: Streams,
        sender: Sender,
        blocks: BlockReader,
        settings: Settings,
        limits: Limits,
    ) -> None:
        self.inflow = Inflow(streams, sender, settings)
        self.messages = Messages(streams, sender, blocks, settings, limits)
        self.peer_last: int | None = None
        self._streams = streams
        self._sender = sender
        self._blocks = blocks
        self._most = settings.max_frame
        self._pings = Bucket("pings", limits.pings)
        self._settings = Bucket("settings", limits.settings)
        self._priorities = Bucket("priorities", limits.priorities)
        self._updates = Bucket("updates", limits.updates)
        self._strangers = Bucket("strangers", limits.strangers)
        self._rest = bytearray()
        self._need = 0
        self._preface = b"" if streams.client else frames.PREFACE
        self._greeted = False
        self._acknowledged = False
        # By the type of the frame.
        self._handlers: tuple[Handler, ...] = (
            self.inflow.data,
            self.messages.headers,
            self._priority,
            self._rst_stream,
            self._settings_frame,
            self._push_promise,
            self._ping,
            self._goaway,
            self._window_update,
            self.messages.continuation,
        )

    def feed(self, data: bytes) -> None:
        """Read every whole frame; the rest waits for more, and is not looked at before it came."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        at, end = 0, len(data)
        need = frames.HEAD_BYTES
        if self._preface:
            at = self._greeting(data)
            if not at:
                self._rest += data
                return
        unpack = frames.HEAD.unpack_from
        while end - at >= frames.HEAD_BYTES:
            high, low, kind, flags, stream_id = unpack(data, at)
            length = high << 8 | low
            if length > self._most:
                raise self._too_long()
            stop = at + frames.HEAD_BYTES + length
            if stop > end:
                need = stop - at
                break
            self._frame(kind, flags, stream_id & frames.MAX_ID, data[at + frames.HEAD_BYTES : stop])
            at = stop
        if at < end:
            self._rest += data[at:]
            self._need = need

    def _too_long(self) -> PeerError:
        if self._greeted:
            return PeerError(FRAME_SIZE, "a frame is longer than MAX_FRAME_SIZE")
        return PeerError(PROTOCOL, "no HTTP/2: the connection does not begin with SETTINGS")

    @property
    def unfinished(self) -> bool:
        """Whether a frame, a header block or the greeting has begun and not ended."""
        return bool(self._rest or self._preface) or self.messages.partial is not None

    def _frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if not self._greeted:
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise PeerError(PROTOCOL, "the first frame is not SETTINGS")
            self._greeted = True
        if self.messages.partial is not None and kind != frames.CONTINUATION:
            raise PeerError(PROTOCOL, "a frame within a header block")
        try:
            if kind < len(self._handlers):
                self._handlers[kind](flags, stream_id, payload)
            else:
                self._strangers.take(self._streams.now)
        except StreamError as error:
            self._streams.fail(error)

    def _greeting(self, data: bytes) -> int:
        """Read the client's preface; return the place behind it, 0 while it is not whole."""
        got = data[: len(frames.PREFACE)]
        if not frames.PREFACE.startswith(got):
            raise PeerError(PROTOCOL, "no HTTP/2: the connection does not begin with its preface")
        if len(got) < len(frames.PREFACE):
            return 0
        self._preface = b""
        return len(got)

    def _priority(self, _: int, stream_id: int, payload: bytes) -> None:
        """Pass over: RFC 9113 has given priorities up."""
        if not stream_id:
            raise PeerError(PROTOCOL, "PRIORITY on stream 0")
        if len(payload) != frames.PRIORITY_BYTES:
            if self._streams.is_idle(stream_id):
                raise PeerError(FRAME_SIZE, "PRIORITY is not 5 bytes")
            raise StreamError(stream_id, FRAME_SIZE, "PRIORITY is not 5 bytes")
        self._priorities.take(self._streams.now)

    def _rst_stream(self, _: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != frames.CODE_BYTES:
            raise PeerError(FRAME_SIZE, "RST_STREAM is not 4 bytes")
        streams = self._streams
        if not stream_id or streams.is_idle(stream_id):
            raise PeerError(PROTOCOL, "RST_STREAM on an idle stream")
        stream = streams.open.get(stream_id)
        if stream is None:
            streams.late_reset(stream_id)
            return
        if not (streams.client or stream.answered):
            # Work that was begun for nothing (CVE-2023-44487).
            streams.pay_reset()
        (code,) = frames.WORD.unpack(payload)
        streams.drop(stream, reset=True)
        streams.events.append(StreamReset(stream_id, code))

    def _settings_frame(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise PeerError(PROTOCOL, "SETTINGS on a stream")
        if flags & frames.ACK:
            self._acknowledgement(payload)
            return
        self._settings.take(self._streams.now)
        peer = self._sender.peer
        before = peer.initial_window
        peer.follow(payload, of_server=self._streams.client)
        self._sender.answer(frames.SETTINGS_ACK)
        self._streams.events.append(
            SettingsChanged(
                peer.max_concurrent, peer.initial_window, peer.max_frame, peer.max_fields
            )
        )
        if peer.initial_window != before:
            self._move_windows(peer.initial_window - before)

    def _acknowledgement(self, payload: bytes) -> None:
        if payload:
            raise PeerError(FRAME_SIZE, "an acknowledgement of SETTINGS has a payload")
        if self._acknowledged:
            self._strangers.take(self._streams.now)
            return
        self._acknowledged = True
        self._blocks.acknowledged()
        self._streams.events.append(SettingsAcknowledged())

    def _move_windows(self, by: int) -> None:
        for stream in tuple(self._streams.open.values()):
            try:
                done = self._sender.opened(stream, by)
            except OverflowError:
                raise PeerError(FLOW, "INITIAL_WINDOW_SIZE overflows a window") from None
            self._streams.written(stream, done=done)

    def _push_promise(self, _: int, __: int, ___: bytes) -> None:
        raise PeerError(PROTOCOL, "PUSH_PROMISE, which nobody allowed")

    def _ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise PeerError(PROTOCOL, "PING on a stream")
        if len(payload) != frames.PING_BYTES:
            raise PeerError(FRAME_SIZE, "PING is not 8 bytes")
        self._pings.take(self._streams.now, self._sender.sent_data)
        if flags & frames.ACK:
            self._streams.events.append(PingAcknowledged(payload))
        else:
            self._sender.answer(frames.ping(payload, ack=True))
            self._streams.events.append(PingReceived(payload))

    def _goaway(self, _: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise PeerError(PROTOCOL, "GOAWAY on a stream")
        if len(payload) < frames.GOAWAY_BYTES:
            raise PeerError(FRAME_SIZE, "GOAWAY is shorter than 8 bytes")
        streams = self._streams
        self._settings.take(streams.now)
        last, code = frames.GOAWAY_HEAD.unpack_from(payload)
        last = int(last) & frames.MAX_ID
        if self.peer_last is not None:
            last = min(last, self.peer_last)
        self.peer_last = last
        streams.events.append(GoAwayReceived(last, code, payload[frames.GOAWAY_BYTES :]))
        if streams.client:
            for stream in tuple(streams.open.values()):
                if stream.id > last:
                    streams.drop(stream, reset=True)
                    streams.events.append(StreamRefused(stream.id))

    def _window_update(self, _: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != frames.CODE_BYTES:
            raise PeerError(FRAME_SIZE, "WINDOW_UPDATE is not 4 bytes")
        self._updates.take(self._streams.now, 2 * self._sender.sent_data)
        (word,) = frames.WORD.unpack(payload)
        credit = word & frames.MAX_WINDOW
        if stream_id:
            self._stream_opened(stream_id, credit)
            return
        if not credit:
            raise PeerError(PROTOCOL, "WINDOW_UPDATE of nothing")
        for stream in self._sender.opened_all(credit):
            self._streams.written(stream, done=True)

    def _stream_opened(self, stream_id: int, credit: int) -> None:
        stream = self._streams.open.get(stream_id)
        if stream is None:
            if self._streams.is_idle(stream_id):
                raise PeerError(PROTOCOL, "WINDOW_UPDATE on an idle stream")
            return
        if not credit:
            raise StreamError(stream_id, PROTOCOL, "WINDOW_UPDATE of nothing")
        try:
            done = self._sender.opened(stream, credit)
        except OverflowError:
            raise StreamError(stream_id, FLOW, "the stream's window overflows") from None
        self._streams.written(stream, done=done)

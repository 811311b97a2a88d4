"""One HTTP/2 connection, either side: bytes in, events out; actions in, bytes out.

    connection = Connection(client=False)
    connection.start()
    for event in connection.receive(arrived, now): ...
    transport.write(connection.to_send())

Whoever drives it sends what `to_send` returns after every call, hands `now` in seconds of any
steady clock, and gives credit back for data that it has used: a peer whose data nobody uses stops.
While its transport takes no more, because the peer does not read, it leaves `to_send` alone: what
waits in here is bounded by `Limits.unsent`, what was taken out is not. What only time tells is its
own too: a peer that never acknowledges settings, or opens streams and says nothing on them.
"""

from __future__ import annotations

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, MisuseError, PeerError
from gateway.h2.events import ConnectionEnded, Event
from gateway.h2.lifecycle import State
from gateway.h2.limits import LimitError, Limits
from gateway.h2.reading import BlockReader, FieldCache
from gateway.h2.receiver import Receiver
from gateway.h2.sender import Sender
from gateway.h2.settings import DEFAULT_WINDOW, Settings
from gateway.h2.stream import Stream
from gateway.h2.streams import Streams

CLOSED = State.CLOSED


class Connection:
    """The engine. Not safe for two threads; raises nothing for anything that a peer sends.

    `cache` may be shared by connections of one kind. Actions raise MisuseError when the protocol
    does not allow them now; look at `has` and `can_request` first.
    """

    def __init__(
        self,
        *,
        client: bool,
        settings: Settings | None = None,
        limits: Limits | None = None,
        cache: FieldCache | None = None,
    ) -> None:
        self.client = client
        self.settings = settings or Settings()
        self.limits = limits or Limits()
        self.ended: ConnectionEnded | None = None
        self._sender = Sender()
        self._streams = Streams(self._sender, self.limits, client=client)
        self._receiver = Receiver(
            self._streams,
            self._sender,
            BlockReader(cache or FieldCache(), self.limits),
            self.settings,
            self.limits,
        )

    @property
    def open_streams(self) -> int:
        """Streams that are neither idle nor closed."""
        return len(self._streams.open)

    @property
    def can_request(self) -> bool:
        """Whether the peer takes one more request now."""
        most = self._sender.peer.max_concurrent
        return (
            self.ended is None
            and self._receiver.peer_last is None
            and (most is None or len(self._streams.open) < most)
            and self._streams.next_id <= frames.MAX_ID
        )

    @property
    def leaving(self) -> bool:
        """Whether the peer takes no more requests at all, or the connection has ended."""
        return self.ended is not None or self._receiver.peer_last is not None

    def start(self) -> None:
        """Write what every connection begins with."""
        limits, settings = self.limits, self.settings
        pairs = settings.pairs(
            max_concurrent=limits.max_concurrent if not self.client else 0,
            max_fields=limits.fields,
        )
        out = self._sender.out
        if self.client:
            out.append(frames.PREFACE)
        out.append(frames.settings(pairs))
        more = settings.connection_window - DEFAULT_WINDOW
        if more:
            out.append(frames.window_update(0, more))

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes of the peer's in; return what they mean. After an end it takes no more."""
        if self.ended is not None:
            return []
        streams = self._streams
        events: list[Event] = []
        streams.events = events
        streams.now = now
        try:
            self._receiver.feed(data)
            if len(self._sender.out) > self.limits.unsent:
                raise LimitError("unsent")
        except PeerError as error:
            limit = error.limit if isinstance(error, LimitError) else ""
            self.ended = ConnectionEnded(error.code, error.text, limit)
            self._write_goaway(error.code, error.text.encode())
            events.append(self.ended)
        return events

    def to_send(self) -> bytes:
        """Return what is to be sent and forget it."""
        sender = self._sender
        if not sender.out:
            return b""
        out = sender.out[0] if len(sender.out) == 1 else b"".join(sender.out)
        sender.out.clear()
        return out

    def request(self, block: bytes, *, end: bool) -> int:
        """Begin a request with a header block; return its stream. Raises MisuseError.

        HEAD is not for this engine: to it a response is malformed that tells a length and ends.
        """
        if not (self.client and self.can_request):
            raise MisuseError("no request may be begun: look at `can_request` first")
        stream_id = self._streams.next_id
        self._streams.next_id += 2
        stream = Stream(stream_id, self._sender.peer.initial_window, self.settings.stream_window)
        self._streams.open[stream_id] = stream
        self._sender.headers(stream, block, end=end)
        return stream_id

    def headers(self, stream_id: int, block: bytes, *, end: bool = False) -> None:
        """Send a response's headers, or trailers, which go out behind all data. MisuseError."""
        stream = self._stream(stream_id)
        self._sender.headers(stream, block, end=end)
        self._swept(stream)

    def data(self, stream_id: int, payload: bytes, *, end: bool = False) -> int:
        """Send a part of a body; return how many bytes of the stream wait for the peer's window.

        Give it no more while many do, until `Writable` comes. Raises MisuseError.
        """
        stream = self._stream(stream_id)
        waits = self._sender.data(stream, payload, end=end)
        self._swept(stream)
        return waits

    def reset(self, stream_id: int, code: ErrorCode = ErrorCode.CANCEL) -> None:
        """End a stream early; does nothing for one that is over."""
        stream = self._streams.open.get(stream_id)
        if stream is not None:
            self._sender.out.append(frames.rst_stream(stream_id, code))
            self._streams.drop(stream, reset=True)

    def consumed(self, stream_id: int, credit: int) -> None:
        """Give back the credit of data that was used, so that the peer may send more.

        It is told in steps of half a window. Raises MisuseError for more than came.
        """
        self._receiver.inflow.give_back(stream_id, credit)

    def ping(self, payload: bytes) -> None:
        """Ask for a sign of life. Raises MisuseError unless there are 8 bytes."""
        if len(payload) != frames.PING_BYTES:
            raise MisuseError("a ping has 8 bytes")
        self._sender.out.append(frames.ping(payload, ack=False))

    def go_away(
        self, code: ErrorCode = ErrorCode.NO_ERROR, text: str = "", *, soon: bool = False
    ) -> None:
        """Say that no new requests are taken; those that run go on.

        `soon`: first say only that this will come, so that what is on its way is still taken; say
        the rest after a round trip.
        """
        streams = self._streams
        if soon and streams.last is None:
            self._sender.out.append(frames.goaway(frames.MAX_ID, code, text.encode()))
            return
        if streams.last is None:
            streams.last = streams.highest
        self._write_goaway(code, text.encode())

    @property
    def unfinished(self) -> bool:
        """Whether a frame, a header block or the greeting has begun and not ended."""
        return self._receiver.unfinished

    def has(self, stream_id: int) -> bool:
        """Whether a stream is neither idle nor closed."""
        return stream_id in self._streams.open

    def waits(self, stream_id: int) -> int:
        """Bytes of a stream that wait for the peer's window."""
        stream = self._streams.open.get(stream_id)
        return 0 if stream is None else stream.waits

    def _stream(self, stream_id: int) -> Stream:
        stream = self._streams.open.get(stream_id)
        if stream is None:
            raise MisuseError(f"stream {stream_id} is not open")
        return stream

    def _swept(self, stream: Stream) -> None:
        if stream.state is CLOSED:
            self._streams.drop(stream)

    def _write_goaway(self, code: ErrorCode, text: bytes) -> None:
        streams = self._streams
        last = streams.highest if streams.last is None else streams.last
        self._sender.out.append(frames.goaway(last, code, text))

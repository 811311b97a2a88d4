"""The half of a connection that writes: frames in order, held back by the peer's windows."""

from __future__ import annotations

from collections import OrderedDict, deque

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, MisuseError, PeerError
from gateway.h2.lifecycle import Input, after
from gateway.h2.settings import DEFAULT_WINDOW, PeerSettings
from gateway.h2.stream import Stream
from gateway.h2.writing import NO_TABLE

PUT_DATA, PUT_END, PUT_HEADERS = Input.PUT_DATA, Input.PUT_END, Input.PUT_HEADERS
FAIR_PIECE = 1024
"""A frame that the peer's window cut shorter than this is not useful work: a peer that opens its
window by single bytes makes many of them (CVE-2019-9511)."""


class Sender:
    """Writes what may be sent and keeps what may not be yet.

    `out` holds the frames that are ready; `window` is what the whole connection may send;
    `sent_data` counts DATA frames of a fair size, from the beginning of the connection. Those
    streams are held which only the window of the connection holds back, so that nobody looks at the
    others when it opens.
    """

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.sent_data = 0
        self.peer = PeerSettings()
        self.window = DEFAULT_WINDOW
        self._held: OrderedDict[int, Stream] = OrderedDict()
        self._first = True

    def answer(self, frame: bytes) -> None:
        """Write a frame that the peer's own made necessary."""
        self.out.append(frame)

    def headers(self, stream: Stream, block: bytes, *, end: bool) -> None:
        """Write a header block, behind what waits. Raises MisuseError."""
        if stream.tail is not None:
            raise MisuseError(f"stream {stream.id} has been ended")
        if stream.waiting:
            if not end:
                raise MisuseError("headers behind data are trailers, and end their stream")
            stream.tail = block
            return
        self._step(stream, PUT_HEADERS)
        stream.answered = True
        if self._first:
            self._first = False
            block = NO_TABLE + block
        self.out.append(frames.headers(stream.id, block, self.peer.max_frame, end=end))
        if end:
            self._step(stream, PUT_END)

    def data(self, stream: Stream, payload: bytes, *, end: bool) -> int:
        """Write data; return how many bytes of the stream wait. Raises MisuseError."""
        if stream.tail is not None:
            raise MisuseError(f"stream {stream.id} has been ended")
        if not stream.answered:
            raise MisuseError(f"data on stream {stream.id} before its headers")
        self._step(stream, PUT_DATA)
        size = len(payload)
        if not stream.waiting and size <= min(stream.window, self.window, self.peer.max_frame):
            stream.window -= size
            self.window -= size
            self.sent_data += 1
            self.out.append(frames.data(stream.id, payload, end=end))
            if end:
                self._step(stream, PUT_END)
            return 0
        if stream.waiting is None:
            stream.waiting = deque()
        stream.waiting.append(payload)
        stream.waits += size
        if end:
            stream.tail = b""
        self._push(stream)
        return stream.waits

    def opened(self, stream: Stream, credit: int) -> bool:
        """Take the peer's credit for a stream; say whether what waited has all been written.

        Raises OverflowError past the largest window.
        """
        stream.window += credit
        if stream.window > frames.MAX_WINDOW:
            raise OverflowError
        if not stream.waiting:
            return False
        self._push(stream)
        return not stream.waiting

    def opened_all(self, credit: int) -> list[Stream]:
        """Take credit for the connection; return the streams of which nothing waits any more.

        Those that wait take turns, one frame each. Raises PeerError past the largest window.
        """
        self.window += credit
        if self.window > frames.MAX_WINDOW:
            raise PeerError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window overflows")
        held, done = self._held, list[Stream]()
        while held and self.window > 0:
            stream_id, stream = held.popitem(last=False)
            self._one(stream)
            if not stream.waiting:
                done.append(stream)
            elif stream.window > 0:
                held[stream_id] = stream
        return done

    def forget(self, stream: Stream) -> None:
        """Drop what waits of a stream that is over."""
        if stream.waiting:
            stream.waiting.clear()
            stream.waits = 0
        self._held.pop(stream.id, None)

    def _push(self, stream: Stream) -> None:
        """Write of a stream whatever its windows allow; hold it if the connection's does not."""
        while self._one(stream):
            pass
        if stream.waiting and stream.window > 0:
            self._held[stream.id] = stream
        else:
            self._held.pop(stream.id, None)

    def _one(self, stream: Stream) -> bool:
        """Write one frame of what waits; False when none may be written."""
        waiting = stream.waiting
        if not waiting:
            return False
        first, at = waiting[0], stream.sent
        left = len(first) - at
        size = min(left, stream.window, self.window, self.peer.max_frame) if left else 0
        if size <= 0 and left:
            return False
        piece = first[at : at + size] if size < len(first) else first
        stream.window -= size
        self.window -= size
        stream.waits -= size
        if size < left:
            stream.sent = at + size
        else:
            waiting.popleft()
            stream.sent = 0
        end = not waiting and stream.tail == b""
        if size == left or size >= FAIR_PIECE:
            self.sent_data += 1
        self.out.append(frames.data(stream.id, piece, end=end))
        if not waiting:
            self._finish(stream, ended=end)
        return True

    def _finish(self, stream: Stream, *, ended: bool) -> None:
        """Write what comes behind the last data of a stream."""
        if ended:
            self._step(stream, PUT_END)
        elif stream.tail is not None:
            block, stream.tail = stream.tail, None
            self.headers(stream, block, end=True)

    def _step(self, stream: Stream, event: Input) -> None:
        state = after(stream.state, event)
        if state is None:
            raise MisuseError(f"{event.name} on stream {stream.id}, which is {stream.state.name}")
        stream.state = state

"""All streams of one connection, and what is told of them."""

from __future__ import annotations

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, PeerError, StreamError
from gateway.h2.events import Event, StreamReset, Writable
from gateway.h2.lifecycle import State
from gateway.h2.limits import Bucket, Limits
from gateway.h2.sender import Sender
from gateway.h2.stream import Stream

CLOSED = State.CLOSED
KEPT_RESETS = 2000
"""Streams that were reset, whose late frames are passed over; of older ones they are an error."""
EXCUSED = 4
"""Frames without content that may have been on their way to a stream that was reset; more are paid
for, as are all to a stream that has ended in peace."""


class Streams:
    """The streams that are neither idle nor closed, and what must be known of the others.

    `events` collects what is told; `now` is the time of what is read. `highest`: the last stream
    that the peer began; `last`: the last of them that is looked at, None while all are; `next_id`:
    the next that we may begin. `malformed` counts streams that were reset for what came on them,
    `finished` those that ended without a reset.
    """

    def __init__(self, sender: Sender, limits: Limits, *, client: bool) -> None:
        self.client = client
        self.open: dict[int, Stream] = {}
        self.events: list[Event] = []
        self.now = 0.0
        self.highest = 0
        self.last: int | None = None
        self.next_id = 1
        self.malformed = self.finished = 0
        self.resets = Bucket("resets", limits.resets)
        self.empties = Bucket("empties", limits.empties)
        self._sender = sender
        self._reset: dict[int, int] = {}

    def is_idle(self, stream_id: int) -> bool:
        """Whether nobody has begun a stream. Those that a server could push never are."""
        if stream_id % 2 == 0:
            return True
        return stream_id >= self.next_id if self.client else stream_id > self.highest

    def late(self, stream_id: int, what: str, *, content: bool = False) -> None:
        """Pass over a frame of a stream that is not open. Raises PeerError if it may not come."""
        if self.is_idle(stream_id):
            raise PeerError(ErrorCode.PROTOCOL_ERROR, f"{what} on an idle stream")
        if stream_id not in self._reset:
            raise PeerError(ErrorCode.STREAM_CLOSED, f"{what} on a closed stream")
        if not content and not self._excused(stream_id):
            self.empties.take(self.now)

    def late_reset(self, stream_id: int) -> None:
        """Pass over a RST_STREAM of a stream that is over. Raises LimitError."""
        if not self._excused(stream_id):
            self.pay_reset()

    def pay_reset(self) -> None:
        """Count work that was begun for nothing. Raises LimitError."""
        self.resets.take(self.now, self.finished)

    def _excused(self, stream_id: int) -> bool:
        left = self._reset.get(stream_id, 0)
        if left:
            self._reset[stream_id] = left - 1
        return left > 0

    def drop(self, stream: Stream, *, reset: bool = False) -> None:
        """Forget a stream that is over; after a reset frames may come that were on their way."""
        stream.state = CLOSED
        self._sender.forget(stream)
        self.open.pop(stream.id, None)
        if reset:
            self.remember(stream.id)
        else:
            self.finished += 1

    def remember(self, stream_id: int) -> None:
        """Expect late frames of a stream that was reset."""
        self._reset[stream_id] = EXCUSED
        if len(self._reset) > KEPT_RESETS:
            del self._reset[next(iter(self._reset))]

    def fail(self, error: StreamError) -> None:
        """Reset a stream whose peer broke a rule of it, and tell it if it was known."""
        stream_id = error.stream_id
        self._sender.answer(frames.rst_stream(stream_id, error.code))
        self.malformed += 1
        stream = self.open.get(stream_id)
        if stream is None:
            self.remember(stream_id)
        else:
            self.drop(stream, reset=True)
            self.events.append(StreamReset(stream_id, error.code, local=True, text=error.text))
        self.pay_reset()

    def written(self, stream: Stream, *, done: bool) -> None:
        """Follow what was written of a stream; `done`: nothing of it waits any more."""
        if stream.state is CLOSED:
            self.drop(stream)
        elif done:
            self.events.append(Writable(stream.id))

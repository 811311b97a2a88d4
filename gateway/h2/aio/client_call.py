"""One call that a client makes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from gateway.h2.aio.link import Link
from gateway.h2.codes import ErrorCode
from gateway.h2.events import (
    DataReceived,
    HeadersReceived,
    StreamRefused,
    StreamReset,
)
from gateway.h2.grpc.framing import IDENTITY, MessageReader, framed
from gateway.h2.grpc.metadata import metadata_of
from gateway.h2.grpc.status import (
    OF_HTTP,
    OF_RESET,
    CallError,
    Code,
    Metadata,
    code_of,
    message_of_field,
)

CONTENT_TYPE = b"application/grpc"
HIGH_WATER = 256 * 1024


class ClientCall:
    """What the caller writes to and reads from; of one task at a time.

    Let go of it with `abandon`, however it ends: what is not over is cancelled. `headers` and
    `trailers` are the peer's metadata, empty until they have come.
    """

    __slots__ = (
        "_fault",
        "_inbox",
        "_let_go",
        "_link",
        "_most",
        "_over",
        "_reader",
        "_waiter",
        "_writable",
        "headers",
        "stream_id",
        "trailers",
    )

    def __init__(
        self, link: Link, stream_id: int, most: int, let_go: Callable[[ClientCall], None]
    ) -> None:
        self._link = link
        self._let_go = let_go
        self._most = most
        self._reader: MessageReader | None = None
        self._inbox: deque[tuple[bytes, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._fault: CallError | None = None
        self._over = False
        self.stream_id = stream_id
        self.headers: Metadata = ()
        self.trailers: Metadata = ()

    async def send(self, message: bytes, *, last: bool = False) -> None:
        """Send a message; returns when there is room for another. Raises CallError when it is over.

        `last`: no other follows, and none needs room.
        """
        self._check()
        link = self._link
        waits = link.connection.data(self.stream_id, framed(message), end=last)
        if waits > HIGH_WATER and not last:
            link.flush()
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable
            if self._fault is not None:
                raise self._fault
        if link.wrote(len(message)):
            await link.room()

    def end(self) -> None:
        """Say that no more messages follow."""
        self._check()
        self._link.connection.data(self.stream_id, b"", end=True)
        self._link.flush()

    async def read(self) -> bytes | None:
        """Return the next message; None after the last. Raises CallError for any end but OK."""
        while not self._inbox:
            if self._over:
                if self._fault is not None:
                    raise self._fault
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        message, credit = self._inbox.popleft()
        if credit:
            self._link.connection.consumed(self.stream_id, credit)
            self._link.flush()
        if type(message) is bytes or self._reader is None:
            return message
        return self._reader.unpacked(message)

    def abandon(self) -> None:
        """Let go of it: the peer is told that nobody waits any more, unless it has ended."""
        self.fail(CallError(Code.CANCELLED, "nobody waits for the call any more"))
        # Also of one that the peer has answered early: it may still wait for our end.
        self._link.connection.reset(self.stream_id, ErrorCode.CANCEL)
        for _, credit in self._inbox:
            if credit:
                self._link.connection.consumed(self.stream_id, credit)
        self._inbox.clear()
        if not self._link.closed:
            self._link.flush()
        self._let_go(self)

    def fail(self, fault: CallError) -> None:
        """End it with an error."""
        if not self._over:
            self._over, self._fault = True, fault
            self._wake()

    def began(self, event: HeadersReceived) -> None:
        """Take the headers in; of a call that fails at once they are all there is."""
        known = dict(event.fields)
        status = known.get(b":status", b"")
        if status != b"200":
            code = OF_HTTP.get(status, Code.UNKNOWN)
            words = f"HTTP status {status.decode('ascii', 'replace')} and no gRPC"
            self._broken(CallError(code, words))
        elif not known.get(b"content-type", b"").startswith(CONTENT_TYPE):
            words = "the answer is no gRPC: another content-type"
            self._broken(CallError(Code.UNKNOWN, words))
        elif event.ended:
            self.ended(event.fields)
        else:
            self.headers = metadata_of(event.fields)
            self._reader = MessageReader(
                self._most, known.get(b"grpc-encoding", IDENTITY), "CLIENT"
            )

    def data(self, event: DataReceived) -> None:
        """Take a part of the answer in."""
        messages: list[bytes] = []
        if not self._over and self._reader is not None:
            try:
                messages = self._reader.feed(event.data)
            except CallError as error:
                self._broken(error)
        if messages:
            first, *others = messages
            self._inbox.append((first, event.credit))
            self._inbox.extend((one, 0) for one in others)
            self._wake()
        elif event.credit:
            self._link.connection.consumed(self.stream_id, event.credit)
        if event.ended:
            self.fail(CallError(Code.INTERNAL, "the answer ends without a status"))

    def ended(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the status in."""
        if self._over:
            return
        known = dict(fields)
        self.trailers = metadata_of(fields)
        status = known.get(b"grpc-status")
        if status is None:
            fault = CallError(Code.UNKNOWN, "the answer ends without a status", self.trailers)
        elif (code := code_of(status)) is not Code.OK:
            message = message_of_field(known.get(b"grpc-message", b""))
            fault = CallError(code, message, self.trailers)
        elif self._reader is not None and self._reader.held:
            fault = CallError(Code.INTERNAL, "the answer ends within a message", self.trailers)
        else:
            fault = None
        self._over, self._fault = True, fault
        self._wake()

    def reset(self, event: StreamReset | StreamRefused) -> None:
        """Take in that the peer gave it up."""
        if isinstance(event, StreamRefused):
            words = "the peer takes no more calls"
            self.fail(CallError(Code.UNAVAILABLE, words, unprocessed=True))
            return
        refused = event.code == ErrorCode.REFUSED_STREAM
        code = OF_RESET.get(event.code, Code.UNKNOWN)
        words = event.text or f"the peer reset the stream (HTTP/2 error {event.code})"
        self.fail(CallError(code, words, unprocessed=refused))

    def writable(self) -> None:
        """Take in that what waited was sent."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _broken(self, error: CallError) -> None:
        self.fail(error)
        self._link.connection.reset(self.stream_id, ErrorCode.CANCEL)
        self._link.flush()

    def _check(self) -> None:
        if self._over:
            raise self._fault or CallError(Code.CANCELLED, "the call is over")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self.writable()

"""One call that a server answers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from gateway.h2.aio.link import Link
from gateway.h2.codes import ErrorCode
from gateway.h2.grpc.framing import MessageReader, framed
from gateway.h2.grpc.metadata import fields_of, metadata_of
from gateway.h2.grpc.status import CallError, Code, Metadata, message_to_field
from gateway.h2.writing import block

Pairs = Iterable[tuple[str, str | bytes]]

RESPONSE = ((b":status", b"200"), (b"content-type", b"application/grpc"))
RESPONSE_BLOCK = block(RESPONSE)
OK_BLOCK = block(((b"grpc-status", b"0"),))
HIGH_WATER = 256 * 1024
"""Bytes of a stream that may wait for the peer's window before its sender does."""


class ServerCall:
    """What a handler reads from and writes to; of one task at a time.

    `deadline` is the loop's time by which the caller wants its answer, None where it has none.
    `peer` names its address as gRPC does.
    """

    __slots__ = (
        "_begun",
        "_ended",
        "_fields",
        "_inbox",
        "_link",
        "_reader",
        "_waiter",
        "_writable",
        "at",
        "deadline",
        "finished",
        "given_up",
        "path",
        "stream_id",
        "task",
    )

    def __init__(
        self,
        link: Link,
        stream_id: int,
        path: str,
        fields: tuple[tuple[bytes, bytes], ...],
        reader: MessageReader,
        deadline: float | None,
    ) -> None:
        self._link = link
        self._fields = fields
        self._reader = reader
        self._inbox: deque[tuple[bytes, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._begun = self._ended = self.finished = self.given_up = False
        self.stream_id = stream_id
        self.path = path
        self.deadline = deadline
        self.at = 0
        self.task: asyncio.Task[None] | None = None

    @property
    def metadata(self) -> Metadata:
        """What the caller sent beside its messages."""
        return metadata_of(self._fields)

    @property
    def peer(self) -> str:
        """The caller's address."""
        return self._link.peer

    async def read(self) -> bytes | None:
        """Return the next message; None after the last. Raises CallError for a broken one."""
        while not self._inbox:
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        message, credit = self._inbox.popleft()
        if credit:
            self._link.connection.consumed(self.stream_id, credit)
            self._link.flush()
        return message if type(message) is bytes else self._reader.unpacked(message)

    async def send(self, message: bytes) -> None:
        """Send a message; returns when there is room for another. Raises CallError when it is over.

        What is not compressed costs least: messages of text are short, and the network is near.
        """
        self.begin()
        self._open()
        link = self._link
        waits = link.connection.data(self.stream_id, framed(message))
        if waits > HIGH_WATER:
            link.flush()
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable
        if link.wrote(len(message)):
            await link.room()

    def begin(self, metadata: Pairs = ()) -> None:
        """Send the headers, with metadata; once, before the first message at the latest."""
        if self._begun:
            return
        self._open()
        extra = fields_of(metadata)
        self._begun = True
        head = RESPONSE_BLOCK + block(extra) if extra else RESPONSE_BLOCK
        self._link.connection.headers(self.stream_id, head)

    def answer(self, message: bytes, trailers: Pairs = ()) -> None:
        """Send the one message of a unary call, and its end."""
        self.begin()
        self._link.connection.data(self.stream_id, framed(message))
        self.finish(Code.OK, "", trailers)

    def finish(self, code: Code, message: str = "", trailers: Pairs = ()) -> None:
        """End the call; does nothing to one that has ended."""
        if self.finished or not self._link.connection.has(self.stream_id):
            self.finished = True
            return
        if code is Code.OK and not trailers:
            tail = OK_BLOCK
        else:
            fields = [(b"grpc-status", b"%d" % code)]
            if message:
                fields.append((b"grpc-message", message_to_field(message)))
            tail = block((*fields, *fields_of(trailers)))
        if not self._begun:
            tail = RESPONSE_BLOCK + tail
        # Not before: trailers that may not be are an error of the handler's, which is to be told.
        self.finished = True
        connection = self._link.connection
        connection.headers(self.stream_id, tail, end=True)
        if connection.has(self.stream_id) and not connection.waits(self.stream_id):
            # The caller still sends what nobody reads any more (RFC 9113 §8.1).
            connection.reset(self.stream_id, ErrorCode.NO_ERROR)
        self._link.flush()

    def feed(self, data: bytes, credit: int, *, ended: bool) -> None:
        """Take a part of the body in. Raises CallError for a message that may not be."""
        try:
            messages = self._reader.feed(data)
        except CallError:
            self._link.connection.consumed(self.stream_id, credit)
            raise
        if messages:
            # The credit of a message is given back when it is read.
            first, *others = messages
            self._inbox.append((first, credit))
            self._inbox.extend((one, 0) for one in others)
        elif credit:
            self._link.connection.consumed(self.stream_id, credit)
        if ended:
            self._ended = True
            if self._reader.held:
                raise CallError(Code.INTERNAL, "the request ends within a message")
        if (messages or ended) and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def held(self) -> int:
        """Bytes of a message that is not whole yet."""
        return self._reader.held

    def release(self) -> None:
        """Give back the credit of what nobody will read."""
        for _, credit in self._inbox:
            if credit:
                self._link.connection.consumed(self.stream_id, credit)
        self._inbox.clear()

    def writable(self) -> None:
        """Take in that what waited was sent."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _open(self) -> None:
        if self.finished or not self._link.connection.has(self.stream_id):
            raise CallError(Code.CANCELLED, "the call is over")

"""A native door written frame by frame, for what no gRPC server would send.

It reads no header: a message says by itself which call it belongs to. An unknown one, such as a
health check, is UNIMPLEMENTED.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field

import grpc
from ensemble.v1 import model_service_pb2 as pb
from google.protobuf.message import DecodeError

from tests.conformance.servers.book import Book, BrokenOffError, perform
from tests.conformance.servers.grpc_door import NOT_A_MESSAGE, completed
from tests.conformance.servers.rules import Act, Rule
from tests.conformance.texts import asked_in
from tests.fakes.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
    header_block,
)

GOAWAY, WINDOW_UPDATE = 7, 8
NO_ERROR = 0
INTERNAL_ERROR = 2
ENHANCE_YOUR_CALM = 11
MAX_STREAMS = 100_000
OPENING = (":status", "200"), ("content-type", "application/grpc")
HTML = (":status", "200"), ("content-type", "text/html")


@dataclass(slots=True)
class Connection:
    """One connection and the calls on it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    bodies: dict[int, bytearray] = field(default_factory=dict[int, bytearray])
    work: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, asyncio.Task[None]])
    draining: bool = False

    def done(self, stream: int) -> None:
        """Forget a call that is over; the last one of a drained connection ends it."""
        self.work.pop(stream, None)
        if self.draining and not self.work:
            self.writer.close()

    async def send(self, *frames: bytes) -> None:
        """Write frames in one go."""
        self.writer.write(b"".join(frames))
        await self.writer.drain()


class FrameDoor:
    """One endpoint."""

    def __init__(self, book: Book, name: str) -> None:
        self._book = book
        self._name = name
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> int:
        """Listen on a port of loopback, 0 for a free one; return it."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Connection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        try:
            if await connection.reader.readexactly(len(PREFACE)) != PREFACE:
                return
            await connection.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, MAX_STREAMS)))
            while True:
                head = await connection.reader.readexactly(9)
                payload = await connection.reader.readexactly(int.from_bytes(head[:3]))
                stream = int.from_bytes(head[5:]) & 0x7FFFFFFF
                await self._take(connection, head[3], head[4], stream, payload)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for task in connection.work.values():
                task.cancel()
            await asyncio.gather(*connection.work.values(), return_exceptions=True)
            connection.writer.close()

    async def _take(
        self, connection: Connection, kind: int, flags: int, stream: int, payload: bytes
    ) -> None:
        if kind == SETTINGS and not flags & ACK:
            await connection.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            await connection.send(frame(PING, ACK, 0, payload))
        elif kind == RST_STREAM and (task := connection.work.get(stream)) is not None:
            task.cancel()
        elif kind == DATA:
            connection.bodies.setdefault(stream, bytearray()).extend(payload)
            if payload:
                more = struct.pack(">I", len(payload))
                await connection.send(frame(WINDOW_UPDATE, 0, 0, more))
            if flags & END_STREAM:
                message = bytes(connection.bodies.pop(stream)[5:])
                task = asyncio.create_task(self._answer(connection, stream, message))
                connection.work[stream] = task
                task.add_done_callback(lambda _: connection.done(stream))

    async def _answer(self, connection: Connection, stream: int, message: bytes) -> None:
        request, streamed = _request(message)
        asked = asked_in(request.prompt)
        if asked is None:
            code = grpc.StatusCode.UNIMPLEMENTED.value[0]
            trailers = header_block(*OPENING, ("grpc-status", str(code)))
            await connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers))
            return
        reply = FrameReply(connection, stream, streamed=streamed)
        try:
            await perform(self._book, self._name, asked, reply, streamed=streamed)
        except (BrokenOffError, OSError):
            return


def _request(message: bytes) -> tuple[pb.ModelServiceGenerateRequest, bool]:
    """Read a message, and say whether a stream is asked for."""
    try:
        whole = pb.ModelServiceGenerateRequest.FromString(message)
        if whole.prompt:
            return whole, False
    except DecodeError:
        pass
    try:
        return pb.ModelServiceGenerateStreamRequest.FromString(message).request, True
    except DecodeError:
        return pb.ModelServiceGenerateRequest(), False


class FrameReply:
    """The way back of one stream of a connection."""

    def __init__(self, connection: Connection, stream: int, *, streamed: bool) -> None:
        self._connection = connection
        self._stream = stream
        self._streamed = streamed
        self._begun = False
        self._pieces: list[str] = []

    async def piece(self, text: str) -> None:
        """Write a piece of a stream; keep one of a whole answer."""
        self._pieces.append(text)
        if self._streamed:
            await self._data(pb.ModelServiceGenerateStreamResponse(text=text).SerializeToString())

    async def done(self) -> None:
        """Write what is left of the answer and the trailers."""
        if self._streamed:
            last = pb.ModelServiceGenerateStreamResponse(done=completed("", len(self._pieces)))
            await self._data(last.SerializeToString())
        else:
            await self._data(completed("".join(self._pieces)).SerializeToString())
        await self._ended()

    async def broken(self, rule: Rule) -> None:
        """End the call, or the connection, as the rule says."""
        stream = self._stream
        match rule.act:
            case Act.STATUS:
                code = str(grpc.StatusCode[rule.status].value[0])
                fields = (("grpc-status", code),)
                block = header_block(*(fields if self._begun else (*OPENING, *fields)))
                await self._send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
            case Act.RESET:
                await self._send(frame(RST_STREAM, 0, stream, struct.pack(">I", INTERNAL_ERROR)))
            case Act.GOAWAY:
                words = struct.pack(">II", max(0, stream - 2), ENHANCE_YOUR_CALM)
                await self._send(frame(GOAWAY, 0, 0, words + b"too_many_things"))
                self._connection.writer.close()
            case Act.DRAIN:
                words = struct.pack(">II", stream, NO_ERROR)
                await self._send(frame(GOAWAY, 0, 0, words))
                self._connection.draining = True
                return
            case Act.MALFORMED:
                await self._data(NOT_A_MESSAGE)
                await self._ended()
            case Act.BAD_FRAME:
                # Larger than any frame may be.
                await self._opened()
                await self._send(b"\xff\xff\xff" + struct.pack(">BBI", DATA, 0, stream))
            case Act.WRONG_TYPE:
                page = b"<html><body>Welcome to the network</body></html>"
                await self._send(
                    frame(HEADERS, END_HEADERS, stream, header_block(*HTML)),
                    frame(DATA, END_STREAM, stream, page),
                )
            case Act.END:
                await self._opened()
                await self._send(frame(DATA, END_STREAM, stream))
            case _:
                await self._opened()
                whole = pb.ModelServiceGenerateStreamResponse(text="half").SerializeToString()
                await self._send(_data_frame(stream, whole)[:-4])
                self._connection.writer.close()
        raise BrokenOffError

    async def _data(self, message: bytes) -> None:
        await self._opened()
        await self._send(_data_frame(self._stream, message))

    async def _ended(self) -> None:
        trailers = header_block(("grpc-status", "0"))
        await self._send(frame(HEADERS, END_HEADERS | END_STREAM, self._stream, trailers))

    async def _opened(self) -> None:
        if not self._begun:
            self._begun = True
            await self._send(frame(HEADERS, END_HEADERS, self._stream, header_block(*OPENING)))

    async def _send(self, *frames: bytes) -> None:
        await self._connection.send(*frames)


def _data_frame(stream: int, message: bytes) -> bytes:
    return frame(DATA, 0, stream, b"\0" + struct.pack(">I", len(message)) + message)

"""A peer of HTTP/2 that says exactly what a test says, over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from tests.fakes.h2_stage import HOST, PATIENCE_S
from tests.unit.h2 import wire

ANSWER = ((b":status", b"200"), (b"content-type", b"application/grpc"))
GREETING = wire.settings((4, 2**20), (3, 100))


def request(path: str) -> wire.Fields:
    """Write what a call begins with."""
    return (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    )


class RawPeer:
    """Frames in and out. Nothing is answered by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, *parts: bytes) -> None:
        """Write bytes."""
        self.writer.write(b"".join(parts))

    async def preface(self) -> None:
        """Read what a client begins with."""
        await self._reader.readexactly(len(wire.PREFACE))

    async def frame(self) -> wire.Frame | None:
        """Read one frame; None at the end of the connection."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                head = await self._reader.readexactly(9)
                size = int.from_bytes(head[:3], "big")
                payload = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return wire.Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)

    async def reads_nothing(self) -> None:
        """Read and drop whatever comes until the connection ends."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                await self._reader.read()

    async def until(self, kind: int, stream: int = 0) -> wire.Frame:
        """Read on to a frame of a type and a stream; settings and their acknowledgement differ."""
        while (frame := await self.frame()) is not None:
            if (frame.kind, frame.stream) == (kind, stream):
                return frame
        raise AssertionError("the connection has ended")

    async def to_end(self) -> list[wire.Frame]:
        """Read until the connection ends."""
        found: list[wire.Frame] = []
        while (frame := await self.frame()) is not None:
            found.append(frame)
        return found


@asynccontextmanager
async def raw_client(port: int) -> AsyncGenerator[RawPeer]:
    """Connect to a server."""
    peer = RawPeer(*await asyncio.open_connection(HOST, port))
    try:
        yield peer
    finally:
        peer.writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def raw_server(
    script: Callable[[RawPeer, int], Awaitable[None]],
) -> AsyncGenerator[int]:
    """Serve connections, each with its number from 0, by a script that then closes; yields a port.

    A script may be cut off by its peer: the end of its connection is no error.
    """
    tasks: list[asyncio.Task[None]] = []
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        number, count = count, count + 1
        tasks.append(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await script(RawPeer(reader, writer), number)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.sleep(0)


async def greet(peer: RawPeer) -> None:
    """Greet a client and wait for its acknowledgement."""
    await peer.preface()
    peer.send(GREETING)
    while True:
        frame = await peer.frame()
        if frame is None:
            raise ConnectionError
        if frame.kind == wire.SETTINGS and not frame.flags:
            peer.send(wire.SETTINGS_ACK)
        elif frame.kind == wire.SETTINGS:
            return

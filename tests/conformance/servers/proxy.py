"""`python -m tests.conformance.servers.proxy TARGETS`: TCP connections that break on order.

TARGETS is a JSON object: the port to pass on to, for each named way. The same object with the
ports listened on is said first. Orders: `mode` of a way, for new connections and for those that
are there: `pass`; `refuse`: nobody listens, what is there goes on; `reset`: RST at once; `cut`:
RST once `after` bytes came back from the server since the order; `stall`: the connection stays
open and nothing is passed on once `after` bytes came back. `flap` alternates pass and reset every
`every_s` seconds.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop

from tests.conformance.servers.orders import Document, obey

CHUNK = 65536


class Way:
    """One way through the proxy."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._mode = "pass"
        self._left = 0
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flapping: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Listen, on the port of before when there was one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def order(self, mode: str, after: int = 0, every_s: float = 0.0) -> None:
        """Change the mode."""
        if self._flapping is not None:
            self._flapping.cancel()
            self._flapping = None
        if mode == "flap":
            self._flapping = asyncio.create_task(self._flap(every_s))
            return
        self._set(mode, after)

    def _set(self, mode: str, after: int = 0) -> None:
        self._mode, self._left = mode, after
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "reset":
            self._abort()
        if mode == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "refuse" and self._server is None:
            self._keep(self.listen())

    def _abort(self) -> None:
        for writer in tuple(self._writers):
            reset(writer)

    async def _flap(self, every_s: float) -> None:
        while True:
            for mode in ("reset", "pass"):
                self._set(mode)
                await asyncio.sleep(every_s)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(self._pass_on(reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "reset":
            reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            reset(writer)
            return
        ends = (writer, up_writer)
        self._writers.update(ends)
        try:
            pumps = (
                asyncio.create_task(self._pump(reader, up_writer)),
                asyncio.create_task(self._pump(up_reader, writer, back=True)),
            )
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            for end in ends:
                self._writers.discard(end)
                end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool = False
    ) -> None:
        while data := await reader.read(CHUNK):
            left = data if self._mode == "pass" else await self._limited(data, writer, back=back)
            writer.write(left)
            await writer.drain()

    async def _limited(self, data: bytes, writer: asyncio.StreamWriter, *, back: bool) -> bytes:
        """Pass on what the mode lets through; return what may be passed on now."""
        if self._mode not in {"stall", "cut"} or (not back and self._left > 0):
            return data
        if back:
            writer.write(data[: self._left])
            passed = min(self._left, len(data))
            self._left -= passed
            data = data[passed:]
        if data and self._mode == "cut":
            self._abort()
            raise ConnectionAbortedError
        while data and self._mode == "stall":
            await self._changed.wait()
        return data


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def main(targets: dict[str, int]) -> None:
    """Open the ways and follow orders."""
    ways = {name: Way(port) for name, port in targets.items()}
    for way in ways.values():
        await way.listen()

    def follow(order: Document) -> Document:
        ways[order["way"]].order(order["mode"], order.get("after", 0), order.get("every_s", 0.0))
        return {"ok": True}

    await obey({name: way.port for name, way in ways.items()}, follow)


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))

"""A gRPC server, called over a few HTTP/2 connections of its own."""

from __future__ import annotations

import asyncio
import ssl
import struct
import time
from collections.abc import Sequence
from typing import Protocol

from ensemble_loadtest.address import Address
from ensemble_loadtest.deadlines import Deadlines
from ensemble_loadtest.faults import UnreachableError
from ensemble_loadtest.flights import Flight, Watcher
from ensemble_loadtest.grpc_status import reason_of
from ensemble_loadtest.hpack import Fields, literals
from ensemble_loadtest.http2 import Connection

MESSAGE_HEAD = 5
LARGEST_MESSAGE = 64 * 2**20
CONNECT_S = 10.0
AGAIN_S = 0.25


class Codec(Protocol):
    """What a protocol over gRPC sends, and what it reads out of an answer."""

    path: str

    def requests(self) -> Sequence[bytes]:
        """Return the messages to send, in turn."""
        ...

    def read(self, flight: Flight, message: bytes) -> str | None:
        """Note what an answer holds: the reason of a failure, `` for new text, None for neither.

        Raises ValueError for what is no message.
        """
        ...

    def finished(self, flight: Flight) -> str:
        """Return why a call that ended with OK is no whole answer; empty when it is one."""
        ...


class _Call:
    """One call; reads the frames of its stream."""

    __slots__ = ("_fields", "_rest", "_target", "_wrong", "connection", "flight", "stream")

    def __init__(self, target: GrpcTarget, flight: Flight, connection: Connection) -> None:
        self._target = target
        self._rest = b""
        self._wrong = ""
        self._fields: Fields = {}
        self.connection = connection
        self.flight = flight
        self.stream = 0

    def sent(self, now_s: float) -> None:
        self.flight.sent_s = now_s

    def fields(self, fields: Fields) -> None:
        self._fields = {**self._fields, **fields} if self._fields else fields

    def data(self, payload: bytes, now_s: float) -> None:
        buffer = self._rest + payload if self._rest else payload
        at, end = 0, len(buffer)
        while end - at >= MESSAGE_HEAD:
            compressed, size = struct.unpack_from(">BI", buffer, at)
            after = at + MESSAGE_HEAD + size
            if compressed or size > LARGEST_MESSAGE:
                self._wrong = "COMPRESSED_MESSAGE" if compressed else "MESSAGE_TOO_LARGE"
                at = end
                break
            if after > end:
                break
            self._read(buffer[at + MESSAGE_HEAD : after], now_s)
            at = after
        self._rest = buffer[at:]

    def _read(self, message: bytes, now_s: float) -> None:
        try:
            found = self._target.codec.read(self.flight, message)
        except ValueError:
            found = "MALFORMED_MESSAGE"
        if found:
            self._wrong = found
        elif found is not None:
            self._target.watcher.piece(self.flight, now_s)

    def end(self, now_s: float) -> None:
        reason = reason_of(self._fields) or self._wrong or self._target.codec.finished(self.flight)
        self._target.over(self, reason, now_s)

    def broken(self, reason: str, now_s: float) -> None:
        self._target.over(self, reason, now_s)

    def expire(self, now_s: float) -> None:
        self.connection.cancel(self)
        self.connection.flush()
        self._target.over(self, "DEADLINE_EXCEEDED HARNESS_TIMEOUT", now_s)


class GrpcTarget:
    """Calls one method; every call has the same deadline, which the server is told too.

    A connection that is lost is opened again, at most four times a second; without any, requests
    fail as `UNAVAILABLE NO_CONNECTION`.
    """

    def __init__(
        self,
        address: Address,
        codec: Codec,
        watcher: Watcher,
        *,
        timeout_s: float,
        connections: int = 1,
        headers: Sequence[tuple[str, str]] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.codec = codec
        self.watcher = watcher
        self._address = address
        self._tls = tls
        self._wanted = connections
        self._deadlines = Deadlines(timeout_s)
        self._connections: list[Connection] = []
        self._turn = 0
        self._opening: asyncio.Task[None] | None = None
        self._bodies = [
            b"\0" + struct.pack(">I", len(message)) + message for message in codec.requests()
        ]
        self._block = literals(
            (
                (":method", "POST"),
                (":scheme", "https" if tls else "http"),
                (":path", codec.path),
                (":authority", address.authority),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("user-agent", "ensemble-loadtest"),
                ("grpc-timeout", f"{max(1, round(timeout_s * 1000))}m"),
                *headers,
            )
        )

    async def connect(self) -> None:
        """Open the connections; raises UnreachableError when one cannot be opened."""
        for _ in range(self._wanted):
            self._connections.append(await self._connect())
        self._deadlines.start()

    def send(self, flight: Flight) -> None:
        """Send the next request; without a connection it fails in the next turn of the loop."""
        if not self._connections:
            flight.sent_s = time.monotonic()
            asyncio.get_running_loop().call_soon(
                self.watcher.done, flight, "UNAVAILABLE NO_CONNECTION", flight.sent_s
            )
            return
        self._turn += 1
        connection = self._connections[self._turn % len(self._connections)]
        call = _Call(self, flight, connection)
        self._deadlines.add(call, time.monotonic())
        connection.open(call, self._block, self._bodies[flight.number % len(self._bodies)])

    def flush(self) -> None:
        """Write what was sent."""
        for connection in self._connections:
            connection.flush()

    def over(self, call: _Call, reason: str, now_s: float) -> None:
        """End a call."""
        self._deadlines.remove(call)
        flight = call.flight
        flight.sent_s = flight.sent_s or now_s
        self.watcher.done(flight, reason, now_s)

    async def close(self) -> None:
        """Close the connections; calls under way are cancelled."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        connections, self._connections = self._connections, []
        now_s = time.monotonic()
        for one in self._deadlines.stop():
            if isinstance(one, _Call):
                one.connection.cancel(one)
                self.over(one, "HARNESS_STOPPED", now_s)
        for connection in connections:
            connection.close()

    async def _connect(self) -> Connection:
        connection = Connection(self._lost)
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, self._address.host, self._address.port, ssl=self._tls
                )
                await connection.ready()
        except (OSError, TimeoutError, UnreachableError) as error:
            connection.close()
            words = str(error) or "no answer in time"
            raise UnreachableError(f"{self._address.authority}: {words}") from None
        return connection

    def _lost(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        if self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(self._reopen())

    async def _reopen(self) -> None:
        while len(self._connections) < self._wanted:
            try:
                self._connections.append(await self._connect())
            except UnreachableError:
                await asyncio.sleep(AGAIN_S)

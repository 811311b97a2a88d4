"""An OpenAI-compatible HTTP server."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Sequence

from ensemble_loadtest.address import Address
from ensemble_loadtest.deadlines import Deadlines
from ensemble_loadtest.faults import UnreachableError
from ensemble_loadtest.flights import Flight, Watcher
from ensemble_loadtest.http1 import Connection
from ensemble_loadtest.openai_codec import document_of, read_answer, read_event, word_of

CONNECT_S = 10.0
OK = 200
LARGEST_ANSWER = 64 * 2**20


class _Call:
    """One request; reads its answer, whole or as server-sent events."""

    __slots__ = ("_buffer", "_ended", "_status", "_target", "_wrong", "connection", "flight")

    def __init__(self, target: OpenAiTarget, flight: Flight) -> None:
        self._target = target
        self._buffer = b""
        self._status = 0
        self._wrong = ""
        self._ended = False
        self.connection: Connection | None = None
        self.flight = flight

    def head(self, status: int, fields: dict[str, str]) -> None:
        del fields
        self._status = status

    def data(self, payload: bytes, now_s: float) -> None:
        self._buffer += payload
        if len(self._buffer) > LARGEST_ANSWER:
            self._wrong, self._buffer = "MESSAGE_TOO_LARGE", b""
        if not self._target.stream or self._status != OK:
            return
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip(), now_s)

    def _event(self, data: bytes, now_s: float) -> None:
        text, ended, wrong = read_event(self.flight, data)
        self._wrong = self._wrong or wrong
        self._ended = self._ended or ended
        if text:
            self._target.watcher.piece(self.flight, now_s)

    def end(self, now_s: float) -> None:
        self._target.over(self, self._reason(), now_s)

    def _reason(self) -> str:
        if self._status != OK:
            return f"HTTP_{self._status} {word_of(document_of(self._buffer))}".strip()
        if self._wrong:
            return self._wrong
        if self._target.stream:
            return "" if self._ended else "TRUNCATED"
        return read_answer(self.flight, self._buffer)

    def broken(self, reason: str, now_s: float) -> None:
        self._target.over(self, reason, now_s)

    def expire(self, now_s: float) -> None:
        self._target.leave(self)
        self._target.over(self, "HARNESS_TIMEOUT", now_s)


class OpenAiTarget:
    """Posts to one path; a connection for each request under way, kept for the next one.

    A request waits for a connection where all are busy, and a new one is opened for it; the time
    until it is there is part of its latency, as it is for any client.
    """

    def __init__(
        self,
        address: Address,
        path: str,
        bodies: Sequence[bytes],
        watcher: Watcher,
        *,
        stream: bool,
        timeout_s: float,
        max_connections: int,
        headers: Sequence[tuple[str, str]] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.stream = stream
        self.watcher = watcher
        self._address = address
        self._tls = tls
        self._most = max_connections
        self._requests = [self._request(path, body, headers) for body in bodies]
        self._deadlines = Deadlines(timeout_s)
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._waiting: deque[_Call] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    def _request(self, path: str, body: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
        fields = [
            ("host", self._address.authority),
            ("user-agent", "ensemble-loadtest"),
            ("accept", "text/event-stream" if self.stream else "application/json"),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            *headers,
        ]
        lines = "".join(f"{name}: {text}\r\n" for name, text in fields)
        return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body

    async def connect(self) -> None:
        """Open one connection, to see that somebody is there. Raises UnreachableError."""
        self._idle.append(await self._connect())
        self._deadlines.start()

    def send(self, flight: Flight) -> None:
        """Send the next request, over a connection that may have to be opened first."""
        call = _Call(self, flight)
        self._deadlines.add(call, time.monotonic())
        if self._idle:
            self._put(call, self._idle.pop())
            return
        self._waiting.append(call)
        self._open_for_waiting()

    def flush(self) -> None:
        """Nothing waits to be written: each request is a write of its own."""

    def over(self, call: _Call, reason: str, now_s: float) -> None:
        """End a call."""
        self._deadlines.remove(call)
        call.flight.sent_s = call.flight.sent_s or now_s
        self.watcher.done(call.flight, reason, now_s)

    def leave(self, call: _Call) -> None:
        """Give up a call; the only way to tell the server is to close its connection."""
        if call.connection is not None:
            call.connection.close()
        elif call in self._waiting:
            self._waiting.remove(call)

    async def close(self) -> None:
        """Close the connections."""
        for task in tuple(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        now_s = time.monotonic()
        self._waiting.clear()
        for one in self._deadlines.stop():
            if isinstance(one, _Call):
                self.leave(one)
                self.over(one, "HARNESS_STOPPED", now_s)
        for connection in tuple(self._all):
            connection.close()

    def _put(self, call: _Call, connection: Connection) -> None:
        call.connection = connection
        call.flight.sent_s = time.monotonic()
        connection.send(call, self._requests[call.flight.number % len(self._requests)])

    def _free(self, connection: Connection) -> None:
        if self._waiting:
            self._put(self._waiting.popleft(), connection)
        else:
            self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_for_waiting()

    def _open_for_waiting(self) -> None:
        room = self._most - len(self._all) - len(self._opening)
        for _ in range(min(room, len(self._waiting) - len(self._opening))):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        """Open a connection for whoever waits longest; where that fails, it fails for them."""
        try:
            connection = await self._connect()
        except UnreachableError:
            if self._waiting:
                self.over(self._waiting.popleft(), "NO_CONNECTION", time.monotonic())
            return
        self._free(connection)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._free, self._lost),
                    self._address.host,
                    self._address.port,
                    ssl=self._tls,
                )
        except (OSError, TimeoutError) as error:
            words = str(error) or "no answer in time"
            raise UnreachableError(f"{self._address.authority}: {words}") from None
        self._all.add(connection)
        return connection

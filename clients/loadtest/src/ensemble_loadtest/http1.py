"""One HTTP/1.1 connection of a client, with one request at a time on it (RFC 9112)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol, cast

HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"
LONGEST_HEAD = 64 * 1024
EMPTY = frozenset({204, 304})


class Exchange(Protocol):
    """What becomes of one request; told while the connection reads, so it must not wait."""

    def head(self, status: int, fields: dict[str, str]) -> None:
        """Read the status and the header fields, whose names are in lower case."""
        ...

    def data(self, payload: bytes, now_s: float) -> None:
        """Read a piece of the body."""
        ...

    def end(self, now_s: float) -> None:
        """The whole answer has come."""
        ...

    def broken(self, reason: str, now_s: float) -> None:
        """The connection ended before the answer did."""
        ...


class _Body(Enum):
    NONE = 0
    """The head has not come yet."""
    SIZED = 1
    CHUNKED = 2
    TO_THE_END = 3


class _BrokenError(Exception):
    """What came is no HTTP."""


class Connection(asyncio.Protocol):
    """Sends one request after the other; `free` is called when the next one may be sent.

    `gone` is called once, when none may any more.
    """

    def __init__(
        self, free: Callable[[Connection], None], gone: Callable[[Connection], None]
    ) -> None:
        self._free = free
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._buffer = b""
        self._body = _Body.NONE
        self._left = 0
        self._keep = True

    def send(self, exchange: Exchange, request: bytes) -> None:
        """Write a request; the connection is busy until `free` or `gone` is called."""
        self._exchange = exchange
        if self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        """Close the connection; the exchange on it is told nothing more."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was under way, well if the end of the connection is that of its body."""
        del exc
        exchange, self._exchange = self._exchange, None
        now_s = time.monotonic()
        self._gone(self)
        if exchange is None:
            return
        if self._body is _Body.TO_THE_END:
            exchange.end(now_s)
        else:
            exchange.broken("CONNECTION_LOST", now_s)

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        now_s = time.monotonic()
        self._buffer = self._buffer + data if self._buffer else data
        try:
            while self._exchange is not None and self._step(self._exchange, now_s):
                pass
        except (_BrokenError, ValueError):
            exchange = self._exchange
            self.close()
            if exchange is not None:
                exchange.broken("PROTOCOL_ERROR", now_s)

    def _step(self, exchange: Exchange, now_s: float) -> bool:
        """Read one part; False when more must come first."""
        if self._body is _Body.NONE:
            return self._read_head(exchange)
        if self._body is _Body.CHUNKED:
            return self._read_chunk(exchange, now_s)
        piece = self._buffer if self._body is _Body.TO_THE_END else self._buffer[: self._left]
        self._buffer = self._buffer[len(piece) :]
        if piece:
            exchange.data(piece, now_s)
        if self._body is _Body.SIZED:
            self._left -= len(piece)
            if not self._left:
                self._finish(exchange, now_s)
        return False

    def _read_head(self, exchange: Exchange) -> bool:
        head, end, rest = self._buffer.partition(HEAD_END)
        if not end:
            if len(head) > LONGEST_HEAD:
                raise _BrokenError
            return False
        self._buffer = rest
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = first.split(" ")
        if status.startswith("1"):
            return True
        fields = {
            name.strip().lower(): text.strip()
            for name, _, text in (line.partition(":") for line in lines)
        }
        closes = "close" in fields.get("connection", "").lower()
        self._keep = version == "HTTP/1.1" and not closes
        self._left = 0
        if "chunked" in fields.get("transfer-encoding", "").lower():
            self._body = _Body.CHUNKED
        elif "content-length" in fields or int(status) in EMPTY:
            self._body = _Body.SIZED
            self._left = int(fields.get("content-length", "0"))
        else:
            self._body = _Body.TO_THE_END
        exchange.head(int(status), fields)
        return True

    def _read_chunk(self, exchange: Exchange, now_s: float) -> bool:
        line, end, rest = self._buffer.partition(LINE_END)
        if not end:
            return False
        size = int(line.partition(b";")[0], 16)
        if not size:
            return self._read_trailers(exchange, rest, now_s)
        if len(rest) < size + len(LINE_END):
            return False
        self._buffer = rest[size + len(LINE_END) :]
        exchange.data(rest[:size], now_s)
        return True

    def _read_trailers(self, exchange: Exchange, rest: bytes, now_s: float) -> bool:
        if rest.startswith(LINE_END):
            self._buffer = rest[len(LINE_END) :]
        elif HEAD_END in rest:
            self._buffer = rest.partition(HEAD_END)[2]
        else:
            return False
        self._finish(exchange, now_s)
        return False

    def _finish(self, exchange: Exchange, now_s: float) -> None:
        self._exchange = None
        self._body = _Body.NONE
        exchange.end(now_s)
        if self._keep:
            self._free(self)
        else:
            self.close()

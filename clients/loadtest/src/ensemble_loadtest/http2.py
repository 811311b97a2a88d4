"""One HTTP/2 connection of a client that only ever sends whole requests (RFC 9113).

It is made for sending fast: no task and no timer for a request, its header block is a constant, and
all that is sent in one turn of the loop goes to the socket in one write. Receive windows are as
large as they can be, because the harness reads everything at once.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from ensemble_loadtest.faults import UnreachableError
from ensemble_loadtest.frames import (
    ACK,
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FIRST_WINDOW,
    GOAWAY,
    GREETING,
    HEAD_BYTES,
    HEADERS,
    LARGEST_WINDOW,
    LAST_STREAM,
    LONGEST_FRAME,
    MAX_FRAME,
    MAX_STREAMS,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    error_name,
    head,
    unpadded,
)
from ensemble_loadtest.hpack import Fields, read_fields

KEPT_BLOCKS = 1024
LONGEST_BLOCK = 2**20

_clock = time.monotonic


class Exchange(Protocol):
    """What becomes of one stream; told while the connection reads, so it must not wait."""

    stream: int
    """Number of its stream; 0 before it has one. Set by the connection."""

    def sent(self, now_s: float) -> None:
        """Its first bytes go to the socket."""
        ...

    def fields(self, fields: Fields) -> None:
        """Read a block of header or trailer fields."""
        ...

    def data(self, payload: bytes, now_s: float) -> None:
        """Read a piece of the body."""
        ...

    def end(self, now_s: float) -> None:
        """It ended well, as far as HTTP/2 goes."""
        ...

    def broken(self, reason: str, now_s: float) -> None:
        """It was reset, or the connection is gone."""
        ...


@dataclass(slots=True)
class _Waiting:
    """A request that the peer's limits hold back: from `at` its body has not been sent."""

    exchange: Exchange
    block: bytes
    body: bytes
    at: int = 0


class Connection(asyncio.Protocol):
    """Sends requests and tells their exchanges what comes back.

    `lost` is called once, when no new request can be sent here any more.
    """

    def __init__(self, lost: Callable[[Connection], None]) -> None:
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._out: list[bytes] = []
        self._rest = b""
        self._block = b""
        self._block_flags = 0
        self._open: dict[int, Exchange] = {}
        self._windows: dict[int, int] = {}
        self._waiting: deque[_Waiting] = deque()
        self._next = 1
        self._window = FIRST_WINDOW
        self._stream_window = FIRST_WINDOW
        self._frame = LONGEST_FRAME
        self._most = 100
        self._read = 0
        self._blocks: dict[bytes, Fields] = {}
        self.usable = True

    async def ready(self) -> None:
        """Wait for the peer's word that it follows our settings. Raises UnreachableError."""
        await self._ready

    def open(self, exchange: Exchange, block: bytes, body: bytes) -> None:
        """Send a request, or keep it until the peer's limits allow it."""
        size = len(body)
        if (
            self._waiting
            or size > self._frame
            or size > self._window
            or size > self._stream_window
            or len(self._open) >= self._most
        ):
            self._waiting.append(_Waiting(exchange, block, body))
            self._send_waiting()
            return
        stream = self._begin(exchange, size)
        self._out += (
            head(len(block) << 8 | HEADERS, END_HEADERS, stream),
            block,
            head(size << 8 | DATA, END_STREAM, stream),
            body,
        )

    def cancel(self, exchange: Exchange) -> None:
        """Forget a request; its exchange is told nothing more."""
        if self._open.get(exchange.stream) is exchange:
            self._reset(exchange.stream)
            self._close(exchange.stream)
        if self._waiting:
            self._waiting = deque(one for one in self._waiting if one.exchange is not exchange)
            self._send_waiting()

    def flush(self) -> None:
        """Write what was sent since the last time."""
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def close(self) -> None:
        """Close the connection."""
        self.usable = False
        if self._transport is not None:
            self.flush()
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(GREETING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody."""
        del exc
        self._gone("CONNECTION_LOST")

    def data_received(self, data: bytes) -> None:
        """Read all whole frames."""
        now_s = _clock()
        buffer = self._rest + data if self._rest else data
        at, end = 0, len(buffer)
        try:
            while end - at >= HEAD_BYTES:
                size = int.from_bytes(buffer[at : at + 3])
                if size > LONGEST_FRAME:
                    self._gone("PROTOCOL_ERROR: a frame longer than allowed")
                    return
                after = at + HEAD_BYTES + size
                if after > end:
                    break
                stream = int.from_bytes(buffer[at + 5 : at + HEAD_BYTES]) & LARGEST_WINDOW
                payload = buffer[at + HEAD_BYTES : after]
                self._read_frame(buffer[at + 3], buffer[at + 4], stream, payload, now_s)
                at = after
        except (UnreachableError, struct.error, IndexError) as error:
            self._gone(f"PROTOCOL_ERROR: {error}")
            return
        self._rest = buffer[at:]
        self.flush()

    def _read_frame(self, kind: int, flags: int, stream: int, payload: bytes, now_s: float) -> None:
        exchange = self._open.get(stream)
        if kind == DATA:
            self._read += len(payload)
            if self._read > LARGEST_WINDOW // 2:
                self._out.append(head(4 << 8 | WINDOW_UPDATE, 0, 0) + struct.pack(">I", self._read))
                self._read = 0
            if exchange is not None:
                exchange.data(unpadded(flags, payload) if flags & PADDED else payload, now_s)
        elif kind == HEADERS:
            payload = unpadded(flags, payload) if flags & PADDED else payload
            self._block = payload[5:] if flags & PRIORITY else payload
            self._block_flags = flags
            flags = self._whole_block(flags, exchange)
        elif kind == CONTINUATION:
            self._block += payload
            flags = self._whole_block(flags, exchange)
        else:
            self._control(kind, flags, stream, payload, now_s)
            return
        if flags & END_STREAM and exchange is not None:
            self._close(stream)
            exchange.end(now_s)
            if self._waiting:
                self._send_waiting()

    def _whole_block(self, flags: int, exchange: Exchange | None) -> int:
        """Read the block once it is whole; return the flags that count then, else none."""
        if not flags & END_HEADERS:
            if len(self._block) > LONGEST_BLOCK:
                raise UnreachableError("a header block of more than 1 MiB")
            return 0
        fields = self._blocks.get(self._block)
        if fields is None:
            if len(self._blocks) >= KEPT_BLOCKS:
                self._blocks.clear()
            fields = self._blocks[self._block] = read_fields(self._block)
        if exchange is not None:
            exchange.fields(fields)
        return self._block_flags

    def _control(self, kind: int, flags: int, stream: int, payload: bytes, now_s: float) -> None:
        if kind == WINDOW_UPDATE:
            self._credit(stream, struct.unpack(">I", payload)[0])
        elif kind == SETTINGS:
            self._settings(flags, payload)
        elif kind == PING and not flags & ACK:
            self._out.append(head(8 << 8 | PING, ACK, 0) + payload)
        elif kind == RST_STREAM:
            exchange = self._open.get(stream)
            self._close(stream)
            if exchange is not None:
                exchange.broken(f"RST_STREAM {error_name(payload)}", now_s)
            self._send_waiting()
        elif kind == GOAWAY:
            self._go_away(payload, now_s)

    def _settings(self, flags: int, payload: bytes) -> None:
        if flags & ACK:
            if not self._ready.done():
                self._ready.set_result(None)
            return
        if self._next == 1:
            self._most = LARGEST_WINDOW
        for name, number in struct.iter_unpack(">HI", payload):
            if name == MAX_STREAMS:
                self._most = number
            elif name == MAX_FRAME:
                self._frame = number
            elif name == WINDOW:
                for open_stream in self._windows:
                    self._windows[open_stream] += number - self._stream_window
                self._stream_window = number
        self._out.append(head(SETTINGS, ACK, 0))
        self._send_waiting()

    def _credit(self, stream: int, number: int) -> None:
        if not stream:
            self._window += number
        elif stream in self._windows:
            self._windows[stream] += number
        if self._waiting:
            self._send_waiting()

    def _go_away(self, payload: bytes, now_s: float) -> None:
        """Send nothing new; what the peer has not begun, it never will."""
        last = int.from_bytes(payload[:4]) & LARGEST_WINDOW
        refused = [stream for stream in self._open if stream > last]
        exchanges = [self._open[stream] for stream in refused]
        exchanges += [one.exchange for one in self._waiting if not one.exchange.stream]
        for stream in refused:
            self._close(stream)
        begun = (one for one in self._waiting if one.exchange.stream in self._open)
        self._waiting = deque(begun)
        self._leave()
        reason = f"GOAWAY {error_name(payload[4:8])}"
        for exchange in exchanges:
            exchange.broken(reason, now_s)

    def _begin(self, exchange: Exchange, size: int) -> int:
        stream = self._next
        self._next += 2
        self._window -= size
        self._open[stream] = exchange
        exchange.stream = stream
        exchange.sent(_clock())
        if self._next > LAST_STREAM:
            self._leave()
        return stream

    def _send_waiting(self) -> None:
        """Send what the limits allow, in order."""
        while self._waiting:
            one = self._waiting[0]
            if not one.exchange.stream:
                if len(self._open) >= self._most:
                    return
                stream = self._begin(one.exchange, 0)
                self._windows[stream] = self._stream_window
                self._out += (head(len(one.block) << 8 | HEADERS, END_HEADERS, stream), one.block)
            if not self._send_body(one):
                return
            self._waiting.popleft()
            self._windows.pop(one.exchange.stream, None)

    def _send_body(self, one: _Waiting) -> bool:
        """Send as much of a body as may be; True when all of it is sent."""
        stream = one.exchange.stream
        if stream not in self._open:
            return True
        while True:
            left = len(one.body) - one.at
            size = min(left, self._frame, self._window, self._windows[stream])
            if size <= 0 < left:
                return False
            self._window -= size
            self._windows[stream] -= size
            flags = END_STREAM if size == left else 0
            piece = one.body[one.at : one.at + size]
            self._out += (head(size << 8 | DATA, flags, stream), piece)
            one.at += size
            if flags:
                return True

    def _reset(self, stream: int) -> None:
        self._out.append(head(4 << 8 | RST_STREAM, 0, stream) + struct.pack(">I", CANCEL))

    def _close(self, stream: int) -> None:
        self._open.pop(stream, None)
        self._windows.pop(stream, None)

    def _leave(self) -> None:
        if self.usable:
            self.usable = False
            self._lost(self)

    def _gone(self, reason: str) -> None:
        """End everything that was under way."""
        now_s = _clock()
        if not self._ready.done():
            self._ready.set_exception(UnreachableError(f"no HTTP/2 there ({reason})"))
        self._leave()
        if self._transport is not None:
            self._transport.abort()
        streams = list(self._open.values())
        # One that waits for the rest of its body is open too.
        waiting = [one.exchange for one in self._waiting if not one.exchange.stream]
        self._open.clear()
        self._windows.clear()
        self._waiting.clear()
        for exchange in (*streams, *waiting):
            exchange.broken(reason, now_s)

"""`python -m tests.fakes.echo_http2`: a bare gRPC server, as quick as plain Python makes it.

Answers every unary call with the same message, after a wait out of a seeded log-normal
distribution when `--median-ms` asks for one. It knows as much of HTTP/2 as its callers need, and
writes header blocks without state, so that any client may call it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import struct
import sys
from typing import cast

import uvloop
from ensemble.v1.gateway_service_pb2 import GenerateResponse
from ensemble.v1.result_pb2 import Usage
from ensemble_loadtest.frames import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEAD_BYTES,
    HEADERS,
    LARGEST_WINDOW,
    PING,
    PREFACE,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    head,
)
from ensemble_loadtest.hpack import literals

OPENING = literals([(":status", "200"), ("content-type", "application/grpc")])
TRAILERS = literals([("grpc-status", "0")])
ANSWER = GenerateResponse(
    text="return a + b",
    endpoint="echo",
    usage=Usage(prompt_tokens=100, completion_tokens=10),
    cost_micros=7,
).SerializeToString()
MESSAGE = b"\0" + struct.pack(">I", len(ANSWER)) + ANSWER
SPREAD = 0.4


class Echo(asyncio.Protocol):
    """One connection."""

    def __init__(self, median_s: float, even: random.Random) -> None:
        self._median_s = median_s
        self._even = even
        self._rest = b""
        self._greeted = False
        self._read = 0
        self._out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        window = struct.pack(">HI", WINDOW, LARGEST_WINDOW)
        self._out += [head(len(window) << 8 | SETTINGS, 0, 0), window]
        self._out += [head(4 << 8 | WINDOW_UPDATE, 0, 0), struct.pack(">I", LARGEST_WINDOW - 65535)]
        self._flush()

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data
        at = 0
        if not self._greeted:
            if len(buffer) < len(PREFACE):
                self._rest = buffer
                return
            self._greeted, at = True, len(PREFACE)
        while len(buffer) - at >= HEAD_BYTES:
            after = at + HEAD_BYTES + int.from_bytes(buffer[at : at + 3])
            if after > len(buffer):
                break
            self._frame(buffer[at : at + HEAD_BYTES], buffer[at + HEAD_BYTES : after])
            at = after
        self._rest = buffer[at:]
        self._flush()

    def _frame(self, start: bytes, payload: bytes) -> None:
        kind, flags, stream = start[3], start[4], int.from_bytes(start[5:])
        if kind == DATA:
            self._read += len(payload)
            if self._read > LARGEST_WINDOW // 2:
                self._out += [head(4 << 8 | WINDOW_UPDATE, 0, 0), struct.pack(">I", self._read)]
                self._read = 0
            if flags & END_STREAM:
                self._answer_later(stream)
        elif kind == SETTINGS and not flags & ACK:
            self._out.append(head(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._out += [head(len(payload) << 8 | PING, ACK, 0), payload]

    def _answer_later(self, stream: int) -> None:
        if not self._median_s:
            self._answer(stream)
            return
        wait_s = self._median_s * self._even.lognormvariate(0.0, SPREAD)
        asyncio.get_running_loop().call_later(wait_s, self._answer_now, stream)

    def _answer_now(self, stream: int) -> None:
        self._answer(stream)
        self._flush()

    def _answer(self, stream: int) -> None:
        self._out += (
            head(len(OPENING) << 8 | HEADERS, END_HEADERS, stream),
            OPENING,
            head(len(MESSAGE) << 8 | DATA, 0, stream),
            MESSAGE,
            head(len(TRAILERS) << 8 | HEADERS, END_HEADERS | END_STREAM, stream),
            TRAILERS,
        )

    def _flush(self) -> None:
        if self._out and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()


async def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--median-ms", type=float, default=0.0)
    median_s = parser.parse_args().median_ms / 1000
    even = random.Random(7)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Echo(median_s, even), "127.0.0.1", 0)
    sys.stdout.write(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

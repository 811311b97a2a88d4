"""One gRPC call written by hand, byte by byte, for what no gRPC client would send."""

from __future__ import annotations

import asyncio
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING = 0, 1, 3, 4, 6
ACK, END_STREAM, END_HEADERS = 1, 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(*pairs: tuple[str, str]) -> bytes:
    """Literal header fields, not indexed and not Huffman-coded (RFC 7541, 6.2.2)."""
    return b"".join(
        b"\0" + b"".join(bytes((len(text),)) + text.encode("ascii") for text in pair)
        for pair in pairs
    )


async def call_by_hand(port: int, path: str, message: bytes, *headers: tuple[str, str]) -> bytes:
    """Make a unary call; return the server's trailers as they come.

    Empty when the server reset the stream or closed the connection instead.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        block = header_block(
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", f"127.0.0.1:{port}"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            *headers,
        )
        body = b"\0" + struct.pack(">I", len(message)) + message
        # No table: what the server answers then holds its header fields as they are.
        settings = struct.pack(">HI", 1, 0)
        writer.write(
            PREFACE
            + frame(SETTINGS, 0, 0, settings)
            + frame(HEADERS, END_HEADERS, 1, block)
            + frame(DATA, END_STREAM, 1, body)
        )
        async with asyncio.timeout(10):
            return await _trailers(reader, writer)
    finally:
        writer.close()


async def _trailers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        try:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        kind, flags = head[3], head[4]
        if kind == SETTINGS and not flags & ACK:
            writer.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            writer.write(frame(PING, ACK, 0, payload))
        elif kind == RST_STREAM:
            return b""
        elif kind == HEADERS and flags & END_STREAM:
            return payload

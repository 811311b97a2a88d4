"""One gRPC call written by hand, byte by byte, for what no gRPC client would send."""

from __future__ import annotations

import asyncio
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
ACK, END_STREAM, END_HEADERS = 1, 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(*pairs: tuple[str, str]) -> bytes:
    """Literal header fields, not indexed and not Huffman-coded (RFC 7541, 6.2.2)."""
    block = b""
    for name, value in pairs:
        for text in ("\0" + name, value) if not block else ("\0" + name, value):
            raw = text.encode("latin-1")
            marker, raw = (raw[:1], raw[1:]) if raw.startswith(b"\0") else (b"", raw)
            assert len(raw) < 127
            block += marker + bytes((len(raw),)) + raw
    return block


async def call_by_hand(port: int, path: str, message: bytes, *headers: tuple[str, str]) -> bytes:
    """Make a unary call; return all bytes of the server's last HEADERS frame, as they come.

    Empty when the server closed the connection instead.
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
            return await _last_headers(reader, writer)
    finally:
        writer.close()


async def _last_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
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
        elif kind == HEADERS and flags & END_STREAM:
            return payload

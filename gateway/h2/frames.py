"""Frames as bytes (RFC 9113 §4 and §6): their layout, and how each is written.

Reading them is the connection's, whose state says what may come.
"""

from __future__ import annotations

from struct import Struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0x0, 0x1, 0x2, 0x3, 0x4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0x5, 0x6, 0x7, 0x8, 0x9

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
MAX_ID = 2**31 - 1
MAX_WINDOW = 2**31 - 1
LEAST_FRAME, MOST_FRAME = 2**14, 2**24 - 1
PRIORITY_BYTES, PING_BYTES, CODE_BYTES, GOAWAY_BYTES = 5, 8, 4, 8

# Length (16 bits high, 8 low), type, flags, stream.
HEAD = Struct(">HBBBL")
WORD = Struct(">L")
_SETTING = Struct(">HL")
GOAWAY_HEAD = Struct(">LL")


def head(length: int, kind: int, flags: int, stream_id: int) -> bytes:
    """Write the 9 bytes before a payload."""
    return HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream_id)


def data(stream_id: int, payload: bytes, *, end: bool) -> bytes:
    """Write a DATA frame without padding."""
    length = len(payload)
    return (
        HEAD.pack(length >> 8, length & 0xFF, DATA, END_STREAM if end else 0, stream_id) + payload
    )


def headers(stream_id: int, block: bytes, most: int, *, end: bool) -> bytes:
    """Write a header block as HEADERS and as many CONTINUATION frames as it needs.

    `most`: longest payload that the peer takes.
    """
    flags = END_STREAM if end else 0
    if len(block) <= most:
        return head(len(block), HEADERS, flags | END_HEADERS, stream_id) + block
    parts = [block[at : at + most] for at in range(0, len(block), most)]
    last = len(parts) - 1
    return b"".join(
        head(
            len(part),
            CONTINUATION if place else HEADERS,
            (0 if place else flags) | (END_HEADERS if place == last else 0),
            stream_id,
        )
        + part
        for place, part in enumerate(parts)
    )


def rst_stream(stream_id: int, code: int) -> bytes:
    """Write a RST_STREAM."""
    return head(CODE_BYTES, RST_STREAM, 0, stream_id) + WORD.pack(code)


def settings(pairs: tuple[tuple[int, int], ...]) -> bytes:
    """Write a SETTINGS frame."""
    payload = b"".join(_SETTING.pack(name, value) for name, value in pairs)
    return head(len(payload), SETTINGS, 0, 0) + payload


SETTINGS_ACK = head(0, SETTINGS, ACK, 0)


def ping(payload: bytes, *, ack: bool) -> bytes:
    """Write a PING of 8 bytes."""
    return head(PING_BYTES, PING, ACK if ack else 0, 0) + payload


def goaway(last_id: int, code: int, text: bytes) -> bytes:
    """Write a GOAWAY."""
    return head(GOAWAY_BYTES + len(text), GOAWAY, 0, 0) + GOAWAY_HEAD.pack(last_id, code) + text


def window_update(stream_id: int, credit: int) -> bytes:
    """Write a WINDOW_UPDATE of `credit` bytes; stream 0 is the connection."""
    return head(CODE_BYTES, WINDOW_UPDATE, 0, stream_id) + WORD.pack(credit)

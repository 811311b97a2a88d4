"""Frames as a peer writes them, right or wrong, without the code that is tested."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import NamedTuple

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)
END, ACK, END_HEADERS, PADDED, PRIO = 0x1, 0x1, 0x4, 0x8, 0x20

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

Fields = Iterable[tuple[bytes, bytes]]
REQUEST = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/a.B/C"),
    (b":authority", b"localhost"),
)
RESPONSE = ((b":status", b"200"),)
TRAILERS = ((b"grpc-status", b"0"),)


class Frame(NamedTuple):
    """A frame that was read."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Write any frame, whatever its rules say."""
    return pack(">L", len(payload))[1:] + bytes((kind, flags)) + pack(">L", stream) + payload


def frames(data: bytes) -> list[Frame]:
    """Read whole frames."""
    found: list[Frame] = []
    at = len(PREFACE) if data.startswith(PREFACE) else 0
    while at < len(data):
        end = at + 9 + int.from_bytes(data[at : at + 3], "big")
        stream = int.from_bytes(data[at + 5 : at + 9], "big")
        found.append(Frame(data[at + 3], data[at + 4], stream, data[at + 9 : end]))
        at = end
    assert at == len(data), "a frame is not whole"
    return found


def text(value: bytes) -> bytes:
    """Write a string of HPACK as it is."""
    size = len(value)
    if size < 127:
        return bytes((size,)) + value
    return b"\x7f" + number(size - 127) + value


def number(rest: int) -> bytes:
    """Write what of a number of HPACK does not fit its prefix."""
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes((*out, rest))


def block(fields: Fields) -> bytes:
    """Write a header block of literals that nobody indexes."""
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields)


def headers(stream: int, fields: Fields = REQUEST, *, end: bool = False, flags: int = 0) -> bytes:
    """Write a header block as one frame."""
    flags |= END_HEADERS | (END if end else 0)
    return frame(HEADERS, flags, stream, block(fields))


def data(stream: int, payload: bytes = b"data", *, end: bool = False) -> bytes:
    """Write a DATA frame."""
    return frame(DATA, END if end else 0, stream, payload)


def settings(*pairs: tuple[int, int], flags: int = 0, stream: int = 0) -> bytes:
    """Write a SETTINGS frame."""
    return frame(SETTINGS, flags, stream, b"".join(pack(">HL", *pair) for pair in pairs))


def reset(stream: int, code: int = 8) -> bytes:
    """Write a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, pack(">L", code))


def window(stream: int, credit: int) -> bytes:
    """Write a WINDOW_UPDATE frame."""
    return frame(WINDOW_UPDATE, 0, stream, pack(">L", credit))


def goaway(last: int, code: int = 0, debug: bytes = b"") -> bytes:
    """Write a GOAWAY frame."""
    return frame(GOAWAY, 0, 0, pack(">LL", last, code) + debug)


def ping(payload: bytes = b"12345678", flags: int = 0) -> bytes:
    """Write a PING frame."""
    return frame(PING, flags, 0, payload)


SETTINGS_ACK = frame(SETTINGS, ACK)

"""What the frames of HTTP/2 are made of (RFC 9113)."""

from __future__ import annotations

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
ACK, END_STREAM, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 0x20
TABLE_SIZE, PUSH, MAX_STREAMS, WINDOW, MAX_FRAME = 1, 2, 3, 4, 5
CANCEL = 8
LARGEST_WINDOW = 2**31 - 1
FIRST_WINDOW = 65_535
HEAD_BYTES = 9
LONGEST_FRAME = 16_384
"""Longest payload, unless the other end allows more; the harness does not."""
LAST_STREAM = 2**31 - 3
RESET = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
    "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip

head = struct.Struct(">IBI").pack
"""Packs the head of a frame: its length and, in the lowest byte, its kind; flags; stream."""

GREETING = (
    PREFACE
    + struct.pack(
        ">IBIHIHIHI", 18 << 8 | SETTINGS, 0, 0, TABLE_SIZE, 0, PUSH, 0, WINDOW, LARGEST_WINDOW
    )
    + struct.pack(">IBII", 4 << 8 | WINDOW_UPDATE, 0, 0, LARGEST_WINDOW - FIRST_WINDOW)
)


def unpadded(flags: int, payload: bytes) -> bytes:
    """Return a payload without its padding."""
    if not flags & PADDED:
        return payload
    return payload[1 : len(payload) - payload[0]]


def error_name(code: bytes) -> str:
    """Return the name of an error's code."""
    number = int.from_bytes(code)
    return RESET[number] if number < len(RESET) else str(number)

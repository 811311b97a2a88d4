"""RFC 9113, section 6: what each type of frame may hold and where it may stand."""

from __future__ import annotations

from gateway.h2.codes import ErrorCode
from gateway.h2.settings import DEFAULT_WINDOW
from tests.unit.h2 import wire
from tests.unit.h2.cases import NOTHING, Case, Ends, Resets, at_client, tells
from tests.unit.h2.ends import (
    ANSWERED,
    CLOSED,
    HALF_LOCAL,
    HALF_REMOTE,
    IDLE,
    OPEN,
    RESET_BY_PEER,
    RESET_BY_US,
)

PROTOCOL, SIZE = Ends(ErrorCode.PROTOCOL_ERROR), Ends(ErrorCode.FRAME_SIZE_ERROR)
FLOW = Ends(ErrorCode.FLOW_CONTROL_ERROR)
DATA, HEADERS, CHANGED = tells("DataReceived"), tells("HeadersReceived"), tells("SettingsChanged")
PAD, EH = wire.PADDED, wire.END_HEADERS
BLOCK = wire.block(wire.REQUEST)
CONT = wire.CONTINUATION
FRAME_BYTES = 2**14
WINDOW = 256 * 1024
ON_STREAM = OPEN


def _data(payload: bytes, flags: int = PAD, stream: int = OPEN) -> bytes:
    return wire.frame(wire.DATA, flags, stream, payload)


def _headers(payload: bytes, flags: int) -> bytes:
    return wire.frame(wire.HEADERS, flags, IDLE, payload)


DATA_CASES = (
    Case("6.1", "DATA on stream 0", _data(b"x", 0, 0), PROTOCOL),
    Case("6.1", "padding", _data(b"\3data\0\0\0"), DATA),
    Case("6.1", "padding of no bytes", _data(b"\0data"), DATA),
    Case("6.1", "padding alone", _data(b"\3\0\0\0"), DATA),
    Case("6.1", "padding as long as the payload", _data(b"\4\0\0\0"), PROTOCOL),
    Case("6.1", "padding longer than the payload", _data(b"\xff\0\0\0"), PROTOCOL),
    Case("6.1", "padded without its length", _data(b""), SIZE),
    Case("6.1", "padding of a stream that was reset", _data(b"\xff", PAD, RESET_BY_US), PROTOCOL),
    Case("6.1", "an empty DATA that ends", _data(b"", wire.END), DATA),
    Case(
        "6.1",
        "after END_STREAM",
        wire.data(HALF_REMOTE),
        Resets(HALF_REMOTE, ErrorCode.STREAM_CLOSED),
    ),
    at_client(
        "6.1",
        "before the headers of the response",
        wire.data(OPEN),
        Resets(OPEN, ErrorCode.PROTOCOL_ERROR),
    ),
)

HEADERS_CASES = (
    Case("6.2", "padded", _headers(b"\3" + BLOCK + bytes(3), PAD | EH), HEADERS),
    Case(
        "6.2",
        "padded with a priority",
        _headers(b"\2" + bytes(5) + BLOCK + bytes(2), 0x2C),
        HEADERS,
    ),
    Case("6.2", "padding as long as the payload", _headers(b"\1", PAD | EH), PROTOCOL),
    Case("6.2", "padding longer than the payload", _headers(b"\xff" + BLOCK, PAD | EH), PROTOCOL),
    Case("6.2", "padded without its length", _headers(b"", PAD | EH), SIZE),
    Case("6.2", "too short for a priority", _headers(bytes(4), wire.PRIO | EH), SIZE),
    Case("6.2", "padding that eats the priority", _headers(b"\4" + bytes(8), 0x2C), SIZE),
    Case("6.2", "followed by no CONTINUATION", _headers(BLOCK, 0) + wire.ping(), PROTOCOL),
    Case("6.2", "followed by HEADERS", _headers(BLOCK, 0) + _headers(BLOCK, EH), PROTOCOL),
    Case("6.2", "followed by DATA of it", _headers(BLOCK, 0) + wire.data(IDLE), PROTOCOL),
    Case(
        "6.2",
        "END_STREAM holds for its CONTINUATION too",
        _headers(BLOCK, wire.END) + wire.frame(CONT, EH, IDLE) + wire.data(IDLE),
        Resets(IDLE, ErrorCode.STREAM_CLOSED),
    ),
)

PRIORITY_CASES = (
    Case("6.3", "on stream 0", wire.frame(wire.PRIORITY, 0, 0, bytes(5)), PROTOCOL),
    Case("6.3", "on an idle stream", wire.frame(wire.PRIORITY, 0, 99, bytes(5)), NOTHING),
    Case(
        "6.3",
        "of 4 bytes",
        wire.frame(wire.PRIORITY, 0, OPEN, bytes(4)),
        Resets(OPEN, ErrorCode.FRAME_SIZE_ERROR),
    ),
    Case(
        "6.3",
        "of 6 bytes, on a closed stream",
        wire.frame(wire.PRIORITY, 0, CLOSED, bytes(6)),
        Resets(CLOSED, ErrorCode.FRAME_SIZE_ERROR),
    ),
    Case("6.3", "of 6 bytes, on an idle stream", wire.frame(2, 0, IDLE, bytes(6)), SIZE),
    Case(
        "6.3",
        "within a header block",
        _headers(BLOCK, 0) + wire.frame(2, 0, IDLE, bytes(5)),
        PROTOCOL,
    ),
)

RST_CASES = (
    Case("6.4", "on stream 0", wire.reset(0), PROTOCOL),
    Case("6.4", "on an idle stream", wire.reset(IDLE), PROTOCOL),
    Case("6.4", "of 3 bytes", wire.frame(wire.RST_STREAM, 0, OPEN, bytes(3)), SIZE),
    Case("6.4", "of 5 bytes", wire.frame(wire.RST_STREAM, 0, OPEN, bytes(5)), SIZE),
    Case("6.4", "of 5 bytes, on a closed stream", wire.frame(3, 0, CLOSED, bytes(5)), SIZE),
    Case("6.4", "twice", wire.reset(OPEN) + wire.reset(OPEN), tells("StreamReset")),
    at_client("6.4", "of a response that goes on", wire.reset(ANSWERED, 0), tells("StreamReset")),
    at_client("6.4", "on an idle stream", wire.reset(IDLE), PROTOCOL),
)

SETTINGS_CASES = (
    Case("6.5", "empty", wire.settings(), CHANGED),
    Case("6.5", "on a stream", wire.settings(stream=OPEN), PROTOCOL),
    Case("6.5", "acknowledged with a payload", wire.settings((1, 1), flags=wire.ACK), SIZE),
    Case("6.5", "acknowledged on a stream", wire.frame(wire.SETTINGS, wire.ACK, OPEN), PROTOCOL),
    Case("6.5", "of 5 bytes", wire.frame(wire.SETTINGS, 0, 0, bytes(5)), SIZE),
    Case("6.5", "of 7 bytes", wire.frame(wire.SETTINGS, 0, 0, bytes(7)), SIZE),
    Case("6.5", "acknowledged once more", wire.SETTINGS_ACK, NOTHING),
    Case("6.5.2", "ENABLE_PUSH 0", wire.settings((2, 0)), CHANGED),
    Case("6.5.2", "ENABLE_PUSH 1 of a client", wire.settings((2, 1)), CHANGED),
    Case("6.5.2", "ENABLE_PUSH 2", wire.settings((2, 2)), PROTOCOL),
    at_client("6.5.2", "ENABLE_PUSH 0 of a server", wire.settings((2, 0)), CHANGED),
    at_client("6.5.2", "ENABLE_PUSH 1 of a server", wire.settings((2, 1)), PROTOCOL),
    Case("6.5.2", "HEADER_TABLE_SIZE of any size", wire.settings((1, 2**32 - 1)), CHANGED),
    Case("6.5.2", "MAX_CONCURRENT_STREAMS 0", wire.settings((3, 0)), CHANGED),
    Case("6.5.2", "the largest window", wire.settings((4, 2**31 - 1)), CHANGED),
    Case("6.5.2", "too large a window", wire.settings((4, 2**31)), FLOW),
    Case("6.5.2", "the shortest frame", wire.settings((5, 2**14)), CHANGED),
    Case("6.5.2", "the longest frame", wire.settings((5, 2**24 - 1)), CHANGED),
    Case("6.5.2", "too short a frame", wire.settings((5, 2**14 - 1)), PROTOCOL),
    Case("6.5.2", "too long a frame", wire.settings((5, 2**24)), PROTOCOL),
    Case("6.5.2", "MAX_HEADER_LIST_SIZE of any size", wire.settings((6, 0)), CHANGED),
    Case("6.5.2", "an unknown setting of any value", wire.settings((0xFFFF, 2**32 - 1)), CHANGED),
    Case("6.5.3", "the last of two values holds", wire.settings((5, 2**15), (5, 2**14)), CHANGED),
    Case("6.5.3", "a wrong value before a right one", wire.settings((5, 1), (5, 2**14)), PROTOCOL),
)

PUSH_CASES = (
    Case("6.6", "a client pushes", wire.frame(5, EH, OPEN, b"\0\0\0\2" + BLOCK), PROTOCOL),
    Case("6.6", "on stream 0", wire.frame(5, EH, 0, b"\0\0\0\2" + BLOCK), PROTOCOL),
    at_client(
        "6.6",
        "a server pushes, though it may not",
        wire.frame(5, EH, OPEN, b"\0\0\0\2" + BLOCK),
        PROTOCOL,
    ),
)

PING_CASES = (
    Case("6.7", "8 bytes", wire.ping(), tells("PingReceived")),
    Case(
        "6.7", "an acknowledgement is not answered", wire.ping(flags=1), tells("PingAcknowledged")
    ),
    Case("6.7", "of 7 bytes", wire.ping(bytes(7)), SIZE),
    Case("6.7", "of 9 bytes", wire.ping(bytes(9)), SIZE),
    Case("6.7", "an acknowledgement of 7 bytes", wire.ping(bytes(7), 1), SIZE),
    Case("6.7", "on a stream", wire.frame(wire.PING, 0, OPEN, bytes(8)), PROTOCOL),
)

GOAWAY_CASES = (
    Case("6.8", "from a client", wire.goaway(0), tells("GoAwayReceived")),
    Case("6.8", "with debug data", wire.goaway(0, 2, b"\0why"), tells("GoAwayReceived")),
    Case("6.8", "with an unknown code", wire.goaway(0, 0xBEEF), tells("GoAwayReceived")),
    Case("6.8", "on a stream", wire.frame(wire.GOAWAY, 0, OPEN, bytes(8)), PROTOCOL),
    Case("6.8", "of 7 bytes", wire.frame(wire.GOAWAY, 0, 0, bytes(7)), SIZE),
    at_client(
        "6.8",
        "streams above the last are refused",
        wire.goaway(HALF_LOCAL),
        tells("GoAwayReceived", "StreamRefused"),
    ),
    at_client(
        "6.8",
        "what still comes on a refused stream is passed over",
        wire.goaway(HALF_LOCAL) + wire.data(ANSWERED),
        tells("GoAwayReceived", "StreamRefused"),
    ),
    at_client("6.8", "of the future", wire.goaway(2**31 - 1), tells("GoAwayReceived")),
    at_client(
        "6.8",
        "of the future and then of now",
        wire.goaway(2**31 - 1) + wire.goaway(HALF_LOCAL),
        tells("GoAwayReceived", "GoAwayReceived", "StreamRefused"),
    ),
)

WINDOW_CASES = (
    Case("6.9", "of the connection", wire.window(0, 1), NOTHING),
    Case("6.9", "of a stream", wire.window(OPEN, 1), NOTHING),
    Case("6.9", "the reserved bit is ignored", wire.window(OPEN, 1 << 31 | 1), NOTHING),
    Case("6.9", "0 of the connection", wire.window(0, 0), PROTOCOL),
    Case("6.9", "0 of a stream", wire.window(OPEN, 0), Resets(OPEN, ErrorCode.PROTOCOL_ERROR)),
    Case("6.9", "0 but for the reserved bit", wire.window(0, 1 << 31), PROTOCOL),
    Case("6.9", "0 of a closed stream", wire.window(CLOSED, 0), NOTHING),
    Case("6.9", "of 3 bytes", wire.frame(wire.WINDOW_UPDATE, 0, OPEN, bytes(3)), SIZE),
    Case("6.9", "of 5 bytes", wire.frame(wire.WINDOW_UPDATE, 0, 0, bytes(5)), SIZE),
    Case("6.9", "of an idle stream", wire.window(IDLE, 1), PROTOCOL),
    Case("6.9", "of a stream that the peer reset", wire.window(RESET_BY_PEER, 1), NOTHING),
    Case(
        "6.9.1",
        "the largest window of a stream",
        wire.window(OPEN, 2**31 - 1 - DEFAULT_WINDOW),
        NOTHING,
    ),
    Case(
        "6.9.1",
        "more than the largest window of a stream",
        wire.window(OPEN, 2**31 - DEFAULT_WINDOW),
        Resets(OPEN, ErrorCode.FLOW_CONTROL_ERROR),
    ),
    Case("6.9.1", "the largest window of all", wire.window(0, 2**31 - 1 - DEFAULT_WINDOW), NOTHING),
    Case(
        "6.9.1", "more than the largest window of all", wire.window(0, 2**31 - DEFAULT_WINDOW), FLOW
    ),
    Case(
        "6.9.1",
        "more DATA than a stream's window",
        wire.data(OPEN, bytes(FRAME_BYTES)) * 17,
        Resets(OPEN, ErrorCode.FLOW_CONTROL_ERROR),
    ),
    Case(
        "6.9.1",
        "as much DATA as a stream's window",
        wire.data(OPEN, bytes(FRAME_BYTES)) * 16,
        tells(*["DataReceived"] * 16),
    ),
    Case(
        "6.9.1",
        "DATA of a stream that was reset, within all of the window",
        wire.data(RESET_BY_US, bytes(FRAME_BYTES)) * 300,
        NOTHING,
    ),
    Case(
        "6.9.2",
        "a window that grows too large by SETTINGS",
        wire.window(OPEN, 1) + wire.settings((4, 2**31 - 1)),
        FLOW,
    ),
    Case("6.9.2", "a window of less than nothing", wire.settings((4, 0)), CHANGED),
    Case(
        "6.9.2",
        "SETTINGS do not move the connection's window",
        wire.settings((4, 2**31 - 1)) + wire.window(0, 2**31 - 1 - DEFAULT_WINDOW),
        CHANGED,
    ),
)

CONTINUATION_CASES = (
    Case("6.10", "behind nothing", wire.frame(CONT, EH, IDLE, BLOCK), PROTOCOL),
    Case("6.10", "on stream 0", wire.frame(CONT, EH, 0, BLOCK), PROTOCOL),
    Case(
        "6.10", "of another stream", _headers(BLOCK, 0) + wire.frame(CONT, EH, IDLE + 2), PROTOCOL
    ),
    Case(
        "6.10",
        "on stream 0, within a block",
        _headers(BLOCK, 0) + wire.frame(CONT, EH, 0),
        PROTOCOL,
    ),
    Case(
        "6.10",
        "behind a block that was whole",
        _headers(BLOCK, EH) + wire.frame(CONT, EH, IDLE),
        PROTOCOL,
    ),
    Case("6.10", "behind DATA", wire.data(OPEN) + wire.frame(CONT, EH, OPEN), PROTOCOL),
    Case(
        "6.10",
        "ten of them",
        _headers(BLOCK, 0) + wire.frame(CONT, 0, IDLE) * 9 + wire.frame(CONT, EH, IDLE),
        HEADERS,
    ),
)

CASES = (
    *DATA_CASES,
    *HEADERS_CASES,
    *PRIORITY_CASES,
    *RST_CASES,
    *SETTINGS_CASES,
    *PUSH_CASES,
    *PING_CASES,
    *GOAWAY_CASES,
    *WINDOW_CASES,
    *CONTINUATION_CASES,
)

"""RFC 9113, sections 3 to 5, but for the states of streams: connections, frames and errors."""

from __future__ import annotations

from functools import partial

from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.limits import Limits
from gateway.h2.settings import Settings
from tests.unit.h2 import wire
from tests.unit.h2.cases import NOTHING, Case, Ends, Resets, at_client, tells
from tests.unit.h2.ends import IDLE, OPEN, RESET_BY_US, fresh, server

PROTOCOL, SIZE = Ends(ErrorCode.PROTOCOL_ERROR), Ends(ErrorCode.FRAME_SIZE_ERROR)
COMPRESSION = Ends(ErrorCode.COMPRESSION_ERROR)
FLOW = Ends(ErrorCode.FLOW_CONTROL_ERROR)
GREETING = wire.PREFACE + wire.settings()
BLOCK = wire.block(wire.REQUEST)
UNKNOWN = wire.frame(0x42, 0xFF, OPEN, b"whatever")


def new_server() -> Connection:
    """Begin a server that has heard nothing yet."""
    connection = Connection(client=False)
    connection.start()
    return connection


def new_client() -> Connection:
    """Begin a client that has heard nothing yet."""
    connection = Connection(client=True)
    connection.start()
    return connection


def full_server() -> Connection:
    """Begin a server that takes two streams at once and has them."""
    connection = fresh(client=False, limits=Limits(max_concurrent=2))
    connection.receive(wire.headers(1) + wire.headers(3, end=True), 0.0)
    return connection


def wide_server() -> Connection:
    """Begin a server that takes longer frames."""
    return server(settings=Settings(max_frame=20_000))


def going_server() -> Connection:
    """Begin a server that takes no new requests any more."""
    connection = server()
    connection.go_away()
    connection.to_send()
    return connection


begun = partial(Case, place=new_server)
answered = partial(Case, place=new_client)
full = partial(Case, place=full_server)

PREFACES = (
    begun("3.4", "preface and SETTINGS", GREETING, tells("SettingsChanged")),
    begun("3.4", "no preface at all", b"GET / HTTP/1.1\r\n\r\n", PROTOCOL),
    begun("3.4", "a preface that goes wrong late", wire.PREFACE[:-1] + b"X", PROTOCOL),
    begun("3.4", "SETTINGS without the preface", wire.settings(), PROTOCOL),
    begun("3.4", "a preface without SETTINGS", wire.PREFACE + wire.ping(), PROTOCOL),
    begun("3.4", "a preface and an acknowledgement", wire.PREFACE + wire.SETTINGS_ACK, PROTOCOL),
    begun("3.4", "a preface and an unknown frame", wire.PREFACE + UNKNOWN, PROTOCOL),
    begun("3.4", "the preface twice", wire.PREFACE * 2, PROTOCOL),
    answered("3.4", "SETTINGS first", wire.settings(), tells("SettingsChanged")),
    answered("3.4", "an answer of HTTP/1.1", b"HTTP/1.1 400 Bad Request\r\n\r\n", PROTOCOL),
    answered("3.4", "PING first", wire.ping(), PROTOCOL),
    answered("3.4", "an acknowledgement first", wire.SETTINGS_ACK, PROTOCOL),
    answered("3.4", "GOAWAY first", wire.goaway(0), PROTOCOL),
)

FRAMES = (
    Case("4.1", "an unknown type is discarded", UNKNOWN, NOTHING),
    Case("4.1", "unknown flags are ignored", wire.ping(flags=0xFE), tells("PingReceived")),
    Case(
        "4.1",
        "the reserved bit is ignored",
        wire.frame(wire.DATA, 0, OPEN | 1 << 31, b"x"),
        tells("DataReceived"),
    ),
    Case("4.2", "a payload of 2^14", wire.data(OPEN, bytes(2**14)), tells("DataReceived")),
    Case("4.2", "DATA of 2^14 + 1", wire.data(OPEN, bytes(2**14 + 1)), SIZE),
    Case("4.2", "an unknown type of 2^14 + 1", wire.frame(0x42, payload=bytes(2**14 + 1)), SIZE),
    Case("4.2", "a header of 2^24 - 1 alone", b"\xff\xff\xff" + bytes(6), SIZE),
    Case(
        "4.2",
        "a payload as long as we announced",
        wire.data(OPEN, bytes(20_000)),
        tells("DataReceived"),
        wide_server,
    ),
    Case("4.2", "longer than announced", wire.data(OPEN, bytes(20_001)), SIZE, wide_server),
)

BLOCKS = (
    Case(
        "4.3",
        "a block in three frames",
        wire.frame(wire.HEADERS, 0, IDLE, BLOCK[:9])
        + wire.frame(wire.CONTINUATION, 0, IDLE, BLOCK[9:20])
        + wire.frame(wire.CONTINUATION, wire.END_HEADERS, IDLE, BLOCK[20:]),
        tells("HeadersReceived"),
    ),
    Case(
        "4.3",
        "a block in frames of which two are empty",
        wire.frame(wire.HEADERS, wire.END, IDLE)
        + wire.frame(wire.CONTINUATION, 0, IDLE, BLOCK)
        + wire.frame(wire.CONTINUATION, wire.END_HEADERS, IDLE),
        tells("HeadersReceived"),
    ),
    Case(
        "4.3",
        "a block that cannot be read",
        wire.frame(wire.HEADERS, wire.END_HEADERS, IDLE, b"\x80"),
        COMPRESSION,
    ),
    Case(
        "4.3",
        "one that cannot be read, of a stream that was reset",
        wire.frame(wire.HEADERS, wire.END_HEADERS, RESET_BY_US, b"\xff\xff\xff\xff\xff\xff"),
        COMPRESSION,
    ),
    Case(
        "4.3",
        "one that ends within a field",
        wire.frame(wire.HEADERS, wire.END_HEADERS, IDLE, BLOCK[:-1]),
        COMPRESSION,
    ),
)

IDS = (
    Case("5.1.1", "a client begins an even stream", wire.headers(IDLE + 1), PROTOCOL),
    Case("5.1.1", "HEADERS on stream 0", wire.headers(0), PROTOCOL),
    Case(
        "5.1.1",
        "streams are left out",
        wire.headers(IDLE + 10),
        tells("HeadersReceived"),
    ),
    Case(
        "5.1.1",
        "a stream lower than the last",
        wire.headers(IDLE + 10) + wire.headers(IDLE),
        Ends(ErrorCode.STREAM_CLOSED),
    ),
    Case(
        "5.1.1",
        "DATA on one that was left out",
        wire.headers(IDLE + 10) + wire.data(IDLE),
        Ends(ErrorCode.STREAM_CLOSED),
    ),
    Case("5.1.1", "the highest stream", wire.headers(2**31 - 1), tells("HeadersReceived")),
    at_client(
        "5.1.1", "a server begins an odd stream", wire.headers(IDLE, wire.RESPONSE), PROTOCOL
    ),
    at_client("5.1.1", "a server begins an even one", wire.headers(2, wire.RESPONSE), PROTOCOL),
)

CONCURRENCY = (
    full("5.1.2", "one more than we announced", wire.headers(5), Resets(5, ErrorCode(7))),
    full(
        "5.1.2",
        "what follows on a refused stream is passed over",
        wire.headers(5) + wire.data(5) + wire.headers(5, wire.TRAILERS, end=True),
        Resets(5, ErrorCode.REFUSED_STREAM),
    ),
    full(
        "5.1.2",
        "one more after one was reset",
        wire.reset(1) + wire.headers(5),
        tells("StreamReset", "HeadersReceived"),
    ),
    full(
        "5.1.2",
        "a half-closed stream counts",
        wire.data(1, end=True) + wire.headers(5),
        Resets(5, ErrorCode.REFUSED_STREAM),
    ),
)

ERRORS = (
    Case(
        "5.4.1",
        "a stream error and a connection error behind it",
        wire.window(OPEN, 0) + wire.window(0, 0),
        PROTOCOL,
    ),
    Case(
        "5.4.2",
        "frames behind a stream error are passed over",
        wire.window(OPEN, 0)
        + wire.data(OPEN)
        + wire.headers(OPEN, wire.TRAILERS, end=True)
        + wire.window(OPEN, 9)
        + wire.reset(OPEN),
        Resets(OPEN, ErrorCode.PROTOCOL_ERROR),
    ),
    Case("5.4.2", "a RST_STREAM is not answered by one", wire.reset(OPEN), tells("StreamReset")),
    Case(
        "5.5",
        "an unknown frame within a block",
        wire.frame(wire.HEADERS, 0, IDLE, BLOCK) + UNKNOWN,
        PROTOCOL,
    ),
    Case("5.5", "an unknown setting", wire.settings((0x99, 1)), tells("SettingsChanged")),
    Case("5.5", "an unknown error code", wire.reset(OPEN, 0xDEAD), tells("StreamReset")),
    Case(
        "5.3.2",
        "a priority in HEADERS is ignored",
        wire.frame(wire.HEADERS, wire.END_HEADERS | wire.PRIO, IDLE, bytes(5) + BLOCK),
        tells("HeadersReceived"),
    ),
    Case(
        "5.3.2",
        "even one that depends on itself",
        wire.frame(wire.PRIORITY, 0, OPEN, bytes((0, 0, 0, OPEN, 9))),
        NOTHING,
    ),
)

LEAVING = (
    Case("6.8", "a request behind our GOAWAY", wire.headers(IDLE), NOTHING, going_server),
    Case(
        "6.8",
        "all of a request behind our GOAWAY",
        wire.headers(IDLE) + wire.data(IDLE) + wire.headers(IDLE, wire.TRAILERS, end=True),
        NOTHING,
        going_server,
    ),
    Case(
        "6.8",
        "its block is read all the same",
        wire.frame(wire.HEADERS, wire.END_HEADERS, IDLE, b"\x80"),
        COMPRESSION,
        going_server,
    ),
    Case(
        "6.8",
        "its number must still grow",
        wire.headers(IDLE + 10) + wire.headers(IDLE),
        Ends(ErrorCode.STREAM_CLOSED),
        going_server,
    ),
    Case("6.8", "older streams go on", wire.data(OPEN), tells("DataReceived"), going_server),
)

CASES = (*PREFACES, *FRAMES, *BLOCKS, *IDS, *CONCURRENCY, *ERRORS, *LEAVING)

from __future__ import annotations

import asyncio
import struct

import pytest
from ensemble_loadtest.faults import UnreachableError
from ensemble_loadtest.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    GREETING,
    HEADERS,
    MAX_STREAMS,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
)
from ensemble_loadtest.hpack import literals
from ensemble_loadtest.http2 import Connection

from tests.fakes.http2 import frame
from tests.fakes.loadtest_wire import Heard, Wire

OPENING = literals([(":status", "200")])
TRAILERS = literals([("grpc-status", "0")])
BLOCK = literals([(":method", "POST")])


class Rig:
    def __init__(self, *settings: tuple[int, int]) -> None:
        self.lost: list[Connection] = []
        self.connection = Connection(self.lost.append)
        self.wire = Wire()
        self.connection.connection_made(self.wire)
        payload = b"".join(struct.pack(">HI", *pair) for pair in settings)
        self.says(frame(SETTINGS, 0, 0, payload) + frame(SETTINGS, ACK, 0))
        assert self.frames() == [(SETTINGS, ACK, 0, b"")]

    def frames(self) -> list[tuple[int, int, int, bytes]]:
        """What was written since the last time: kind, flags, stream and payload."""
        raw = b"".join(self.wire.written).removeprefix(GREETING)
        self.wire.written.clear()
        found = []
        while raw:
            size = int.from_bytes(raw[:3])
            found.append((raw[3], raw[4], int.from_bytes(raw[5:9]), raw[9 : 9 + size]))
            raw = raw[9 + size :]
        return found

    def says(self, raw: bytes) -> None:
        self.connection.data_received(raw)

    def opens(self, body: bytes = b"hello") -> Heard:
        heard = Heard()
        self.connection.open(heard, BLOCK, body)
        self.connection.flush()
        return heard


@pytest.fixture
async def rig() -> Rig:
    made = Rig()
    await made.connection.ready()
    return made


async def test_a_request_is_a_header_block_and_a_body(rig: Rig) -> None:
    heard = rig.opens()
    assert rig.frames() == [
        (HEADERS, END_HEADERS, 1, BLOCK), (DATA, END_STREAM, 1, b"hello"),
    ]  # fmt: skip
    rig.says(
        frame(HEADERS, END_HEADERS, 1, OPENING)
        + frame(DATA, 0, 1, b"answer")
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS)
    )
    assert heard.log == ["sent", {":status": "200"}, b"answer", {"grpc-status": "0"}, "end"]
    assert rig.opens().stream == 3


async def test_what_comes_byte_by_byte_is_read_as_well(rig: Rig) -> None:
    heard = rig.opens()
    padded = frame(DATA, PADDED, 1, b"\x02answer..")
    weighed = frame(HEADERS, END_HEADERS | PRIORITY, 1, bytes(5) + OPENING)
    split = frame(HEADERS, END_STREAM, 1, TRAILERS[:4])
    rest = frame(CONTINUATION, 0, 1, TRAILERS[4:9]) + frame(
        CONTINUATION, END_HEADERS, 1, TRAILERS[9:]
    )
    for byte in weighed + padded + split + rest:
        rig.says(bytes((byte,)))
    assert heard.log == ["sent", {":status": "200"}, b"answer", {"grpc-status": "0"}, "end"]


async def test_requests_above_the_servers_limit_wait_their_turn() -> None:
    rig = Rig((MAX_STREAMS, 1))
    first, second = rig.opens(), rig.opens()
    assert (first.log, second.log) == (["sent"], [])
    rig.says(frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS))
    assert second.log == ["sent"]
    assert second.stream == 3
    rig.says(frame(RST_STREAM, 0, 3, struct.pack(">I", 7)))
    assert second.log == ["sent", "RST_STREAM REFUSED_STREAM"]


async def test_a_body_is_sent_as_far_as_the_servers_windows_go() -> None:
    rig = Rig((WINDOW, 10))
    heard = rig.opens(b"0123456789abcdef")
    assert heard.log == ["sent"]
    assert rig.frames()[1:] == [(DATA, 0, 1, b"0123456789")]
    rig.says(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 4)))
    assert rig.frames() == [(DATA, 0, 1, b"abcd")]
    rig.says(frame(SETTINGS, 0, 0, struct.pack(">HI", WINDOW, 13)))
    assert rig.frames()[-1] == (DATA, END_STREAM, 1, b"ef")


async def test_a_body_larger_than_a_frame_is_sent_in_several(rig: Rig) -> None:
    rig.opens(b"x" * 40_000)
    sizes = [(len(raw), flags) for kind, flags, _, raw in rig.frames() if kind == DATA]
    assert sizes == [(16384, 0), (16384, 0), (7232, END_STREAM)]


async def test_the_window_of_the_connection_holds_all_streams_back(rig: Rig) -> None:
    rig.opens(b"x" * 16_000)
    for _ in range(3):
        rig.opens(b"x" * 16_000)
    last = rig.opens(b"y" * 3_000)
    rig.frames()
    rig.says(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 100_000)))
    assert b"".join(raw for kind, _, _, raw in rig.frames() if kind == DATA) == b"y" * 1_465
    assert last.log == ["sent"]


async def test_pings_are_answered(rig: Rig) -> None:
    rig.says(frame(PING, 0, 0, b"12345678") + frame(PING, ACK, 0, b"12345678"))
    assert rig.frames() == [(PING, ACK, 0, b"12345678")]


async def test_a_cancelled_request_is_reset_and_told_nothing() -> None:
    rig = Rig((MAX_STREAMS, 1))
    first, waiting, last = rig.opens(), rig.opens(), rig.opens()
    rig.frames()
    rig.connection.cancel(waiting)
    rig.connection.cancel(first)
    rig.connection.flush()
    assert [(kind, stream) for kind, _, stream, _ in rig.frames()] == [
        (RST_STREAM, 1), (HEADERS, 3), (DATA, 3),
    ]  # fmt: skip
    rig.says(frame(DATA, END_STREAM, 1, b"late"))
    assert (first.log, waiting.log, last.log) == (["sent"], [], ["sent"])


async def test_a_server_that_goes_away_gets_nothing_new_and_ends_what_it_began() -> None:
    rig = Rig((MAX_STREAMS, 2))
    first, second, waiting = rig.opens(), rig.opens(), rig.opens()
    rig.says(frame(GOAWAY, 0, 0, struct.pack(">II", 1, 0)))
    assert rig.lost == [rig.connection]
    assert not rig.connection.usable
    assert second.log == ["sent", "GOAWAY NO_ERROR"]
    assert waiting.log == ["GOAWAY NO_ERROR"]
    rig.says(frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS))
    assert first.log[-1] == "end"


async def test_a_lost_connection_ends_every_request_once() -> None:
    rig = Rig((MAX_STREAMS, 1))
    first, waiting = rig.opens(), rig.opens()
    rig.connection.connection_lost(None)
    rig.connection.connection_lost(None)
    assert (first.log, waiting.log) == (["sent", "CONNECTION_LOST"], ["CONNECTION_LOST"])
    assert rig.lost == [rig.connection]


@pytest.mark.parametrize(
    "raw",
    [
        frame(HEADERS, END_HEADERS, 1, b"\xbe"),
        frame(HEADERS, 0, 1, b"\0") + frame(CONTINUATION, 0, 1, b"\0" * 16_000) * 70,
        frame(WINDOW_UPDATE, 0, 0, b"x"),
        frame(DATA, PADDED, 1, b""),
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
    ids=["a table", "an endless block", "half a number", "no padding", "HTTP/1.1"],
)
async def test_a_server_that_breaks_the_rules_ends_the_connection(rig: Rig, raw: bytes) -> None:
    heard = rig.opens()
    rig.says(raw)
    assert rig.wire.aborted
    (_, reason) = heard.log
    assert str(reason).startswith("PROTOCOL_ERROR")


async def test_who_speaks_no_http2_is_not_reached() -> None:
    connection = Connection(lambda _: None)
    connection.connection_made(Wire())
    connection.connection_lost(None)
    with pytest.raises(UnreachableError, match="no HTTP/2"):
        await asyncio.wait_for(connection.ready(), 5)


async def test_a_closed_connection_writes_what_was_sent(rig: Rig) -> None:
    rig.connection.open(Heard(), BLOCK, b"")
    rig.connection.close()
    assert [kind for kind, *_ in rig.frames()] == [HEADERS, DATA]
    assert rig.wire.closed

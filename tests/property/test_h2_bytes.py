"""Whatever bytes come, `receive` raises nothing; and how they are cut changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.h2.connection import Connection
from gateway.h2.events import ConnectionEnded, DataReceived, Event
from gateway.h2.limits import Limits, Rate
from gateway.h2.reading import BlockReader, FieldCache
from gateway.h2.writing import block
from tests.unit.h2 import wire
from tests.unit.h2.ends import client, server
from tests.unit.h2.library import library_read, read, stripped

TIGHT = Limits(
    updates=Rate(5, 1), empties=Rate(5, 1), header_block=2000, continuations=3, fields=900
)
PLACES: tuple[Callable[[], Connection], ...] = (
    server,
    client,
    lambda: server(limits=TIGHT),
    lambda: Connection(client=False),
    lambda: Connection(client=True),
)
PLACE = st.sampled_from(PLACES)
FIELDS = st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=6)
BLOCK = st.binary(max_size=40) | FIELDS.map(wire.block) | st.just(wire.block(wire.REQUEST))
PAYLOAD = st.binary(max_size=30) | BLOCK
KIND = st.integers(0, 10) | st.integers(0, 255)
FRAME = st.builds(
    wire.frame, KIND, st.integers(0, 255), st.integers(0, 20) | st.integers(0, 2**32 - 1), PAYLOAD
)
RIGHT = st.sampled_from(
    [
        wire.headers(15),
        wire.headers(15, end=True),
        wire.headers(1, wire.RESPONSE),
        wire.headers(1, wire.TRAILERS, end=True),
        wire.headers(11, wire.RESPONSE, end=True),
        wire.data(1),
        wire.data(1, bytes(16_384)),
        wire.data(11, end=True),
        wire.window(0, 1000),
        wire.window(1, 2**31 - 1),
        wire.reset(1),
        wire.ping(),
        wire.goaway(3),
        wire.settings((4, 1000)),
        wire.frame(wire.HEADERS, 0, 15, wire.block(wire.REQUEST)),
        wire.frame(wire.CONTINUATION, 4, 15),
    ]
)
TRAFFIC = st.lists(st.one_of(RIGHT, RIGHT, RIGHT, FRAME), max_size=12).map(b"".join)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Traffic of which some bytes were changed, dropped or doubled."""
    data = bytearray(draw(TRAFFIC))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            at = draw(st.integers(0, len(data) - 1))
            match draw(st.integers(0, 2)):
                case 0:
                    data[at] = draw(st.integers(0, 255))
                case 1:
                    del data[at]
                case _:
                    data[at:at] = data[at : at + 9]
    return bytes(data)


BYTES = st.binary(max_size=200) | TRAFFIC | mutated()
GREETED = st.sampled_from([b"", wire.PREFACE, wire.PREFACE + wire.settings(), wire.settings()])


def consumed(connection: Connection, events: list[Event]) -> None:
    """Use what came, as a caller would, and send what may be sent."""
    for event in events:
        if isinstance(event, DataReceived):
            connection.consumed(event.stream_id, event.credit)
    connection.to_send()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(PLACE, GREETED, st.lists(BYTES, max_size=4))
def test_nothing_that_a_peer_sends_makes_the_engine_raise(
    place: Callable[[], Connection], greeting: bytes, sent: list[bytes]
) -> None:
    connection = place()
    now = 0.0
    for part in (greeting, *sent):
        now += 0.1
        events = connection.receive(part, now)
        ends = [event for event in events if isinstance(event, ConnectionEnded)]
        assert ends == ([] if connection.ended is None or not events else [connection.ended])
        consumed(connection, events)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(PLACE, GREETED, BYTES, st.lists(st.integers(0, 400), max_size=8))
def test_how_bytes_are_cut_changes_nothing(
    place: Callable[[], Connection], greeting: bytes, sent: bytes, cuts: list[int]
) -> None:
    whole, cut = place(), place()
    data = greeting + sent
    places = sorted({0, len(data), *(at for at in cuts if at < len(data))})
    expected = whole.receive(data, 0.0)
    told: list[Event] = []
    for start, stop in pairwise(places):
        told += cut.receive(data[start:stop], 0.0)
    assert told == expected
    assert cut.to_send() == whole.to_send()
    assert cut.unfinished == whole.unfinished or cut.ended is not None


HPACK = (
    st.binary(max_size=60)
    | FIELDS.map(block)
    | st.lists(
        st.sampled_from([b"\x82", b"\x20", b"\x3f\x01", b"\0\1a\1b", b"\x40\1a\x81\x1f", b"\xbe"])
    ).map(b"".join)
)


@settings(max_examples=500, deadline=None)
@given(st.lists(HPACK, max_size=5))
@example([b"\x82\x20\x01\x61\x01\x62"])
def test_blocks_mean_what_the_library_reads_with_a_table_of_size_0(blocks: list[bytes]) -> None:
    """Whether it is read for the first time, as known fields, or as a known block."""
    reader = BlockReader(FieldCache(), Limits())
    reader.acknowledged()
    for raw in blocks:
        expected = library_read(raw)
        for _ in range(3):
            assert read(reader, raw) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=300)), max_size=9))
def test_what_is_written_is_read_the_same(fields: list[tuple[bytes, bytes]]) -> None:
    expected = tuple(stripped(*pair) for pair in fields)
    for known in (False, True):
        reader = BlockReader(FieldCache(), Limits(fields=2**20))
        if known:
            reader.acknowledged()
        assert reader.read(block(fields)).fields == expected
        secret = frozenset(name for name, _ in fields)
        assert reader.read(block(fields, secret)).fields == expected

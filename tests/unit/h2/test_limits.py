"""What a peer may not do to us, one test for each way (RFC 9113 §10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.events import ConnectionEnded, Event, HeadersReceived
from gateway.h2.limits import Limits, Rate
from tests.unit.h2 import wire
from tests.unit.h2.ends import HALF_REMOTE, IDLE, OPEN, RESET_BY_US, RESPONSE, client, fresh, server

FEW = Rate(10, 1)
TIGHT = Limits(
    resets=FEW,
    pings=FEW,
    settings=FEW,
    priorities=FEW,
    updates=FEW,
    empties=FEW,
    strangers=FEW,
    header_block=4096,
    continuations=4,
    fields=2048,
    field_count=20,
)
CALM = ErrorCode.ENHANCE_YOUR_CALM


def ended_by(events: list[Event]) -> str:
    """Name the limit that ended a connection; nothing while it goes on."""
    last = events[-1] if events else None
    if not isinstance(last, ConnectionEnded):
        return ""
    assert last.code is CALM
    return last.limit


def sent_until_end(
    connection: Connection, sent: Iterable[bytes], now: float = 0.0
) -> tuple[int, str]:
    """Send until the connection ends; return how many were taken, and the limit that ended it."""
    for taken, part in enumerate(sent):
        limit = ended_by(connection.receive(part, now))
        connection.to_send()
        if limit:
            return taken, limit
    pytest.fail("nothing ended the connection")


def rapid_resets(streams: range) -> Iterable[bytes]:
    """Begin a request and take it back, again and again."""
    return (wire.headers(stream) + wire.reset(stream) for stream in streams)


FLOODS: tuple[tuple[str, str, Callable[[int], bytes]], ...] = (
    ("pings", "PING", lambda _: wire.ping()),
    ("pings", "acknowledgements of no PING", lambda _: wire.ping(flags=wire.ACK)),
    ("settings", "SETTINGS", lambda _: wire.settings()),
    ("settings", "GOAWAY", lambda _: wire.goaway(0)),
    ("strangers", "acknowledgements of no SETTINGS", lambda _: wire.SETTINGS_ACK),
    ("strangers", "unknown types", lambda _: wire.frame(0xFA, payload=b"grease")),
    ("priorities", "PRIORITY", lambda place: wire.frame(wire.PRIORITY, 0, place + 1, bytes(5))),
    ("updates", "WINDOW_UPDATE of the connection", lambda _: wire.window(0, 1)),
    ("updates", "WINDOW_UPDATE of a stream", lambda _: wire.window(OPEN, 1)),
    ("updates", "WINDOW_UPDATE of a closed stream", lambda _: wire.window(RESET_BY_US, 1)),
    ("empties", "empty DATA", lambda _: wire.data(OPEN, b"")),
    (
        "empties",
        "DATA of padding alone",
        lambda _: wire.frame(wire.DATA, wire.PADDED, OPEN, b"\5" + bytes(5)),
    ),
)


@pytest.mark.parametrize(("limit", "what", "sent"), FLOODS, ids=[what for _, what, _ in FLOODS])
def test_a_flood_ends_the_connection(limit: str, what: str, sent: Callable[[int], bytes]) -> None:
    connection = server(limits=TIGHT)
    assert sent_until_end(connection, map(sent, range(99)), 1e6) == (10, limit), what


@pytest.mark.parametrize(("limit", "what", "sent"), FLOODS, ids=[what for _, what, _ in FLOODS])
def test_as_much_in_its_time_does_not(limit: str, what: str, sent: Callable[[int], bytes]) -> None:
    connection = server(limits=TIGHT)
    for place in range(99):
        assert not ended_by(connection.receive(sent(place), 1e6 + place)), (limit, what)


def test_rapid_reset_ends_the_connection() -> None:
    """CVE-2023-44487: requests that are taken back at once cost us and not the peer."""
    connection = fresh(client=False)
    taken, limit = sent_until_end(connection, rapid_resets(range(1, 9999, 2)))
    assert (taken, limit) == (1000, "resets")


def test_rapid_reset_of_one_read_ends_the_connection() -> None:
    connection = fresh(client=False)
    events = connection.receive(b"".join(rapid_resets(range(1, 9999, 2))), 0.0)
    assert ended_by(events) == "resets"
    assert connection.open_streams == 1


def test_requests_that_make_us_reset_them_are_counted_with_those_that_are_taken_back() -> None:
    """CVE-2025-8671: a peer that errs on purpose lets us write the RST_STREAM."""
    for mistake in (wire.window(OPEN, 0), wire.window(OPEN, 2**31 - 1), wire.data(HALF_REMOTE)):
        stream = int.from_bytes(mistake[5:9], "big")
        end = stream == HALF_REMOTE
        connection = fresh(client=False, limits=Limits(resets=FEW))
        sent = (
            wire.headers(at, end=end) + mistake[:5] + at.to_bytes(4, "big") + mistake[9:]
            for at in range(1, 99, 2)
        )
        assert sent_until_end(connection, sent) == (10, "resets")


def test_malformed_requests_are_counted_too() -> None:
    connection = fresh(client=False, limits=TIGHT)
    sent = (wire.headers(stream, ()) for stream in range(1, 99, 2))
    assert sent_until_end(connection, sent) == (10, "resets")


def test_resets_of_what_has_ended_are_counted() -> None:
    connection = fresh(client=False, limits=TIGHT)
    connection.receive(wire.headers(1, end=True), 0.0)
    connection.headers(1, RESPONSE, end=True)
    taken, limit = sent_until_end(connection, (wire.reset(1) for _ in range(99)))
    assert (taken, limit) == (10, "resets")


def test_more_streams_than_are_taken_are_refused_and_then_end_the_connection() -> None:
    limits = Limits(max_concurrent=5, resets=FEW)
    connection = fresh(client=False, limits=limits)
    events = connection.receive(b"".join(wire.headers(at) for at in range(1, 31, 2)), 0.0)
    assert sum(isinstance(event, HeadersReceived) for event in events) == 5
    refused = wire.frames(connection.to_send())
    assert {frame.payload for frame in refused} == {bytes((0, 0, 0, ErrorCode.REFUSED_STREAM))}
    assert len(refused) == 10
    assert ended_by(connection.receive(wire.headers(31), 0.0)) == "resets"


def test_a_flood_of_continuations_ends_the_connection() -> None:
    connection = fresh(client=False, limits=TIGHT)
    connection.receive(wire.frame(wire.HEADERS, 0, 1, b"\x82"), 0.0)
    sent = (wire.frame(wire.CONTINUATION, 0, 1) for _ in range(99))
    assert sent_until_end(connection, sent) == (3, "continuations")


def test_a_block_that_grows_by_continuations_ends_the_connection() -> None:
    connection = fresh(client=False, limits=TIGHT)
    connection.receive(wire.frame(wire.HEADERS, 0, 1, bytes(2000)), 0.0)
    sent = (wire.frame(wire.CONTINUATION, 0, 1, bytes(2000)) for _ in range(99))
    assert sent_until_end(connection, sent) == (1, "header_block")


@pytest.mark.parametrize("flags", [0, wire.END_HEADERS])
def test_a_block_of_one_frame_that_is_too_long_ends_the_connection(flags: int) -> None:
    connection = fresh(client=False, limits=TIGHT)
    sent = wire.frame(wire.HEADERS, flags, 1, b"\x82" * 4097)
    assert ended_by(connection.receive(sent, 0.0)) == "header_block"


def _too_long(connection: Connection, raw: bytes) -> None:
    """See that only the stream ends, and that the next request is taken."""
    events = connection.receive(wire.frame(wire.HEADERS, wire.END_HEADERS, IDLE, raw), 0.0)
    assert events == []
    (reset,) = wire.frames(connection.to_send())
    assert (reset.kind, reset.stream) == (wire.RST_STREAM, IDLE)
    assert int.from_bytes(reset.payload, "big") == CALM
    (told,) = connection.receive(wire.headers(IDLE + 2), 0.0)
    assert isinstance(told, HeadersReceived)


MANY = {
    "indexed fields": b"\x82" * 81,
    "fields without name and value": b"\0\0\0" * 81,
    "small fields": wire.block((b"%d" % place, b"") for place in range(21)),
    "one large field": wire.block(((b"x", b"y" * 2048),)),
    "large fields, one of them broken in its code": wire.block(((b"x", b"y" * 2048),))
    + b"\0\1x\x84\xff\xff\xff\xff",
}


@pytest.mark.parametrize("raw", MANY.values(), ids=MANY)
def test_a_header_bomb_ends_its_stream(raw: bytes) -> None:
    _too_long(server(limits=TIGHT), raw)


@pytest.mark.parametrize("raw", [*MANY.values()][:-1], ids=[*MANY][:-1])
def test_a_header_bomb_ends_its_stream_before_the_acknowledgement(raw: bytes) -> None:
    connection = Connection(client=False, limits=TIGHT)
    connection.receive(wire.PREFACE + wire.settings(), 0.0)
    connection.to_send()
    sent = wire.frame(wire.HEADERS, wire.END_HEADERS, 1, raw)
    events = connection.receive(sent, 0.0)
    assert not events or ended_by(events) == "fields"


@pytest.mark.parametrize("raw", [b"\x82" * 4096, b"\0\0\0" * 1000, b"\x82" * 82])
def test_a_flood_of_fields_ends_the_connection(raw: bytes) -> None:
    """CVE-2019-9516 among them: the rest of it is not even looked at."""
    connection = server(limits=TIGHT)
    events = connection.receive(wire.frame(wire.HEADERS, wire.END_HEADERS, IDLE, raw), 0.0)
    assert ended_by(events) == "fields"


def test_a_bomb_of_references_to_a_table_ends_the_connection() -> None:
    """A field of 4,000 bytes in the table, and a thousand references of one byte."""
    connection = Connection(client=False)
    connection.receive(wire.PREFACE + wire.settings(), 0.0)
    raw = b"\x40" + wire.text(b"x") + wire.text(b"y" * 4000) + b"\xbe" * 1000
    events = connection.receive(wire.frame(wire.HEADERS, wire.END_HEADERS, 1, raw), 0.0)
    assert ended_by(events) == "fields"


@pytest.mark.parametrize("broken", [b"\0\5x", b"\0\1x\5y", b"\x20", b"\x80"])
def test_a_broken_field_behind_a_bomb_still_ends_the_connection(broken: bytes) -> None:
    """RFC 9113 §4.3: where fields lie is read whatever becomes of the block."""
    raw = wire.block(((b"x", b"y" * 2048), (b"x", b"y"))) + broken
    connection = server(limits=TIGHT)
    events = connection.receive(wire.frame(wire.HEADERS, wire.END_HEADERS, IDLE, raw), 0.0)
    (ended,) = events
    assert isinstance(ended, ConnectionEnded)
    assert ended.code is ErrorCode.COMPRESSION_ERROR


def test_interim_responses_without_end_end_the_connection() -> None:
    connection = client(limits=TIGHT)
    interim = wire.headers(OPEN, ((b":status", b"100"),))
    assert sent_until_end(connection, [interim] * 99) == (10, "empties")


def test_headers_without_end_on_a_stream_that_was_reset_end_the_connection() -> None:
    connection = server(limits=TIGHT)
    sent = [wire.headers(RESET_BY_US, wire.TRAILERS)] * 99
    taken, limit = sent_until_end(connection, sent)
    assert (taken, limit) == (14, "empties")


def test_requests_without_end_behind_our_goaway_end_the_connection() -> None:
    connection = fresh(client=False, limits=TIGHT)
    connection.go_away()
    sent = (wire.headers(stream) for stream in range(1, 999, 2))
    assert sent_until_end(connection, sent) == (10, "empties")


def test_a_peer_that_never_reads_ends_its_connection() -> None:
    """Its driver leaves `to_send` alone while the transport is full: what waits is bounded."""
    limits = Limits(unsent=50)
    connection = fresh(client=False, limits=limits)
    assert not ended_by(connection.receive(wire.ping() * 50, 0.0))
    assert ended_by(connection.receive(wire.ping(), 0.0)) == "unsent"


def test_a_peer_that_asks_on_and_never_reads_the_answers_ends_its_connection() -> None:
    """CVE-2019-9517: its windows are wide open, and each answer ends its stream at once."""
    connection = fresh(client=False, limits=Limits(unsent=50))
    for stream in range(1, 999, 2):
        limit = ended_by(connection.receive(wire.headers(stream, end=True), 0.0))
        if limit:
            break
        connection.headers(stream, RESPONSE)
        connection.data(stream, b"answer", end=True)
    assert limit == "unsent"
    assert len(connection._sender.out) < 60


def test_a_peer_that_reads_again_may_go_on() -> None:
    connection = fresh(client=False, limits=Limits(unsent=50))
    for now in range(20):
        assert not ended_by(connection.receive(wire.ping() * 50, float(now)))
        assert len(wire.frames(connection.to_send())) == 50


def test_data_by_single_bytes_does_not_pay_for_the_updates_that_ask_for_it() -> None:
    """CVE-2019-9511: each update of one byte makes a frame of one byte."""
    connection = fresh(client=False, limits=TIGHT)
    connection.receive(wire.settings((4, 0)) + wire.headers(1, end=True), 0.0)
    connection.headers(1, RESPONSE)
    connection.data(1, bytes(9999))
    assert sent_until_end(connection, [wire.window(1, 1)] * 99) == (10, "updates")


def test_updates_of_streams_that_wait_for_their_own_window_touch_no_other_stream() -> None:
    """Many stalled streams and single bytes for the connection must not cost their product."""
    connection = fresh(client=False)
    connection.receive(
        wire.settings((4, 0)) + b"".join(wire.headers(at, end=True) for at in range(1, 1999, 2)),
        0.0,
    )
    for stream in range(1, 1999, 2):
        connection.headers(stream, RESPONSE)
        connection.data(stream, b"waits")
    connection.to_send()
    assert connection.receive(wire.window(0, 1), 0.0) == []
    assert connection._sender._held == {}
    assert connection.to_send() == b""


def test_half_closed_streams_of_a_peer_that_never_ends_them_are_bounded() -> None:
    """Answered or not, a request whose end never comes takes a place of its peer's own."""
    connection = fresh(client=False, limits=Limits(max_concurrent=3))
    for stream in (1, 3, 5):
        connection.receive(wire.headers(stream), 0.0)
        connection.headers(stream, RESPONSE, end=True)
    assert connection.open_streams == 3
    connection.to_send()
    assert connection.receive(wire.headers(7), 0.0) == []
    assert wire.frames(connection.to_send())[0].kind == wire.RST_STREAM
    connection.reset(1, ErrorCode.NO_ERROR)
    assert len(connection.receive(wire.headers(9), 0.0)) == 1


def test_what_is_remembered_of_streams_that_were_reset_is_bounded() -> None:
    connection = fresh(client=False)
    for now, stream in enumerate(range(1, 5001, 2)):
        connection.receive(wire.headers(stream), float(now))
        connection.reset(stream)
    assert len(connection._streams._reset) == 2000
    connection.to_send()
    assert connection.receive(wire.data(4999), 1e6) == []
    (ended,) = connection.receive(wire.data(1), 1e6)
    assert isinstance(ended, ConnectionEnded)
    assert ended.code is ErrorCode.STREAM_CLOSED


def test_a_long_frame_in_small_pieces_is_put_together_once() -> None:
    """What waits is not copied for every byte that comes."""
    connection = server()
    sent = wire.data(OPEN, bytes(2**14))
    for at in range(len(sent) - 1):
        assert connection.receive(sent[at : at + 1], 0.0) == []
        rest = connection._receiver._rest
        assert connection.unfinished
    assert len(rest) == len(sent) - 1
    assert connection._receiver._rest is rest
    assert len(connection.receive(sent[-1:], 0.0)) == 1
    assert not connection.unfinished


def test_a_clock_that_goes_back_gives_nothing() -> None:
    connection = fresh(client=False, limits=TIGHT)
    taken, _ = 0, None
    for taken in range(99):
        if ended_by(connection.receive(wire.ping(), 100.0 - taken)):
            break
    assert taken == 10

"""Flow control in both directions (RFC 9113 §5.2 and §6.9): what we send, and what we allow."""

from __future__ import annotations

import pytest

from gateway.h2.codes import ErrorCode, MisuseError
from gateway.h2.connection import Connection
from gateway.h2.events import DataReceived, StreamReset, TrailersReceived, Writable
from gateway.h2.settings import DEFAULT_WINDOW, Settings
from tests.unit.h2 import wire
from tests.unit.h2.ends import REQUEST, RESPONSE, fresh
from tests.unit.h2.pairs import Pair

TRAILERS = wire.block(wire.TRAILERS)


def answering(*settings: tuple[int, int], streams: int = 1) -> Connection:
    """Begin a server that has begun to answer some requests."""
    connection = fresh(client=False)
    requests = b"".join(wire.headers(1 + 2 * place, end=True) for place in range(streams))
    connection.receive(wire.settings(*settings) + requests, 0.0)
    for place in range(streams):
        connection.headers(1 + 2 * place, RESPONSE)
    connection.to_send()
    return connection


def sizes(connection: Connection) -> list[tuple[int, int]]:
    """Name the stream and the size of each DATA frame that is to be sent."""
    sent = wire.frames(connection.to_send())
    return [(frame.stream, len(frame.payload)) for frame in sent if frame.kind == wire.DATA]


def test_no_frame_is_longer_than_the_peer_takes() -> None:
    connection = answering()
    assert connection.data(1, bytes(40_000)) == 0
    assert sizes(connection) == [(1, 16_384), (1, 16_384), (1, 7232)]


def test_longer_frames_are_sent_to_a_peer_that_takes_them() -> None:
    connection = answering((5, 2**15))
    assert connection.data(1, bytes(40_000)) == 0
    assert sizes(connection) == [(1, 2**15), (1, 40_000 - 2**15)]


def test_long_blocks_are_continued() -> None:
    connection = answering()
    connection.headers(1, bytes(40_000), end=True)
    first, second, third = wire.frames(connection.to_send())
    assert (first.kind, first.flags, len(first.payload)) == (wire.HEADERS, wire.END, 16_384)
    assert (second.kind, second.flags) == (wire.CONTINUATION, 0)
    assert (third.kind, third.flags) == (wire.CONTINUATION, wire.END_HEADERS)
    assert first.payload + second.payload + third.payload == bytes(40_000)
    assert not connection.has(1)


def test_data_waits_for_the_window_of_its_stream_and_then_says_so() -> None:
    connection = answering((4, 10))
    assert connection.data(1, b"0123456789abcdef") == 6
    assert connection.waits(1) == 6
    assert sizes(connection) == [(1, 10)]
    assert connection.receive(wire.window(1, 5), 0.0) == []
    assert connection.waits(1) == 1
    assert connection.receive(wire.window(1, 5), 0.0) == [Writable(1)]
    assert connection.waits(1) == 0
    assert sizes(connection) == [(1, 5), (1, 1)]


def test_what_was_sent_at_once_counts_against_both_windows() -> None:
    connection = answering((4, 40_000), streams=2)
    assert connection.data(1, bytes(10_000)) == 0
    assert connection.data(1, bytes(10_000)) == 0
    assert connection.data(1, bytes(20_001)) == 1
    assert connection.data(3, bytes(15_000)) == 0
    assert connection.data(3, bytes(10_536)) == 1
    assert sum(size for _, size in sizes(connection)) == DEFAULT_WINDOW


def test_data_waits_for_the_window_of_the_connection_and_streams_take_turns() -> None:
    connection = answering((4, 2**20), streams=3)
    assert connection.data(1, bytes(DEFAULT_WINDOW)) == 0
    for stream in (1, 3, 5):
        assert connection.data(stream, bytes(20_000)) == 20_000
    connection.to_send()
    assert connection.receive(wire.window(0, 40_000), 0.0) == []
    assert sizes(connection) == [(1, 16_384), (3, 16_384), (5, 7232)]
    assert connection.receive(wire.window(0, 99_999), 0.0) == [
        Writable(1),
        Writable(3),
        Writable(5),
    ]
    assert sizes(connection) == [(1, 3616), (3, 3616), (5, 12_768)]


def test_no_stream_starves_when_the_connection_opens_by_single_bytes() -> None:
    connection = answering((4, 2**20), streams=3)
    connection.data(1, bytes(DEFAULT_WINDOW))
    for stream in (1, 3, 5):
        connection.data(stream, b"xyz")
    connection.to_send()
    connection.receive(wire.window(0, 1) * 6, 0.0)
    assert sizes(connection) == [(1, 1), (3, 1), (5, 1)] * 2


def test_a_stream_that_has_used_its_own_window_leaves_the_turns() -> None:
    connection = answering((4, 100), streams=2)
    connection.receive(wire.window(1, DEFAULT_WINDOW - 100), 0.0)
    assert connection.data(1, bytes(DEFAULT_WINDOW)) == 0
    assert connection.data(3, bytes(300)) == 300
    connection.to_send()
    assert connection.receive(wire.window(0, 1000), 0.0) == []
    assert sizes(connection) == [(3, 100)]
    assert connection.receive(wire.window(3, 1000), 0.0) == [Writable(3)]
    assert sizes(connection) == [(3, 200)]


def test_trailers_go_out_behind_the_data_that_waits() -> None:
    connection = answering((4, 4))
    assert connection.data(1, b"datadata") == 4
    connection.headers(1, TRAILERS, end=True)
    assert sizes(connection) == [(1, 4)]
    assert connection.has(1)
    assert connection.receive(wire.window(1, 4), 0.0) == []
    data, trailers = wire.frames(connection.to_send())
    assert (data.payload, data.flags) == (b"data", 0)
    assert (trailers.kind, trailers.flags) == (wire.HEADERS, wire.END | wire.END_HEADERS)
    assert not connection.has(1)


def test_the_end_goes_out_with_the_last_of_the_data_that_waits() -> None:
    connection = answering((4, 4))
    assert connection.data(1, b"datadata") == 4
    assert connection.data(1, b"data", end=True) == 8
    connection.receive(wire.window(1, 100), 0.0)
    ends = [frame.flags for frame in wire.frames(connection.to_send())]
    assert ends == [0, 0, wire.END]
    assert not connection.has(1)


def test_that_the_end_of_a_stream_has_been_sent_is_told() -> None:
    """A server that has answered resets the stream of a caller who still sends, and not before."""
    connection = fresh(client=True)
    connection.receive(wire.settings((4, 4)), 0.0)
    stream = connection.request(REQUEST, end=False)
    connection.data(stream, b"datadata", end=True)
    assert connection.receive(wire.window(stream, 9), 0.0) == [Writable(stream)]
    assert connection.has(stream)


def test_data_behind_data_that_waits_waits_too() -> None:
    connection = answering((4, 4))
    assert connection.data(1, b"12345678") == 4
    assert connection.data(1, b"9") == 5
    connection.receive(wire.window(1, 9), 0.0)
    assert b"".join(frame.payload for frame in wire.frames(connection.to_send())) == b"123456789"


def test_a_window_of_less_than_nothing_is_made_good_before_more_is_sent() -> None:
    """RFC 9113 §6.9.2: the peer may take back what it gave."""
    connection = answering((4, 100))
    assert connection.data(1, bytes(150)) == 50
    connection.receive(wire.settings((4, 20)), 0.0)
    connection.receive(wire.window(1, 80), 0.0)
    assert sizes(connection) == [(1, 100)]
    assert connection.receive(wire.window(1, 30), 0.0) == []
    assert connection.receive(wire.settings((4, 40)), 0.0)[-1] == Writable(1)
    assert sizes(connection) == [(1, 30), (1, 20)]


@pytest.mark.parametrize("window", [0, -5])
def test_an_empty_end_needs_no_window(window: int) -> None:
    connection = answering((4, 5))
    connection.data(1, b"12345")
    connection.receive(wire.settings((4, 5 + window)), 0.0)
    connection.to_send()
    assert connection.data(1, b"", end=True) == 0
    assert wire.frames(connection.to_send()) == [wire.Frame(wire.DATA, wire.END, 1, b"")]


def test_settings_move_the_windows_of_streams_that_have_begun() -> None:
    connection = answering((4, 4), streams=2)
    assert connection.data(1, b"datadata") == 4
    events = connection.receive(wire.settings((4, 10)), 0.0)
    assert events[1:] == [Writable(1)]
    assert sizes(connection) == [(1, 4), (1, 4)]
    assert connection.data(3, bytes(11)) == 1


def test_what_waits_of_a_stream_that_is_reset_is_dropped() -> None:
    connection = answering((4, 2**20), streams=2)
    connection.data(1, bytes(DEFAULT_WINDOW))
    connection.data(1, b"more")
    connection.data(3, b"other")
    connection.receive(wire.reset(1), 0.0)
    connection.to_send()
    assert connection.waits(1) == 0
    assert connection.receive(wire.window(0, 100), 0.0) == [Writable(3)]
    assert sizes(connection) == [(3, 5)]


def test_credit_is_told_in_steps_of_half_a_window() -> None:
    connection = fresh(client=False, settings=Settings(DEFAULT_WINDOW, DEFAULT_WINDOW))
    connection.receive(wire.headers(1), 0.0)
    half = DEFAULT_WINDOW // 2 + 1
    connection.receive(wire.data(1, bytes(16_384)) * 2, 0.0)
    connection.consumed(1, half - 1)
    assert connection.to_send() == b""
    connection.consumed(1, 1)
    assert wire.frames(connection.to_send()) == wire.frames(
        wire.window(0, half) + wire.window(1, half)
    )


def test_a_stream_whose_peer_has_ended_gets_no_credit() -> None:
    connection = fresh(client=False, settings=Settings(DEFAULT_WINDOW, DEFAULT_WINDOW))
    connection.receive(wire.headers(1), 0.0)
    connection.receive(wire.data(1, bytes(16_384)) * 2 + wire.data(1, b"x", end=True), 0.0)
    connection.consumed(1, 32_769)
    assert wire.frames(connection.to_send()) == wire.frames(wire.window(0, 32_769))


def test_padding_counts_as_credit() -> None:
    connection = fresh(client=False)
    connection.receive(wire.headers(1), 0.0)
    (event,) = connection.receive(wire.frame(wire.DATA, wire.PADDED, 1, b"\3data" + bytes(3)), 0.0)
    assert event == DataReceived(1, b"data", 8, ended=False)
    connection.consumed(1, 8)
    with pytest.raises(MisuseError):
        connection.consumed(1, 1)


@pytest.mark.parametrize(
    "lost",
    [wire.reset(1) + wire.data(1, bytes(9)), wire.data(1, b"", end=True) + wire.data(1, bytes(9))],
)
def test_data_that_nobody_sees_counts_for_the_connection_and_is_given_back(lost: bytes) -> None:
    """RFC 9113 §6.9: even a frame in error counts, or both sides disagree for ever."""
    connection = fresh(client=False)
    connection.receive(wire.headers(1) + lost, 0.0)
    inflow = connection._receiver.inflow
    assert inflow._room + inflow._owed == connection.settings.connection_window
    assert inflow._owed == 9


def test_more_than_the_connections_window_ends_it() -> None:
    connection = fresh(client=False, settings=Settings(2**20, 2**20))
    connection.receive(wire.headers(1) + wire.headers(3), 0.0)
    most = wire.data(1, bytes(2**14)) * 32 + wire.data(3, bytes(2**14)) * 32
    assert len(connection.receive(most, 0.0)) == 64
    connection.receive(wire.data(3, b"x"), 0.0)
    assert connection.ended is not None
    assert connection.ended.code is ErrorCode.FLOW_CONTROL_ERROR


def test_a_long_answer_passes_through_small_windows() -> None:
    settings = Settings(DEFAULT_WINDOW, DEFAULT_WINDOW)
    pair = Pair(settings=settings)
    stream = pair.client.request(REQUEST, end=True)
    pair.to_server()
    body = bytes(range(256)) * 4096
    pair.server.headers(stream, RESPONSE)
    pair.server.data(stream, body)
    pair.server.headers(stream, TRAILERS, end=True)
    got, ended = bytearray(), False
    while not ended:
        for event in pair.to_client():
            if isinstance(event, DataReceived):
                got += event.data
                pair.client.consumed(stream, event.credit)
            ended = isinstance(event, TrailersReceived)
        pair.to_server()
    assert bytes(got) == body
    assert pair.client.open_streams == pair.server.open_streams == 0


def test_a_stream_error_of_data_is_told_and_its_credit_kept_straight() -> None:
    connection = fresh(client=False)
    connection.receive(wire.headers(1, (*wire.REQUEST, (b"content-length", b"3"))), 0.0)
    (event,) = connection.receive(wire.data(1, b"12345"), 0.0)
    assert isinstance(event, StreamReset)
    assert event.local
    assert "content-length" in event.text
    assert connection._receiver.inflow._owed == 5

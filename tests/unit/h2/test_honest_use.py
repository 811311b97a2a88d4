"""Heavy use that is nobody's attack trips no limit."""

from __future__ import annotations

import pytest

from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.events import (
    ConnectionEnded,
    DataReceived,
    Event,
    HeadersReceived,
    StreamReset,
    Writable,
)
from gateway.h2.limits import Limits
from tests.unit.h2 import wire
from tests.unit.h2.ends import REQUEST, RESPONSE, fresh
from tests.unit.h2.pairs import Pair

TRAILERS = b"\0\x0bgrpc-status\x010"


def unharmed(connection: Connection, sent: bytes, now: float = 0.0) -> list[Event]:
    """Take bytes in and see that the connection goes on."""
    events = connection.receive(sent, now)
    assert connection.ended is None
    return events


def test_a_thousand_streams_cancelled_at_once_by_their_caller_harm_nobody() -> None:
    """Their answers, whole ones, were on their way."""
    pair = Pair()
    streams = [pair.client.request(REQUEST, end=True) for _ in range(1000)]
    pair.to_server()
    for stream in streams:
        pair.server.headers(stream, RESPONSE)
        pair.server.data(stream, b"answer" * 9)
        pair.server.data(stream, b"answer" * 9)
        pair.server.headers(stream, TRAILERS, end=True)
    for stream in streams:
        pair.client.reset(stream)
    assert pair.to_client() == []
    pair.to_server()
    assert pair.client.open_streams == pair.server.open_streams == 0
    again = pair.client.request(REQUEST, end=True)
    assert [type(event) for event in pair.to_server()] == [HeadersReceived]
    pair.server.headers(again, RESPONSE, end=True)
    assert [type(event) for event in pair.to_client()] == [HeadersReceived]


def test_a_thousand_streams_cancelled_before_their_answer_harm_nobody() -> None:
    pair = Pair()
    streams = [pair.client.request(REQUEST, end=True) for _ in range(1000)]
    pair.to_server()
    for stream in streams:
        pair.client.reset(stream)
    events = pair.to_server()
    assert [type(event) for event in events] == [StreamReset] * 1000


def test_a_client_that_hedges_may_cancel_every_second_request_for_ever() -> None:
    """A stream that ends in peace allows one that does not."""
    connection = fresh(client=False)
    for stream in range(1, 40_001, 4):
        unharmed(connection, wire.headers(stream, end=True) + wire.headers(stream + 2, end=True))
        connection.headers(stream, RESPONSE, end=True)
        unharmed(connection, wire.reset(stream + 2))
        connection.to_send()


def test_answers_that_are_broken_off_midway_are_no_rapid_reset() -> None:
    connection = fresh(client=False)
    for stream in range(1, 10_001, 2):
        unharmed(connection, wire.headers(stream, end=True))
        connection.headers(stream, RESPONSE)
        connection.data(stream, b"token")
        unharmed(connection, wire.reset(stream))
        connection.to_send()


def test_a_server_may_reset_every_request_of_ours_that_it_has_answered() -> None:
    """RFC 9113 §8.1: with NO_ERROR, where it does not care for the rest of the request."""
    connection = fresh(client=True)
    for _ in range(5000):
        stream = connection.request(REQUEST, end=False)
        answer = wire.headers(stream, wire.RESPONSE, end=True) + wire.reset(stream, 0)
        events = unharmed(connection, answer)
        assert [type(event) for event in events] == [HeadersReceived, StreamReset]
        connection.to_send()


def test_ten_thousand_updates_of_a_long_download_harm_nobody() -> None:
    """Two for each frame, of its stream and of the connection, without any time going by."""
    connection = fresh(client=False)
    unharmed(connection, wire.headers(1, end=True))
    connection.headers(1, RESPONSE)
    for _ in range(10_000):
        connection.data(1, bytes(4096))
        size = sum(
            len(frame.payload) for frame in wire.frames(connection.to_send()) if not frame.kind
        )
        if size:
            unharmed(connection, wire.window(1, size) + wire.window(0, size))


def test_updates_of_four_kilobytes_each_of_a_long_download_harm_nobody() -> None:
    """As some clients send them, while more always waits."""
    connection = fresh(client=False)
    unharmed(connection, wire.headers(1, end=True))
    connection.headers(1, RESPONSE)
    connection.data(1, bytes(100 * 2**20))
    for _ in range(20_000):
        unharmed(connection, wire.window(1, 4096) + wire.window(0, 4096))
        connection.to_send()


@pytest.mark.parametrize("client", [False, True])
def test_keepalive_pings_for_a_day_harm_nobody(client: bool) -> None:
    connection = fresh(client=client)
    for now in range(0, 86_400, 10):
        unharmed(connection, wire.ping(), float(now))
        assert wire.frames(connection.to_send()) == [
            wire.Frame(wire.PING, wire.ACK, 0, b"12345678")
        ]


def test_pings_that_measure_the_line_while_data_comes_harm_nobody() -> None:
    """One for each round trip, which is short where both ends share a machine."""
    connection = fresh(client=False)
    unharmed(connection, wire.settings((4, 2**31 - 1)) + wire.window(0, 2**30))
    unharmed(connection, wire.headers(1, end=True))
    connection.headers(1, RESPONSE)
    for _ in range(5000):
        connection.data(1, b"x")
        connection.to_send()
        unharmed(connection, wire.ping())


def test_a_million_bytes_in_small_messages_harm_nobody() -> None:
    pair = Pair()
    stream = pair.client.request(REQUEST, end=False)
    got = 0
    for _ in range(20_000):
        pair.client.data(stream, b"x" * 50)
        for event in pair.to_server():
            if isinstance(event, DataReceived):
                got += len(event.data)
                pair.server.consumed(stream, event.credit)
        pair.to_client()
    assert got == 1_000_000


def test_a_window_of_single_bytes_is_enough_in_the_end() -> None:
    connection = fresh(client=False)
    unharmed(connection, wire.settings((4, 1)) + wire.headers(1, end=True))
    connection.headers(1, RESPONSE)
    assert connection.data(1, b"abc", end=True) == 2
    assert unharmed(connection, wire.window(1, 1)) == []
    assert unharmed(connection, wire.window(1, 1)) == []
    assert b"".join(f.payload for f in wire.frames(connection.to_send()) if not f.kind) == b"abc"


def test_a_goaway_with_a_thousand_requests_on_their_way_harms_nobody() -> None:
    pair = Pair()
    streams = [pair.client.request(REQUEST, end=False) for _ in range(1000)]
    for stream in streams:
        pair.client.data(stream, b"message")
        pair.client.data(stream, b"message", end=True)
    pair.server.go_away()
    assert [event for event in pair.to_server() if not isinstance(event, Writable)] == []
    refused = [event for event in pair.to_client() if type(event).__name__ == "StreamRefused"]
    assert len(refused) == 1000


def test_refused_streams_of_a_client_that_has_not_heard_of_the_limit_harm_nobody() -> None:
    pair = Pair(limits=Limits(max_concurrent=100), greeted=False)
    streams = [pair.client.request(REQUEST, end=True) for _ in range(1000)]
    pair.to_server()
    events = pair.to_client()
    refused = [event for event in events if isinstance(event, StreamReset)]
    assert {event.code for event in refused} == {ErrorCode.REFUSED_STREAM}
    assert len(refused) == 900
    assert pair.server.open_streams == 100
    assert len(streams) == 1000
    assert not any(isinstance(event, ConnectionEnded) for event in events)

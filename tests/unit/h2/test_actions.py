"""What we may do with a connection, and what it then writes."""

from __future__ import annotations

import pytest

from gateway.h2 import frames
from gateway.h2.codes import ErrorCode, MisuseError
from gateway.h2.connection import Connection
from gateway.h2.events import ConnectionEnded, SettingsChanged, StreamReset
from gateway.h2.lifecycle import TABLE, Input, Refusal, State, after
from gateway.h2.limits import Limits
from gateway.h2.settings import Settings
from tests.unit.h2 import wire
from tests.unit.h2.ends import HALF_LOCAL, IDLE, OPEN, REQUEST, RESPONSE, client, fresh, server


def test_a_connection_begins_with_our_settings_and_the_rest_of_its_window() -> None:
    connection = Connection(client=False, limits=Limits(max_concurrent=7, fields=99))
    connection.start()
    settings, update = wire.frames(connection.to_send())
    pairs = ((1, 0), (2, 0), (3, 7), (4, 256 * 1024), (5, 2**14), (6, 99))
    assert settings == wire.frames(wire.settings(*pairs))[0]
    assert update == wire.frames(wire.window(0, 4 * 2**20 - 65_535))[0]


def test_a_client_begins_with_the_preface_and_takes_no_push() -> None:
    connection = Connection(client=True, settings=Settings(65_535, 65_535))
    connection.start()
    sent = connection.to_send()
    assert sent.startswith(wire.PREFACE)
    (settings,) = wire.frames(sent)
    assert b"\0\2\0\0\0\0\0\3\0\0\0\0" in settings.payload


@pytest.mark.parametrize(
    "wrong",
    [
        (65_534, 65_535),
        (65_536, 65_535),
        (65_535, 2**31),
        (65_535, 65_535, 2**14 - 1),
        (65_535, 65_535, 2**24),
    ],
)
def test_settings_that_the_protocol_does_not_allow_are_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Settings(*wrong)


def test_the_first_block_of_a_connection_empties_the_table() -> None:
    connection = fresh(client=True)
    for first in (b"\x20", b""):
        connection.request(b"\x82", end=True)
        (sent,) = wire.frames(connection.to_send())
        assert sent.payload == first + b"\x82"


def test_requests_are_numbered_and_bounded_by_the_peer() -> None:
    connection = fresh(client=True)
    assert connection.can_request
    connection.receive(wire.settings((3, 2)), 0.0)
    assert [connection.request(REQUEST, end=True) for _ in range(2)] == [1, 3]
    assert not connection.can_request
    with pytest.raises(MisuseError):
        connection.request(REQUEST, end=True)
    connection.receive(wire.headers(1, wire.RESPONSE, end=True), 0.0)
    assert connection.request(REQUEST, end=True) == 5


def test_a_server_makes_no_requests() -> None:
    with pytest.raises(MisuseError):
        fresh(client=False).request(REQUEST, end=True)


def test_a_client_runs_out_of_streams_and_says_so() -> None:
    connection = fresh(client=True)
    connection._streams.next_id = frames.MAX_ID
    assert connection.request(REQUEST, end=True) == 2**31 - 1
    assert not connection.can_request


def test_the_last_stream_of_all_is_served() -> None:
    connection = fresh(client=False)
    connection.receive(wire.headers(2**31 - 1, end=True), 0.0)
    connection.headers(2**31 - 1, RESPONSE, end=True)
    assert connection.open_streams == 0


def test_no_request_is_made_to_a_peer_that_goes_away() -> None:
    connection = fresh(client=True)
    assert not connection.leaving
    connection.receive(wire.goaway(2**31 - 1), 0.0)
    assert not connection.can_request
    assert connection.leaving


def test_the_peers_settings_are_told() -> None:
    connection = fresh(client=True)
    (event,) = connection.receive(wire.settings((3, 9), (4, 8), (5, 2**15), (6, 7)), 0.0)
    assert event == SettingsChanged(9, 8, 2**15, 7)


@pytest.mark.parametrize("stream", [IDLE, HALF_LOCAL])
def test_nothing_is_sent_on_a_stream_that_takes_nothing(stream: int) -> None:
    connection = server()
    with pytest.raises(MisuseError):
        connection.data(stream, b"x")
    with pytest.raises(MisuseError):
        connection.headers(stream, RESPONSE)
    assert connection.to_send() == b""


def test_no_data_goes_before_the_headers_of_a_response() -> None:
    connection = server()
    with pytest.raises(MisuseError):
        connection.data(OPEN, b"x")
    connection.headers(OPEN, RESPONSE)
    assert connection.data(OPEN, b"x") == 0


def test_nothing_goes_behind_an_end_that_waits() -> None:
    connection = server()
    connection.receive(wire.settings((4, 0)), 0.0)
    connection.headers(OPEN, RESPONSE)
    connection.data(OPEN, b"x")
    with pytest.raises(MisuseError):
        connection.headers(OPEN, RESPONSE)
    connection.data(OPEN, b"y", end=True)
    with pytest.raises(MisuseError):
        connection.data(OPEN, b"z")
    with pytest.raises(MisuseError):
        connection.headers(OPEN, RESPONSE, end=True)


def test_a_reset_is_sent_once_and_only_for_streams_that_are_open() -> None:
    connection = server()
    connection.reset(OPEN, ErrorCode.INTERNAL_ERROR)
    connection.reset(OPEN)
    connection.reset(IDLE)
    assert wire.frames(connection.to_send()) == wire.frames(wire.reset(OPEN, 2))
    assert connection.waits(OPEN) == 0


def test_a_ping_has_8_bytes() -> None:
    connection = fresh(client=True)
    connection.ping(b"12345678")
    assert connection.to_send() == wire.ping()
    with pytest.raises(MisuseError):
        connection.ping(b"1234567")


def test_nothing_is_sent_where_nothing_is_to_be_said() -> None:
    connection = fresh(client=True)
    assert connection.to_send() == b""


def _last_of(connection: Connection) -> list[int]:
    found = wire.frames(connection.to_send())
    return [
        int.from_bytes(frame.payload[:4], "big") for frame in found if frame.kind == wire.GOAWAY
    ]


def test_going_away_is_first_said_and_then_meant() -> None:
    connection = fresh(client=False)
    connection.receive(wire.headers(1), 0.0)
    connection.go_away(soon=True)
    assert len(connection.receive(wire.headers(3), 0.0)) == 1
    connection.go_away(ErrorCode.NO_ERROR, "maintenance")
    assert _last_of(connection) == [2**31 - 1, 3]
    assert connection.receive(wire.headers(5), 0.0) == []


def test_the_last_stream_of_a_goaway_never_grows() -> None:
    """RFC 9113 §6.8: the peer may have sent the others elsewhere already."""
    connection = fresh(client=False)
    connection.receive(wire.headers(1), 0.0)
    connection.go_away()
    connection.receive(wire.headers(3), 0.0)
    connection.go_away(soon=True)
    connection.go_away()
    connection.receive(wire.window(0, 0), 0.0)
    assert _last_of(connection) == [1, 1, 1, 1]


def test_a_client_goes_away_from_streams_that_nobody_pushed() -> None:
    connection = client()
    connection.go_away()
    assert _last_of(connection) == [0]


def test_an_end_is_told_to_the_peer_and_to_us_and_nothing_is_read_behind_it() -> None:
    connection = server()
    (ended,) = connection.receive(wire.window(0, 0) + wire.data(OPEN), 0.0)
    assert isinstance(ended, ConnectionEnded)
    assert connection.ended is ended
    assert connection.leaving
    assert not connection.can_request
    (last,) = wire.frames(connection.to_send())
    assert last.payload[8:] == ended.text.encode()
    assert connection.receive(wire.data(OPEN), 0.0) == []


def test_what_came_before_an_error_is_told() -> None:
    connection = server()
    told = connection.receive(wire.data(OPEN) + wire.window(0, 0), 0.0)
    assert [type(event).__name__ for event in told] == ["DataReceived", "ConnectionEnded"]


def test_a_reset_of_the_peers_is_told_with_its_code() -> None:
    connection = server()
    assert connection.receive(wire.reset(OPEN, 99), 0.0) == [StreamReset(OPEN, 99)]


def test_the_table_of_states_is_that_of_the_rfc() -> None:
    """Each row: what may come, and what we may send."""
    may = {state: {event for event in Input if after(state, event) is not None} for state in State}
    coming = {Input.GET_HEADERS, Input.GET_DATA, Input.GET_END}
    going = {Input.PUT_HEADERS, Input.PUT_DATA, Input.PUT_END}
    always = {Input.GET_WINDOW, Input.GET_RESET, Input.PUT_RESET}
    assert may == {
        State.IDLE: {Input.GET_HEADERS, Input.PUT_HEADERS},
        State.OPEN: set(Input),
        State.HALF_LOCAL: coming | always,
        State.HALF_REMOTE: going | always,
        State.CLOSED: set(),
    }
    assert {type(found) for row in TABLE for found in row} == {State, Refusal}
    assert {len(row) for row in TABLE} == {len(Input)}

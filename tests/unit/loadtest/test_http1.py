from __future__ import annotations

import pytest
from ensemble_loadtest.http1 import Connection

from tests.fakes.loadtest_wire import Heard, Wire

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n"


class Rig:
    def __init__(self) -> None:
        self.freed = 0
        self.gone = 0
        self.connection = Connection(self._freed, self._gone)
        self.wire = Wire()
        self.connection.connection_made(self.wire)
        self.heard = Heard()
        self.connection.send(self.heard, b"POST")

    def _freed(self, _: Connection) -> None:
        self.freed += 1

    def _gone(self, _: Connection) -> None:
        self.gone += 1


SIZED = HEAD + b"content-length: 6\r\n\r\nanswer"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nans\r\n3;x=y\r\nwer\r\n0\r\n\r\n"
TRAILED = HEAD + b"transfer-encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\nx-a: b\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED


@pytest.mark.parametrize("raw", [SIZED, CHUNKED, TRAILED, CONTINUED])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_answer_is_read_however_it_is_cut(raw: bytes, size: int) -> None:
    rig = Rig()
    for start in range(0, len(raw), size):
        rig.connection.data_received(raw[start : start + size])
    assert (rig.heard.log[0], rig.heard.body, rig.heard.log[-1]) == (200, b"answer", "end")
    assert (rig.freed, rig.gone) == (1, 0)


def test_the_connection_serves_one_request_after_the_other() -> None:
    rig = Rig()
    rig.connection.data_received(SIZED)
    again = Heard()
    rig.connection.send(again, b"POST again")
    rig.connection.data_received(CHUNKED)
    assert rig.wire.written == [b"POST", b"POST again"]
    assert again.body == b"answer"
    assert rig.freed == 2


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    rig = Rig()
    rig.connection.data_received(HEAD + b"\r\nans")
    rig.connection.data_received(b"wer")
    rig.connection.connection_lost(None)
    assert rig.heard.log == [200, b"ans", b"wer", "end"]
    assert (rig.freed, rig.gone) == (0, 1)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"]
)
def test_a_server_that_closes_gets_no_second_request(line: bytes) -> None:
    rig = Rig()
    rig.connection.data_received(line + b"content-length: 0\r\n\r\n")
    assert rig.heard.log == [200, "end"]
    assert (rig.freed, rig.wire.aborted) == (0, True)


def test_a_connection_that_is_lost_in_the_middle_is_told() -> None:
    rig = Rig()
    rig.connection.data_received(SIZED[:-1])
    rig.connection.connection_lost(None)
    assert rig.heard.log[-1] == "CONNECTION_LOST"


@pytest.mark.parametrize(
    "raw",
    [b"HELLO\r\n\r\n", HEAD + b"content-length: x\r\n\r\n", b"x" * 70_000,
     HEAD + b"transfer-encoding: chunked\r\n\r\nnope\r\n"],
    ids=["no HTTP", "no length", "an endless head", "no chunk"],
)  # fmt: skip
def test_what_is_no_http_ends_the_connection(raw: bytes) -> None:
    rig = Rig()
    rig.connection.data_received(raw)
    assert rig.heard.log[-1] == "PROTOCOL_ERROR"
    assert rig.wire.aborted


def test_a_request_that_is_given_up_is_told_nothing() -> None:
    rig = Rig()
    rig.connection.close()
    rig.connection.connection_lost(None)
    assert rig.heard.log == []
    assert rig.gone == 1

"""Connections in the middle of their life, with one stream in each state."""

from __future__ import annotations

from gateway.h2.connection import Connection
from gateway.h2.limits import Limits
from gateway.h2.settings import Settings
from gateway.h2.writing import block
from tests.unit.h2 import wire

REQUEST, RESPONSE = block(wire.REQUEST), block(wire.RESPONSE)

OPEN, HALF_REMOTE, CLOSED, RESET_BY_PEER, RESET_BY_US, HALF_LOCAL, ANSWERED, IDLE = range(1, 16, 2)
"""The streams of `server` and `client`, by their state. ANSWERED: half-closed (local) at a client,
half-closed (remote) at a server, with the headers of the response behind it."""


def fresh(
    *, client: bool, limits: Limits | None = None, settings: Settings | None = None
) -> Connection:
    """Begin a connection with both settings acknowledged."""
    connection = Connection(client=client, limits=limits, settings=settings)
    connection.start()
    greeting = b"" if client else wire.PREFACE
    assert connection.receive(greeting + wire.settings() + wire.SETTINGS_ACK, 0.0)
    connection.to_send()
    return connection


def server(limits: Limits | None = None, settings: Settings | None = None) -> Connection:
    """Stand on the server's side of one stream in each state."""
    connection = fresh(client=False, limits=limits, settings=settings)
    for stream in range(OPEN, IDLE, 2):
        end = stream in {HALF_REMOTE, CLOSED, ANSWERED}
        connection.receive(wire.headers(stream, end=end), 0.0)
    connection.headers(CLOSED, RESPONSE, end=True)
    connection.receive(wire.reset(RESET_BY_PEER), 0.0)
    connection.reset(RESET_BY_US)
    connection.headers(HALF_LOCAL, RESPONSE, end=True)
    connection.headers(ANSWERED, RESPONSE)
    connection.to_send()
    return connection


def client(limits: Limits | None = None, settings: Settings | None = None) -> Connection:
    """Stand on the client's side of one stream in each state."""
    connection = fresh(client=True, limits=limits, settings=settings)
    for stream in range(OPEN, IDLE, 2):
        end = stream in {CLOSED, HALF_LOCAL, ANSWERED}
        assert connection.request(REQUEST, end=end) == stream
    sent = b"".join(
        wire.headers(stream, wire.RESPONSE, end=stream != ANSWERED)
        for stream in (HALF_REMOTE, CLOSED, ANSWERED)
    )
    connection.receive(sent + wire.reset(RESET_BY_PEER), 0.0)
    connection.reset(RESET_BY_US)
    connection.to_send()
    return connection

"""What must hold of a connection and of a reader of header blocks, whatever comes.

The targets of the fuzzer try it with what they make up, a test with their seeds.
"""

from __future__ import annotations

from gateway.h2.codes import ErrorCode, PeerError
from gateway.h2.connection import Connection
from gateway.h2.events import (
    ConnectionEnded,
    DataReceived,
    Event,
    HeadersReceived,
    TrailersReceived,
    Writable,
)
from gateway.h2.limits import Limits
from gateway.h2.reading import BlockReader, FieldCache
from gateway.h2.settings import Settings
from gateway.h2.writing import block
from tests.unit.h2 import wire
from tests.unit.h2.library import library_read, read

REQUEST, RESPONSE = block(wire.REQUEST), block(wire.RESPONSE)
TRAILERS = block(wire.TRAILERS)
LIMITS = Limits(max_concurrent=20, header_block=4096, continuations=4, fields=2048, field_count=30)
SETTINGS = Settings(65_535, 65_535)
GREETING = wire.settings() + wire.SETTINGS_ACK
CACHE = FieldCache(most=64)
BLOCKS = Limits(fields=2**20, field_count=2**16)


def read_alike(raw: bytes) -> None:
    """Read one block as the library does, with what others left in the cache, and with a table."""
    reader = BlockReader(CACHE, BLOCKS)
    reader.acknowledged()
    expected = library_read(raw)
    for _ in range(3):
        assert read(reader, raw) == expected
    stateful = BlockReader(FieldCache(), BLOCKS)
    for at in range(0, len(raw), 16):
        try:
            stateful.read(raw[at : at + 16])
        except PeerError:
            break


def checked(data: bytes, *, client: bool) -> None:
    """Hand bytes to two connections, whole and cut; the first three say where and how they begin.

    Raises AssertionError when they differ, or when one breaks a rule of its own.
    """
    if len(data) < 3:
        return
    cut, begun, rest = 1 + data[0], data[1], data[2:]
    whole, parts = _begun(begun, client=client), _begun(begun, client=client)
    expected = _driven(whole, [rest])
    pieces = [rest[at : at + cut] for at in range(0, len(rest), cut)]
    assert _driven(parts, pieces) == expected
    assert parts.ended == whole.ended


def _begun(how: int, *, client: bool) -> Connection:
    connection = Connection(client=client, settings=SETTINGS, limits=LIMITS)
    connection.start()
    if how & 1:
        connection.receive((b"" if client else wire.PREFACE) + GREETING, 0.0)
    if client:
        for stream in range(how >> 1 & 3):
            connection.request(REQUEST, end=stream == 1)
    connection.to_send()
    return connection


def _driven(connection: Connection, parts: list[bytes]) -> list[Event]:
    """Receive, and say what came; what came is used only at the end, so that cuts do not matter."""
    told: list[Event] = []
    for part in parts:
        told += connection.receive(part, 0.0)
    ends = [event for event in told if isinstance(event, ConnectionEnded)]
    assert len(ends) == (connection.ended is not None)
    assert connection.open_streams <= LIMITS.max_concurrent
    wire.frames(connection.to_send())
    for event in told:
        _used(connection, event)
    inflow = connection._receiver.inflow
    assert 0 <= inflow._room + inflow._owed <= SETTINGS.connection_window or connection.ended
    _sent(connection)
    return told


def _used(connection: Connection, event: Event) -> None:
    """Act as a caller would."""
    match event:
        case DataReceived():
            connection.consumed(event.stream_id, event.credit)
        case HeadersReceived() if not connection.client and connection.has(event.stream_id):
            connection.headers(event.stream_id, RESPONSE)
            connection.data(event.stream_id, b"x" * 30_000)
        case TrailersReceived() if connection.has(event.stream_id) and not connection.client:
            connection.headers(event.stream_id, TRAILERS, end=True)
        case Writable() if connection.has(event.stream_id):
            connection.reset(event.stream_id, ErrorCode.CANCEL)
        case _:
            pass


def _sent(connection: Connection) -> None:
    """See that what is written is whole frames, none longer than the peer takes."""
    for frame in wire.frames(connection.to_send()):
        assert len(frame.payload) <= connection._sender.peer.max_frame
        assert frame.kind <= wire.CONTINUATION

"""One rule of a text as a case: what is sent, and what has to follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.events import ConnectionEnded, StreamReset
from tests.unit.h2 import wire
from tests.unit.h2.ends import client, server

Place = Callable[[], Connection]


@dataclass(frozen=True, slots=True)
class Ends:
    """The connection ends: a GOAWAY of this code, and nothing behind it."""

    code: ErrorCode


@dataclass(frozen=True, slots=True)
class Resets:
    """A stream error: a RST_STREAM of this code; the connection goes on."""

    stream: int
    code: ErrorCode


@dataclass(frozen=True, slots=True)
class Tells:
    """Nothing is wrong: these events, by the names of their types."""

    events: tuple[str, ...]


Reaction = Ends | Resets | Tells


def tells(*events: str) -> Tells:
    """Expect events, and no error."""
    return Tells(events)


NOTHING = tells()


@dataclass(frozen=True, slots=True)
class Case:
    """`section` of the text says that `reaction` follows when `sent` comes."""

    section: str
    what: str
    sent: bytes
    reaction: Reaction
    place: Place = server


def at_client(section: str, what: str, sent: bytes, reaction: Reaction) -> Case:
    """Write a case of a client."""
    return Case(section, what, sent, reaction, client)


def named(case: Case) -> str:
    """Name a case for a report."""
    return f"{case.section} {case.place.__name__}: {case.what}"


def reaction_of(connection: Connection, sent: bytes) -> Reaction:
    """Say how a connection reacts. A PING behind it shows that it goes on, or does not."""
    ping = wire.ping(b"lookhere")
    events = connection.receive(sent + ping, 0.0)
    answers = wire.frames(connection.to_send())
    if isinstance(events[-1], ConnectionEnded):
        ended = events[-1]
        assert answers[-1].kind == wire.GOAWAY
        assert answers[-1].payload[4:8] == int(ended.code).to_bytes(4, "big")
        assert connection.receive(ping, 0.0) == []
        return Ends(ended.code)
    assert wire.Frame(wire.PING, wire.ACK, 0, b"lookhere") == answers[-1]
    resets = [answer for answer in answers if answer.kind == wire.RST_STREAM]
    if resets:
        (reset,) = resets
        code = ErrorCode(int.from_bytes(reset.payload, "big"))
        told = [event for event in events if isinstance(event, StreamReset)]
        assert all((event.stream_id, event.code) == (reset.stream, code) for event in told)
        assert not connection.has(reset.stream)
        return Resets(reset.stream, code)
    return Tells(tuple(type(event).__name__ for event in events[:-1]))


def sections(cases: Iterable[Case]) -> dict[str, int]:
    """Count the cases of each section."""
    counts: dict[str, int] = {}
    for case in cases:
        counts[case.section] = counts.get(case.section, 0) + 1
    return counts

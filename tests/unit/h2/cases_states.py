"""RFC 9113, section 5.1: every frame on a stream of every state, on both sides."""

from __future__ import annotations

from gateway.h2.codes import ErrorCode
from tests.unit.h2 import wire
from tests.unit.h2.cases import NOTHING, Case, Ends, Reaction, Resets, at_client, tells
from tests.unit.h2.ends import (
    ANSWERED,
    CLOSED,
    HALF_LOCAL,
    HALF_REMOTE,
    IDLE,
    OPEN,
    RESET_BY_PEER,
    RESET_BY_US,
)

PROTOCOL, SHUT = Ends(ErrorCode.PROTOCOL_ERROR), Ends(ErrorCode.STREAM_CLOSED)
DATA, TRAILERS, TOLD_RESET = tells("DataReceived"), tells("TrailersReceived"), tells("StreamReset")
HEADERS = tells("HeadersReceived")
PRIORITY = bytes(5)

KINDS = ("HEADERS", "DATA", "PRIORITY", "RST_STREAM", "WINDOW_UPDATE", "CONTINUATION")
"""PUSH_PROMISE ends every connection, and the other types stand on stream 0."""


def _frames(stream: int, *, trailers: bool) -> tuple[bytes, ...]:
    fields = wire.TRAILERS if trailers else wire.REQUEST
    return (
        wire.headers(stream, fields, end=trailers),
        wire.data(stream),
        wire.frame(wire.PRIORITY, 0, stream, PRIORITY),
        wire.reset(stream),
        wire.window(stream, 1),
        wire.frame(wire.CONTINUATION, wire.END_HEADERS, stream, wire.block(wire.TRAILERS)),
    )


def _late(stream: int) -> Resets:
    return Resets(stream, ErrorCode.STREAM_CLOSED)


AT_SERVER: dict[str, tuple[int, tuple[Reaction, ...]]] = {
    "idle": (IDLE, (HEADERS, PROTOCOL, NOTHING, PROTOCOL, PROTOCOL, PROTOCOL)),
    "idle, of the server": (2, (PROTOCOL, PROTOCOL, NOTHING, PROTOCOL, PROTOCOL, PROTOCOL)),
    "open": (OPEN, (TRAILERS, DATA, NOTHING, TOLD_RESET, NOTHING, PROTOCOL)),
    "half-closed (remote)": (
        HALF_REMOTE,
        (_late(HALF_REMOTE), _late(HALF_REMOTE), NOTHING, TOLD_RESET, NOTHING, PROTOCOL),
    ),
    "half-closed (remote), answered": (
        ANSWERED,
        (_late(ANSWERED), _late(ANSWERED), NOTHING, TOLD_RESET, NOTHING, PROTOCOL),
    ),
    "half-closed (local)": (HALF_LOCAL, (TRAILERS, DATA, NOTHING, TOLD_RESET, NOTHING, PROTOCOL)),
    "closed": (CLOSED, (SHUT, SHUT, NOTHING, NOTHING, NOTHING, PROTOCOL)),
    "closed by our reset": (
        RESET_BY_US,
        (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, PROTOCOL),
    ),
    "closed by the peer's reset": (
        RESET_BY_PEER,
        (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, PROTOCOL),
    ),
}

AT_CLIENT: dict[str, tuple[int, tuple[Reaction, ...]]] = {
    "idle": (IDLE, (PROTOCOL, PROTOCOL, NOTHING, PROTOCOL, PROTOCOL, PROTOCOL)),
    "idle, of the server": (2, (PROTOCOL, PROTOCOL, NOTHING, PROTOCOL, PROTOCOL, PROTOCOL)),
    "half-closed (local), answered": (
        ANSWERED,
        (TRAILERS, DATA, NOTHING, TOLD_RESET, NOTHING, PROTOCOL),
    ),
    "half-closed (remote)": (
        HALF_REMOTE,
        (_late(HALF_REMOTE), _late(HALF_REMOTE), NOTHING, TOLD_RESET, NOTHING, PROTOCOL),
    ),
    "closed": (CLOSED, (SHUT, SHUT, NOTHING, NOTHING, NOTHING, PROTOCOL)),
    "closed by our reset": (
        RESET_BY_US,
        (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, PROTOCOL),
    ),
    "closed by the peer's reset": (
        RESET_BY_PEER,
        (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, PROTOCOL),
    ),
}

_FIRST = {"idle", "idle, of the server"}

CASES = (
    *(
        Case("5.1", f"{kind} on a stream that is {state}", sent, reaction)
        for state, (stream, reactions) in AT_SERVER.items()
        for kind, sent, reaction in zip(
            KINDS, _frames(stream, trailers=state not in _FIRST), reactions, strict=True
        )
    ),
    *(
        at_client("5.1", f"{kind} on a stream that is {state}", sent, reaction)
        for state, (stream, reactions) in AT_CLIENT.items()
        for kind, sent, reaction in zip(
            KINDS, _frames(stream, trailers=state not in _FIRST), reactions, strict=True
        )
    ),
    at_client(
        "5.1",
        "a response on a stream that is open",
        wire.headers(OPEN, wire.RESPONSE) + wire.data(OPEN, end=True),
        tells("HeadersReceived", "DataReceived"),
    ),
    at_client(
        "5.1",
        "a response on a stream that is half-closed (local)",
        wire.headers(HALF_LOCAL, wire.RESPONSE) + wire.data(HALF_LOCAL, end=True),
        tells("HeadersReceived", "DataReceived"),
    ),
    Case(
        "5.1",
        "DATA, and then again after END_STREAM",
        wire.data(OPEN, end=True) + wire.data(OPEN),
        _late(OPEN),
    ),
    Case(
        "5.1",
        "many frames on a stream that we reset",
        wire.data(RESET_BY_US) * 9 + wire.headers(RESET_BY_US, wire.TRAILERS, end=True),
        NOTHING,
    ),
)

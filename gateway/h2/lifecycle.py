"""The life of a stream (RFC 9113 §5.1) as a table.

Two rules: a stream's state changes here and nowhere else; and a frame that carries END_STREAM is
two inputs, the frame and the end. What stands in no row may not happen: `CONNECTION` says that the
connection ends by it, `STREAM` that the stream is reset, `IGNORED` that it is passed over.
Nobody pushes here, so the reserved states are left out.
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a stream stands, seen from here."""

    IDLE = 0
    OPEN = 1
    HALF_LOCAL = 2
    """We have sent all; the peer may send."""
    HALF_REMOTE = 3
    """The peer has sent all; we may send."""
    CLOSED = 4


class Input(IntEnum):
    """What happens to a stream."""

    GET_HEADERS = 0
    GET_DATA = 1
    GET_END = 2
    GET_WINDOW = 3
    GET_RESET = 4
    PUT_HEADERS = 5
    PUT_DATA = 6
    PUT_END = 7
    PUT_RESET = 8


class Refusal(IntEnum):
    """What becomes of an input that no state follows; below 0, unlike every state."""

    CONNECTION = -1
    STREAM = -2
    IGNORED = -3


Next = State | Refusal

_I, _O, _L, _R, _C = State.IDLE, State.OPEN, State.HALF_LOCAL, State.HALF_REMOTE, State.CLOSED
_CONN, _STRM, _PASS = Refusal.CONNECTION, Refusal.STREAM, Refusal.IGNORED

TABLE: tuple[tuple[Next, ...], ...] = (
    # The peer's: headers, data, end, window, reset; ours: headers, data, end, reset.
    # IDLE: only headers may come; everything else is a connection error of type PROTOCOL_ERROR.
    (_O, _CONN, _CONN, _CONN, _CONN, _O, _CONN, _CONN, _CONN),
    # OPEN
    (_O, _O, _R, _O, _C, _O, _O, _L, _C),
    # HALF_LOCAL: we may send no more than WINDOW_UPDATE, PRIORITY and RST_STREAM.
    (_L, _L, _C, _L, _C, _CONN, _CONN, _CONN, _C),
    # HALF_REMOTE: more of the peer's is a stream error of type STREAM_CLOSED.
    (_STRM, _STRM, _STRM, _R, _C, _R, _R, _C, _C),
    # CLOSED: of type STREAM_CLOSED, but passed over where we reset the stream and the peer may not
    # know it yet.
    (_CONN, _CONN, _CONN, _PASS, _PASS, _CONN, _CONN, _CONN, _PASS),
)
"""`TABLE[state][input]`: the next state, or what becomes of the input."""


def after(state: State, event: Input) -> State | None:
    """Return the state that follows; None when the event may not happen."""
    found = TABLE[state][event]
    return found if isinstance(found, State) else None

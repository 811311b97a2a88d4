"""What is known of one stream that is neither idle nor closed."""

from __future__ import annotations

from collections import deque

from gateway.h2.lifecycle import State


class Stream:
    """Bytes in both directions, and what waits to be sent.

    `window`: bytes that we may send; below 0 after the peer took some back. `room`: bytes that the
    peer may send; `owed`: those of it that were used and not given back yet. `waiting`: data that
    the window holds back, `waits` bytes of it; `tail`: what ends the stream after it: nothing more
    than that (empty), a block of trailers, or None while it goes on. `sent`: bytes of the first one
    waiting that have gone out. `length`: bytes of content still to come by its content-length, -1
    where it has none. `begun`: its first headers came; `answered`: ours went out.
    """

    __slots__ = (
        "answered",
        "begun",
        "id",
        "length",
        "owed",
        "room",
        "sent",
        "state",
        "tail",
        "waiting",
        "waits",
        "window",
    )

    def __init__(self, stream_id: int, window: int, room: int) -> None:
        self.id = stream_id
        self.state: State = State.IDLE
        self.window = window
        self.room = room
        self.owed = 0
        self.waiting: deque[bytes] | None = None
        self.waits = self.sent = 0
        self.tail: bytes | None = None
        self.length = -1
        self.begun = self.answered = False

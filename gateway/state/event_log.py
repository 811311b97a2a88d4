"""The events of one streamed answer, kept from the first, read by many at their own pace."""

from __future__ import annotations

from sys import getsizeof

from gateway.core.events import Delta, Event
from gateway.core.pipeline import StepEnded
from gateway.core.refinement import HoleProgress

MOST_EVENTS_AHEAD = 256
MOST_CHARS_AHEAD = 1024 * 1024
MOST_DELTA_CHARS = 64 * 1024
MERGE_AT = 1024
EVENT_BYTES = 160
"""About what one event takes beside its text."""


class Cursor:
    """Where a reader is: how many events of the log, and characters of text, it has taken."""

    __slots__ = ("chars", "place")

    def __init__(self) -> None:
        self.place = 0
        self.chars = 0


class EventLog:
    """Events in order. It belongs to one event loop.

    Pieces of text that every reader has passed are merged, so that a long answer in small pieces
    takes little more room than its text; the text and its place among the other events stay the
    same. `streamed` is false for work that nobody asked to stream: its log stays empty.
    """

    __slots__ = ("_chars", "_cursors", "_events", "_merge_at", "streamed")

    def __init__(self, *, streamed: bool) -> None:
        self.streamed = streamed
        self._events: list[Event] = []
        self._chars = 0
        self._cursors: list[Cursor] = []
        self._merge_at = MERGE_AT

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        texts = sum(getsizeof(text) for event in self._events for text in _texts(event))
        return texts + EVENT_BYTES * len(self._events)

    @property
    def ahead(self) -> bool:
        """True when even the fastest reader is so far behind that no more should be written."""
        if not self._cursors:
            return False
        fastest = max(self._cursors, key=_place)
        return (
            len(self._events) - fastest.place >= MOST_EVENTS_AHEAD
            or self._chars - fastest.chars >= MOST_CHARS_AHEAD
        )

    def open(self) -> Cursor:
        """Begin to read at the first event."""
        cursor = Cursor()
        self._cursors.append(cursor)
        return cursor

    def close(self, cursor: Cursor) -> None:
        """Read no further; a cursor that is not open is left alone."""
        if cursor in self._cursors:
            self._cursors.remove(cursor)

    def append(self, event: Event) -> None:
        """Write the next event."""
        self._events.append(event)
        self._chars += sum(map(len, _texts(event)))
        if len(self._events) >= self._merge_at:
            self.merge()

    def take(self, cursor: Cursor) -> Event | None:
        """Read the next event; None when there is none yet."""
        if cursor.place == len(self._events):
            return None
        event = self._events[cursor.place]
        cursor.place += 1
        cursor.chars += sum(map(len, _texts(event)))
        return event

    def merge(self) -> None:
        """Merge neighbouring texts, but not across a reader's place nor beyond the fastest one."""
        readers = sorted(self._cursors, key=_place)
        end = readers[-1].place if readers else len(self._events)
        merged: list[Event] = []
        begin = 0
        for cursor in readers:
            place = cursor.place
            _merge_into(merged, self._events[begin:place])
            begin, cursor.place = place, len(merged)
        _merge_into(merged, self._events[begin:end])
        merged += self._events[end:]
        self._events = merged
        # Twice what is left, so that all merging together costs no more than the writing.
        self._merge_at = max(MERGE_AT, 2 * len(merged))


def _texts(event: Event) -> tuple[str, ...]:
    """The texts of an event that may be long: what a model wrote."""
    if isinstance(event, Delta):
        return (event.text,)
    if isinstance(event, HoleProgress):
        return (event.hole.fill,)
    if isinstance(event, StepEnded):
        return (event.node.text, *event.node.issues)
    return ()


def _place(cursor: Cursor) -> int:
    return cursor.place


def _merge_into(merged: list[Event], events: list[Event]) -> None:
    """Append events, neighbouring pieces of one candidate's text as one."""
    pieces: list[str] = []
    size = 0
    last: Delta | None = None
    for event in events:
        fits = (
            last is not None
            and isinstance(event, Delta)
            and event.candidate == last.candidate
            and event.endpoint == last.endpoint
            and size + len(event.text) <= MOST_DELTA_CHARS
        )
        if last is not None and not fits:
            merged.append(Delta("".join(pieces), last.candidate, last.endpoint))
            pieces, size, last = [], 0, None
        if isinstance(event, Delta):
            pieces.append(event.text)
            size += len(event.text)
            last = event
        else:
            merged.append(event)
    if last is not None:
        merged.append(Delta("".join(pieces), last.candidate, last.endpoint))

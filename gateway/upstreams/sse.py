"""Server-sent events, without I/O: bytes in, whole events out.

Follows the WHATWG "event stream" rules: lines end in CR LF, LF or CR; a blank line ends an event;
several `data` fields are joined by line feeds; an event that the stream ends in is dropped. One
rule differs: bytes that are not UTF-8 are an error, never replaced and never passed on as text.
"""

from __future__ import annotations

import re

from gateway.core.value import value

MAX_EVENT_BYTES = 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")


class BrokenStreamError(ValueError):
    """The bytes are no event stream, or an event is too large. The parser must be thrown away."""


@value
class ServerEvent:
    """One event; `name` is `message` unless the server gave another."""

    name: str
    data: str


class SseParser:
    """Turns chunks of any size into events, holding no more than `max_event_bytes`."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_event_bytes
        self._partial: list[bytes] = []
        self._held = 0
        self._after_cr = False
        self._first_line = True
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes; return every event that they complete.

        Raises BrokenStreamError for an event or line beyond the largest size and for bytes that
        are not UTF-8; events that the same chunk completed before are lost with it.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            # The line already ended with the CR of the chunk before.
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk)
        events: list[ServerEvent] = []
        for line in lines:
            self._hold(line)
            event = self._end_line()
            if event is not None:
                events.append(event)
        self._hold(rest)
        return events

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > self._max_bytes:
            raise BrokenStreamError(f"an event is larger than {self._max_bytes} bytes")
        if piece:
            self._partial.append(piece)

    def _end_line(self) -> ServerEvent | None:
        raw = b"".join(self._partial)
        self._partial.clear()
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise BrokenStreamError("a line is not UTF-8") from None
        if self._first_line:
            self._first_line = False
            line = line.removeprefix("\ufeff")
        if not line:
            return self._end_event()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        else:
            # A comment, used to keep the connection alive, or a field without meaning here.
            self._held -= len(raw)
        return None

    def _end_event(self) -> ServerEvent | None:
        event = ServerEvent(self._name or "message", "\n".join(self._data)) if self._data else None
        self._name = ""
        self._data = []
        self._held = 0
        return event

"""What the address of a page asks for: a window, and which traces.

Everything is checked: a page says what is wrong with its address instead of showing something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from math import isfinite
from urllib.parse import urlencode

from gateway.core.faults import invalid
from gateway.core.trace import StageStatus, Trace
from gateway.core.value import value
from gateway.ingress.dashboard.units import duration
from gateway.state.traces import TraceFilter

WINDOWS = {300: "5 min", 3600: "1 h", 21_600: "6 h", 86_400: "24 h"}
"""The windows that can always be picked, in seconds."""

PAGE = 50
"""Traces of one page."""

MAX_SKIP = 100_000
MAX_CHARS = 200
MAX_DIGITS = 12
ENDED = (StageStatus.OK, StageStatus.FAILED, StageStatus.CANCELLED)
"""How a request can end."""


@value
class Windows:
    """The windows that can be picked, in seconds; `first` is shown to who picks none."""

    first: int
    names: tuple[tuple[int, str], ...]

    def picked(self, query: Mapping[str, str]) -> int:
        """Read the window. Raises Fault(INVALID) for one that cannot be picked."""
        text = query.get("window", "") or str(self.first)
        for window, _ in self.names:
            if text == str(window):
                return window
        known = ", ".join(str(window) for window, _ in self.names)
        raise invalid("window", f"must be one of {known} (seconds)")


def windows_with(first_s: float) -> Windows:
    """Return the windows of the picker, the one that is configured among them."""
    first = round(first_s)
    return Windows(first, tuple(sorted(({first: duration(first)} | WINDOWS).items())))


@value
class TraceQuery:
    """Which traces are wanted: by their filter, with `text` in an id, without the first `skip`."""

    wanted: TraceFilter = TraceFilter()
    text: str = ""
    skip: int = 0

    @property
    def slower_ms(self) -> str:
        """The least time as the form has it; empty for none."""
        return f"{self.wanted.slower_s * 1000:g}" if self.wanted.slower_s else ""

    def takes(self, trace: Trace) -> bool:
        """Say whether a trace is wanted; upper and lower case of the text are the same."""
        text = self.text.casefold()
        return self.wanted.takes(trace) and (
            text in trace.request_id.casefold() or text in trace.trace_id.casefold()
        )

    def page(self, traces: Sequence[Trace]) -> tuple[tuple[Trace, ...], bool]:
        """Take one page, newest first, of traces that are oldest first; and whether more follow."""
        found = (trace for trace in reversed(traces) if self.takes(trace))
        some = tuple(islice(found, self.skip, self.skip + PAGE + 1))
        return some[:PAGE], len(some) > PAGE

    def address(self, window: int, skip: int | None = None) -> str:
        """Write it as the query of an address, from another trace on if `skip` is given."""
        fields = {
            "window": str(window),
            "endpoint": self.wanted.endpoint,
            "status": self.wanted.status or "",
            "slower_ms": self.slower_ms,
            "text": self.text,
            "skip": str(self.skip if skip is None else skip),
        }
        return query_of(**{name: text for name, text in fields.items() if text not in {"", "0"}})


def query_of(**fields: object) -> str:
    """Write the query of an address; what cannot be written becomes a question mark."""
    return urlencode(fields, errors="replace")


def traces_of(query: Mapping[str, str]) -> TraceQuery:
    """Read which traces are wanted; an empty field leaves all. Raises Fault(INVALID)."""
    wanted = TraceFilter(
        _status(query.get("status", "")),
        _short("endpoint", query.get("endpoint", "")),
        _milliseconds(query.get("slower_ms", "")) / 1000,
    )
    return TraceQuery(wanted, _short("text", query.get("text", "").strip()), _skip(query))


def name_of(query: Mapping[str, str]) -> str:
    """Read the id of a trace or a request. Raises Fault(INVALID) when there is none."""
    name = query.get("id", "")
    if not name:
        raise invalid("id", "must be the id of a trace or of a request")
    return name


def _status(text: str) -> StageStatus | None:
    if not text:
        return None
    for status in ENDED:
        if text == status:
            return status
    raise invalid("status", f"must be one of {', '.join(ENDED)}, or empty for all")


def _short(field: str, text: str) -> str:
    if len(text) > MAX_CHARS:
        raise invalid(field, f"must have at most {MAX_CHARS} characters")
    return text


def _milliseconds(text: str) -> float:
    try:
        number = float(text or 0) if len(text) <= MAX_DIGITS else -1.0
    except ValueError:
        number = -1.0
    if not isfinite(number) or number < 0:
        raise invalid("slower_ms", "must be a number of milliseconds, 0 or more")
    return number


def _skip(query: Mapping[str, str]) -> int:
    text = query.get("skip", "") or "0"
    if (
        not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS)
        or int(text) > MAX_SKIP
    ):
        raise invalid("skip", f"must be a whole number from 0 to {MAX_SKIP}")
    return int(text)

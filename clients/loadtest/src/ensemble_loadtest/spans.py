"""Spans of time and rates, as they are written on a command line."""

from __future__ import annotations

import re

from ensemble_loadtest.faults import PlanError

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)?")


def seconds_of(option: str, text: str) -> float:
    """Read a span such as `300ms`, `2s` or `5m`; a bare number is seconds. Raises PlanError."""
    found = SPAN.fullmatch(text.strip())
    if found is None:
        raise PlanError(f"{option}: {text!r} is no span of time; write 300ms, 2s, 5m or 1h")
    return float(found[1]) * UNITS_S[found[2] or "s"]


def rate_of(option: str, text: str) -> float:
    """Read a rate in requests per second. Raises PlanError."""
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate <= 1e7:  # noqa: PLR2004 - more than any machine sends
        raise PlanError(f"{option}: {text!r} is no rate; write requests per second, such as 200")
    return rate


def shown(seconds: float | None) -> str:
    """Write a span for people, with three digits that count; `-` for none."""
    if not seconds:
        return "-" if seconds is None else "0"
    for unit, scale in (("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:  # noqa: PLR2004 - three digits
            return f"{_digits(seconds * scale)} {unit}"
    return f"{_digits(seconds)} s"


def _digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"  # noqa: PLR2004 - three digits

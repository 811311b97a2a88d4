"""Numbers as people read them; what is not known is a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor

UNKNOWN = "–"  # noqa: RUF001 - an en dash is what a table shows for nothing

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONG = (
    (DAY, "d", HOUR, "h"),
    (HOUR, "h", MINUTE, "min"),
    (MINUTE, "min", 1, "s"),
)
"""A unit from which on it is used, and the next smaller one; seconds, name, seconds, name."""

TINY_MS, FINE_MS, SECOND_MS, FINE_S = 0.1, 10, 1000, 10
"""Below 10 a time has two digits after the point, below 0.1 it has three."""

MICROS = 1_000_000
CENT_PART, DOLLAR, GRAND = 100, MICROS, 1000 * MICROS
"""Prices in micros, from which on fewer digits are shown."""

SMALL_SHARE = 0.001
ALMOST_ALL = 0.99


def duration(seconds: float | None) -> str:
    """Write a time in the unit that suits it: `0.42 ms`, `123 ms`, `1.23 s`, `2 h 5 min`."""
    if seconds is None:
        return UNKNOWN
    milliseconds = seconds * 1000
    if round(milliseconds, 3) < TINY_MS:
        return f"{milliseconds:.3f} ms" if milliseconds else "0 ms"
    if round(milliseconds, 2) < FINE_MS:
        return f"{milliseconds:.2f} ms"
    if round(milliseconds) < SECOND_MS:
        return f"{milliseconds:.0f} ms"
    if round(seconds, 2) < FINE_S:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    unit, name, part, part_name = next(one for one in LONG if round(seconds) >= one[0])
    whole, rest = divmod(round(seconds), unit)
    return f"{whole} {name} {rest // part} {part_name}" if rest // part else f"{whole} {name}"


def percent(share: float | None) -> str:
    """Write a share of 0..1; what is not quite all is never written as 100%."""
    if share is None:
        return UNKNOWN
    if 0 < share < SMALL_SHARE:
        return "< 0.1%"
    if ALMOST_ALL <= share < 1:
        return f"{floor(share * 10_000) / 100:.2f}%"
    return f"{share * 100:.0f}%" if share in {0.0, 1.0} else f"{share * 100:.1f}%"


def dollars(micros: int) -> str:
    """Write a price; small ones with the digits that say something."""
    if micros == 0:
        return "$0"
    if micros < CENT_PART:
        return "< $0.0001"
    if micros < DOLLAR:
        return f"${micros / MICROS:.4f}"
    return f"${micros / MICROS:,.2f}" if micros < GRAND else f"${micros / MICROS:,.0f}"


def count(number: float) -> str:
    """Write a whole number with its thousands apart."""
    return f"{number:,.0f}"


def clock_time(unix_s: float) -> str:
    """Write the time of the day in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%H:%M:%S")


def moment(unix_s: float) -> str:
    """Write day and time in UTC as ISO 8601 has it."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""`grpc-timeout`: how long a call may take, as a number of at most eight digits and a unit."""

from __future__ import annotations

from math import ceil

_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_MOST = 10**8 - 1
_DIGITS = 8
_BY_UNIT = ((b"u", 1e6), (b"m", 1e3), (b"S", 1.0), (b"M", 1 / 60), (b"H", 1 / 3600))


def seconds_of(value: bytes) -> float | None:
    """Read a timeout; None for one that is malformed."""
    digits, unit = value[:-1], _SECONDS.get(value[-1:])
    if unit is None or not digits.isdigit() or len(digits) > _DIGITS:
        return None
    return int(digits) * unit


def timeout_of(seconds: float) -> bytes:
    """Write a timeout, rounded up to the finest unit that holds it; nothing left is 1 ns."""
    if seconds <= 0:
        return b"1n"
    for unit, per_second in _BY_UNIT:
        number = seconds * per_second
        if number <= _MOST:
            return b"%d%b" % (ceil(number), unit)
    return b"%dH" % _MOST

"""The ids of decisions: unique wherever they are made, and in the order of their time."""

from __future__ import annotations

RANDOM_BITS = 74
"""How many bits of an id are random: two ids of one millisecond are the same once in 2^74."""

_TIME_BITS = 48
_VERSION, _VARIANT = 7, 2
_RAND_B_BITS = 62


def decision_id(unix_ms: int, random_bits: int) -> str:
    """Write a UUID of version 7 (RFC 9562, section 5.7), 36 characters in lower case.

    `unix_ms`: milliseconds since 1970; `random_bits`: an even draw from 0 to 2^74 - 1, which has to
    be a new one for each id. As texts, ids sort by their milliseconds. Raises ValueError for a
    number that has too many bits, or is negative.
    """
    if unix_ms >> _TIME_BITS or random_bits >> RANDOM_BITS:
        raise ValueError(f"unix_ms needs {_TIME_BITS} bits and random_bits {RANDOM_BITS}, unsigned")
    rand_a, rand_b = random_bits >> _RAND_B_BITS, random_bits & ((1 << _RAND_B_BITS) - 1)
    number = unix_ms << 80 | _VERSION << 76 | rand_a << 64 | _VARIANT << _RAND_B_BITS | rand_b
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

"""`grpc-timeout`: each unit, eight digits, and nothing that shortens."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from gateway.h2.grpc.timeouts import seconds_of, timeout_of

LONGEST_S = (10**8 - 1) * 3600.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"1H", 3600.0),
        (b"2M", 120.0),
        (b"3S", 3.0),
        (b"4m", 0.004),
        (b"5u", 0.000005),
        (b"6n", 0.000000006),
        (b"0S", 0.0),
        (b"00000001S", 1.0),
        (b"99999999H", LONGEST_S),
    ],
)
def test_each_unit_is_read(value: bytes, seconds: float) -> None:
    assert seconds_of(value) == pytest.approx(seconds, rel=1e-12)


MALFORMED = (
    b"",
    b"S",
    b"1",
    b"1s",
    b"1h",
    b"1U",
    b"1N",
    b"1mS",
    b"-1S",
    b"+1S",
    b"1.5S",
    b"1e3S",
    b" 1S",
    b"1S ",
    b"1 S",
    b"100000000S",
    b"1_0S",
    b"\xd9\xa1S",
)


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_timeout_is_none(value: bytes) -> None:
    assert seconds_of(value) is None


@given(st.binary(max_size=12))
def test_what_is_read_is_well_formed(value: bytes) -> None:
    assert (seconds_of(value) is not None) == bool(re.fullmatch(rb"[0-9]{1,8}[HMSmun]", value))


@given(st.floats(0.0, LONGEST_S))
def test_rounding_never_shortens_and_adds_little(seconds: float) -> None:
    written = timeout_of(seconds)
    assert re.fullmatch(rb"[0-9]{1,8}[HMSmun]", written)
    read = seconds_of(written)
    assert read is not None
    # What floating point itself takes away is no rounding.
    assert read >= seconds * (1 - 1e-12)
    assert read <= seconds * (1 + 1e-4) + 1e-6


@pytest.mark.parametrize(
    ("seconds", "value"),
    [
        (0.0, b"1n"),
        (-5.0, b"1n"),
        (1e-9, b"1u"),
        (0.25, b"250000u"),
        (99.999999, b"99999999u"),
        (100.0, b"100000m"),
        (100.0000001, b"100001m"),
        (99_999.9995, b"100000S"),
        (1e8, b"1666667M"),
        (6e9, b"1666667H"),
        (1e30, b"99999999H"),
        (float("inf"), b"99999999H"),
    ],
)
def test_a_timeout_is_rounded_up_to_the_finest_unit_that_holds_it(
    seconds: float, value: bytes
) -> None:
    assert timeout_of(seconds) == value

"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.dashboard.units import (
    UNKNOWN,
    clock_time,
    count,
    dollars,
    duration,
    moment,
    percent,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, UNKNOWN),
        (0.0, "0 ms"),
        (0.000003, "0.003 ms"),
        (0.00009999, "0.10 ms"),
        (0.00042, "0.42 ms"),
        (0.0099999, "10 ms"),
        (0.142, "142 ms"),
        (0.9996, "1.00 s"),
        (2.214, "2.21 s"),
        (9.9999, "10.0 s"),
        (59.96, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (93_784, "1 d 2 h"),
    ],
)
def test_a_time_has_the_unit_that_suits_it(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, UNKNOWN),
        (0.0, "0%"),
        (0.0004, "< 0.1%"),
        (0.5, "50.0%"),
        (0.9906, "99.06%"),
        (0.999999, "99.99%"),
        (1.0, "100%"),
    ],
)
def test_what_is_not_all_is_never_all(share: float | None, words: str) -> None:
    assert percent(share) == words


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_no_share_between_is_written_as_none_or_all(share: float) -> None:
    assert percent(share) not in {"0%", "0.0%", "100%", "100.0%", "100.00%"}


@pytest.mark.parametrize(
    ("micros", "words"),
    [
        (0, "$0"),
        (99, "< $0.0001"),
        (1400, "$0.0014"),
        (1_842_800, "$1.84"),
        (1_234_567_890, "$1,235"),
    ],
)
def test_a_price_has_the_digits_that_say_something(micros: int, words: str) -> None:
    assert dollars(micros) == words


def test_counts_and_moments() -> None:
    assert count(13_736) == "13,736"
    assert moment(1_790_000_000) == "2026-09-21T14:13:20Z"
    assert clock_time(1_790_000_000) == "14:13:20"

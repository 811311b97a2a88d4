"""Shares and how much they may be trusted."""

from __future__ import annotations

import pytest

from gateway.learning.intervals import NO_CASE, UNKNOWN, Rate, wilson


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (180, 200, 0.8506, 0.9343),
    ],
)
def test_the_interval_is_that_of_wilson(right: int, of: int, low: float, high: float) -> None:
    found = wilson(right, of)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


def test_nothing_is_known_of_no_trial() -> None:
    assert wilson(0, 0) == UNKNOWN
    assert NO_CASE.share is None
    assert NO_CASE.interval == UNKNOWN
    assert str(NO_CASE) == "unknown"


def test_a_rate_says_how_many_cases_it_is_of() -> None:
    rate = Rate(9, 10)
    assert rate.share == 0.9
    assert rate.interval == wilson(9, 10)
    assert str(rate) == "90.0% of 10"

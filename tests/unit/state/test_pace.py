from __future__ import annotations

from math import isfinite

import pytest

from gateway.state.pace import Pace


def test_the_mean_of_a_steady_pace_is_found() -> None:
    pace = Pace()
    pace.begin(0.0)
    for second in range(1, 40):
        pace.ended(float(second))
    assert pace.wait_s(10, 39.0) == pytest.approx(10.0)


def test_a_burst_of_ends_at_one_moment_does_not_look_like_an_endless_pace() -> None:
    pace = Pace()
    pace.begin(0.0)
    for _ in range(100):
        pace.ended(10.0)
    assert pace.wait_s(100, 10.0) == pytest.approx(10.0, rel=0.01)


def test_a_standstill_is_seen_before_it_is_over() -> None:
    pace = Pace()
    pace.begin(0.0)
    pace.ended(1.0)
    assert pace.wait_s(1, 1.5) == pytest.approx(1.0)
    assert pace.wait_s(1, 31.0) > 15.0


def test_time_in_which_something_was_free_does_not_count() -> None:
    pace = Pace()
    pace.begin(0.0)
    pace.ended(1.0)
    pace.stop()
    pace.begin(10.0)
    assert pace.wait_s(1, 10.0) == pytest.approx(1.0)
    pace.begin(10.5)
    pace.ended(11.0)
    assert pace.wait_s(1, 11.0) == pytest.approx(1.0)


def test_what_was_seen_long_ago_is_forgotten() -> None:
    pace = Pace()
    assert pace.wait_s(5, 0.0) == 0.0
    pace.begin(0.0)
    pace.ended(1.0)
    pace.stop()
    pace.begin(200.0)
    assert pace.wait_s(5, 200.0) == 0.0


@pytest.mark.parametrize(("position", "told"), [(0, 1.0), (1, 0.1), (400, 4.0), (10**6, 30.0)])
def test_when_to_come_again_is_always_finite_and_within_bounds(position, told) -> None:
    pace = Pace()
    assert pace.retry_after_s(position, 0.0) == 1.0
    pace.begin(0.0)
    for place in range(1, 200):
        pace.ended(place / 100)
    after = pace.retry_after_s(position, 1.99)
    assert after == pytest.approx(told)
    assert isfinite(after)

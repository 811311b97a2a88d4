from __future__ import annotations

import pytest

from gateway.state.limit import (
    A32_MAX_REQUESTS,
    Average,
    FixedLimit,
    GateSettings,
    GradientLimit,
    limit_of,
)


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("max_concurrency", {"max_concurrency": -1}),
        ("min_limit", {"min_limit": 0}),
        ("max_limit", {"min_limit": 5, "max_limit": 4}),
        ("max_concurrency", {"adaptive": True, "min_limit": 5, "max_concurrency": 4}),
        ("max_waiting", {"max_waiting": -1}),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(setting, values) -> None:
    with pytest.raises(ValueError, match=f"^{setting} must"):
        GateSettings(**values)


# Which limit


def test_a32_without_a_configured_limit_at_most_1024_requests_are_in_flight() -> None:
    limit = limit_of(GateSettings())
    assert isinstance(limit, FixedLimit)
    assert limit.limit == A32_MAX_REQUESTS == 1024


def test_a_fixed_limit_is_the_configured_one_and_learns_nothing() -> None:
    limit = limit_of(GateSettings(max_concurrency=7))
    limit.answered(100.0, 7)
    limit.overloaded(0.0, 1.0)
    limit.timed_out(0.0, 1.0)
    assert limit.limit == 7


def test_a_limit_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        FixedLimit(0)


def test_an_adaptive_limit_never_grows_above_the_configured_concurrency() -> None:
    limit = limit_of(GateSettings(adaptive=True, max_concurrency=30))
    assert isinstance(limit, GradientLimit)
    saturate(limit, 1.0, 200)
    assert limit.limit == 30


# The gradient


def saturate(limit: GradientLimit, elapsed_s: float, calls: int) -> None:
    for _ in range(calls):
        limit.answered(elapsed_s, limit.limit)


def test_it_starts_within_its_bounds() -> None:
    assert GradientLimit(1, 200).limit == 20
    assert GradientLimit(1, 5).limit == 5
    assert GradientLimit(50, 200).limit == 50


def test_one_step_follows_the_formula() -> None:
    """L = 0.8 * 20 + 0.2 * (1 * 20 + sqrt(20))."""
    limit = GradientLimit(1, 200)
    limit.answered(1.0, 20)
    assert limit._estimate == pytest.approx(20 + 0.2 * 20**0.5)


def test_it_grows_while_answers_stay_as_fast_as_ever() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 1.0, 500)
    assert limit.limit == 200


def test_it_shrinks_as_soon_as_answers_slow_down_and_grows_again_when_they_are_fast() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 1.0, 500)
    saturate(limit, 8.0, 40)
    assert limit.limit < 20
    saturate(limit, 1.0, 300)
    assert limit.limit == 200


def test_answers_up_to_twice_as_slow_as_usual_are_tolerated() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 1.0, 500)
    saturate(limit, 1.9, 30)
    assert limit.limit == 200


def test_a_single_slow_answer_does_not_shrink_it() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 1.0, 500)
    saturate(limit, 5.0, 1)
    assert limit.limit == 200


def test_one_step_never_takes_more_than_a_tenth_however_slow_the_answer() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 1.0, 500)
    saturate(limit, 1e6, 1)
    assert limit.limit >= 180


def test_what_is_not_half_used_is_left_alone() -> None:
    limit = GradientLimit(1, 200)
    for elapsed_s in (1.0, 1.0, 100.0):
        limit.answered(elapsed_s, 9)
    assert limit.limit == 20


def test_an_answer_of_no_length_says_nothing() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 0.0, 100)
    assert limit.limit == 20


def test_the_rest_of_an_overload_fades_fast() -> None:
    limit = GradientLimit(1, 200)
    saturate(limit, 20.0, 100)
    assert limit._long.mean == pytest.approx(20.0)
    saturate(limit, 1.0, 60)
    assert limit._long.mean < 3.0


def test_an_overloaded_endpoint_gets_less_once_a_round_trip() -> None:
    limit = GradientLimit(1, 200)
    for _ in range(20):
        limit.overloaded(began=10.0, now=11.0)
    assert limit.limit == 14
    limit.overloaded(began=11.0, now=12.0)
    assert limit.limit == 9


def test_overload_never_takes_the_last_slots() -> None:
    limit = GradientLimit(3, 200)
    for second in range(100):
        limit.overloaded(float(second), second + 1.0)
    assert limit.limit == 3


def test_a_timeout_shrinks_it_unless_the_caller_had_less_patience_than_an_answer_takes() -> None:
    limit = GradientLimit(1, 20)
    saturate(limit, 2.0, 20)
    limit.timed_out(began=100.0, now=101.0)
    assert limit.limit == 20
    limit.timed_out(began=100.0, now=102.0)
    assert limit.limit == 14


def test_the_first_values_of_an_average_count_alike() -> None:
    average = Average(600)
    for number in range(1, 11):
        average.add(float(number))
    assert average.mean == pytest.approx(5.5)
    assert average.add(606.5) == pytest.approx(5.5 + 601 * 2 / 601)

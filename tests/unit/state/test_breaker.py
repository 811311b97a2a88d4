from __future__ import annotations

import pytest

from gateway.state.breaker import (
    CLOSED,
    OPEN,
    BreakerSettings,
)
from gateway.state.call_window import FAILED, SLOW, CountWindow, TimeWindow
from tests.fakes.breaker_case import Case, F, S, windows


@windows
def test_r4j_with_four_of_five_calls_it_stays_closed_and_the_rate_is_minus_one(window: str) -> None:
    case = Case(window=window)
    case.calls(F, F, F, S)
    assert case.state is CLOSED
    assert (case.reading.calls, case.reading.failure_rate, case.reading.slow_rate) == (4, -1, -1)


@windows
def test_r4j_the_fifth_call_opens_it_at_sixty_percent_though_it_succeeds(window: str) -> None:
    case = Case(window=window)
    case.calls(F, F, F, S, S)
    assert case.state is OPEN
    assert (case.reading.calls, case.reading.failure_rate) == (5, 0.6)
    assert case.changes == [("alpha", "closed", "open")]


@windows
def test_r4j_at_forty_percent_it_stays_closed_and_opens_at_exactly_fifty(window: str) -> None:
    case = Case(window=window)
    case.calls(S, S, S, F, F)
    assert (case.state, case.reading.failure_rate) == (CLOSED, 0.4)
    case.calls(F)
    assert (case.state, case.reading.failure_rate) == (OPEN, 0.5)


def test_a_share_that_binary_fractions_miss_opens_it_all_the_same() -> None:
    # 0.55 * 100 is 55.00000000000001.
    case = Case(failure_share=0.55, window="count", window_size=100, minimum_calls=100)
    case.calls(*[S] * 45, *[F] * 55)
    assert case.state is OPEN


def test_r4j_while_open_calls_are_refused_and_counted_as_not_permitted() -> None:
    case = Case()
    case.calls(F, F, F, F, F)
    assert case.reading.not_permitted == 0
    assert case.admitted(3) == []
    case.now += 4.9
    assert case.acquire() == 0
    assert case.reading.not_permitted == 4
    assert case.state is OPEN


def test_an_open_breaker_tells_how_long_it_stays_so() -> None:
    case = Case()
    assert case.breaker.retry_after(case.now) is None
    case.calls(F, F, F, F, F)
    case.now += 1.75
    assert case.breaker.retry_after(case.now) == case.reading.open_for_s == 3.25
    case.now += 60
    assert case.breaker.retry_after(case.now) == case.reading.open_for_s == 0
    case.acquire()
    assert case.breaker.retry_after(case.now) is None
    assert case.reading.open_for_s == 0


def test_the_time_window_forgets_whole_seconds() -> None:
    case = Case(window_size=5)
    case.calls(F, F)
    case.now += 4.9
    case.calls(F, F)
    assert case.reading.calls == 4
    case.now += 0.1
    case.calls(F)
    assert (case.state, case.reading.calls) == (CLOSED, 3)
    case.now += 5
    assert case.reading.calls == 0


def test_the_count_window_forgets_by_number_however_old_the_calls_are() -> None:
    case = Case(window="count", window_size=6, minimum_calls=6, failure_share=0.6)
    case.calls(F, F, F)
    case.now += 1e6
    case.calls(S, S, S)
    assert case.reading.failure_rate == 0.5
    case.calls(S)
    assert (case.reading.calls, case.reading.failure_rate) == (6, pytest.approx(2 / 6))


def test_an_open_breaker_shows_the_rate_that_opened_it_while_its_window_remembers() -> None:
    case = Case(window_size=2)
    case.calls(F, F, F, S, S)
    case.now += 1
    assert case.reading.failure_rate == 0.6
    case.now += 1
    assert case.reading.failure_rate == -1


def test_a_time_window_holds_no_more_than_its_seconds() -> None:
    window = TimeWindow(3)
    for call in range(1000):
        window.add(FAILED + SLOW, call / 10)
    assert (window.calls, window.failed, window.slow) == (30, 30, 30)
    assert len(window._past) == 3


def test_a_call_of_a_slightly_earlier_second_counts_in_the_newest() -> None:
    window = TimeWindow(2)
    window.add(0, 10.0)
    window.add(FAILED, 9.9)
    assert (window.calls, window.failed) == (2, 1)
    window.forget(12.0)
    assert (window.calls, window.failed) == (0, 0)
    window.add(SLOW, 9.0)
    assert (window.calls, window.slow) == (1, 1)


def test_a_count_window_keeps_its_sums_over_many_rounds() -> None:
    window = CountWindow(7)
    bits = [(call * call) % 4 for call in range(100)]
    for at, one in enumerate(bits, 1):
        window.add(one, 0.0)
        last = bits[max(0, at - 7) : at]
        assert window.calls == len(last)
        assert window.failed == sum(one & FAILED for one in last)
        assert window.slow == sum(bool(one & SLOW) for one in last)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("failure_share", 0),
        ("failure_share", 1.1),
        ("slow_share", 0),
        ("slow_share", 1.1),
        ("slow_s", 0),
        ("window", "calls"),
        ("window_size", 0),
        ("window_size", 10_001),
        ("minimum_calls", 0),
        ("minimum_calls", 51),
        ("open_s", 0),
        ("half_open_permits", 0),
        ("half_open_permits", 10_001),
        ("half_open_max_s", -1),
        ("no_verdict", "half_open"),
    ],
)
def test_a_setting_that_no_breaker_can_follow_is_refused_by_name(field: str, wrong: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: must be "):
        BreakerSettings(**{field: wrong})


def test_a_time_window_may_be_shorter_in_seconds_than_its_minimum_in_calls() -> None:
    assert BreakerSettings(window="time", window_size=10, minimum_calls=100).minimum_calls == 100


def test_good_calls_beyond_a_full_window_of_them_change_nothing() -> None:
    """The fast way of a healthy endpoint ends with the first failure, and comes back after it."""
    case = Case(window="count", window_size=6)
    case.calls(*[S] * 6)
    before = case.reading
    case.calls(*[S] * 20)
    assert case.reading == before
    case.calls(F, F, S)
    assert case.reading.failure_rate == pytest.approx(2 / 6)
    case.calls(*[S] * 6)
    assert case.reading == before
    case.calls(S, F, F, F)
    assert case.state is OPEN


def test_a_slow_success_is_no_good_call() -> None:
    case = Case(window="count", window_size=5, slow_s=2.0)
    case.calls(*[S] * 5)
    case.calls(S, elapsed_s=2.0)
    assert case.reading.slow_rate == pytest.approx(1 / 5)

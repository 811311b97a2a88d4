from __future__ import annotations

import pytest

from gateway.core.outcome import Outcome
from gateway.state.breaker import (
    CLOSED,
    HALF_OPEN,
    OPEN,
)
from tests.fakes.breaker_case import IGNORED, Case, F, S


def test_r4j_after_the_wait_the_next_call_finds_it_half_open_with_empty_metrics() -> None:
    case = Case()
    case.breaker.force(OPEN, case.now)
    case.now += 3
    assert case.acquire() == 0
    case.now += 2
    assert case.state is OPEN  # lazily: nobody has asked yet
    assert case.acquire()
    assert case.state is HALF_OPEN
    assert (case.reading.calls, case.reading.failure_rate) == (0, -1)
    assert case.changes == [("alpha", "closed", "open"), ("alpha", "open", "half_open")]


def test_r4j_half_open_admits_exactly_four_calls_and_rejects_the_fifth() -> None:
    case = Case()
    case.half_open()
    assert len(case.admitted(6)) == 4
    assert case.reading.not_permitted == 2


def test_r4j_each_half_open_has_four_fresh_permits() -> None:
    case = Case()
    case.half_open()
    assert len(case.admitted(6)) == 4
    case.half_open()
    assert len(case.admitted(6)) == 4


def test_r4j_half_open_closes_when_one_of_four_trial_calls_fails() -> None:
    case = Case()
    case.half_open()
    case.calls(F, S, S)
    assert case.state is HALF_OPEN
    case.calls(S)
    assert case.state is CLOSED
    assert (case.reading.calls, case.reading.failure_rate) == (0, -1)
    case.calls(S)
    assert case.reading.calls == 1


def test_r4j_half_open_opens_again_at_seventy_five_percent() -> None:
    case = Case()
    case.half_open()
    case.calls(F, F, S)
    assert case.state is HALF_OPEN
    case.calls(F)
    assert (case.state, case.reading.failure_rate) == (OPEN, 0.75)
    assert case.acquire() == 0
    case.now += 5
    assert len(case.admitted(9)) == 4


def test_half_open_waits_for_all_of_its_trials_even_when_fewer_calls_would_do() -> None:
    case = Case(minimum_calls=1)
    case.half_open()
    case.calls(F, F, F)
    assert case.state is HALF_OPEN


def test_r4j_an_ignored_call_releases_its_permit_and_does_not_count() -> None:
    case = Case()
    case.half_open()
    case.calls(S, S, S, IGNORED)
    assert (case.state, case.reading.calls) == (HALF_OPEN, 3)
    case.calls(F)
    assert case.state is CLOSED


def test_r4j_four_ignored_calls_leave_four_permits() -> None:
    case = Case()
    case.half_open()
    permits = case.admitted(4)
    for permit in permits:
        assert case.acquire() == 0
        case.end(permit, IGNORED)
        assert case.acquire()
    assert case.state is HALF_OPEN


def test_ignored_calls_count_for_nothing_while_closed() -> None:
    case = Case()
    case.calls(*[IGNORED] * 100, F, F, F, F)
    assert (case.state, case.reading.calls) == (CLOSED, 4)


def test_r4j_closed_to_half_open_is_illegal() -> None:
    case = Case()
    with pytest.raises(ValueError, match="'alpha': its circuit breaker is closed, from where"):
        case.breaker.force(HALF_OPEN, case.now)
    assert (case.state, case.changes) == (CLOSED, [])


def test_r4j_closed_to_closed_is_illegal() -> None:
    case = Case()
    with pytest.raises(ValueError, match="no set_closed"):
        case.breaker.force(CLOSED, case.now)


def test_r4j_slow_calls_open_it_like_failures() -> None:
    case = Case(slow_share=0.5, slow_s=4)
    case.calls(F, S, elapsed_s=5)
    case.calls(S, S, elapsed_s=0.1)
    assert case.state is CLOSED
    case.calls(S, elapsed_s=5)
    assert case.state is OPEN
    assert (case.reading.slow_rate, case.reading.failure_rate) == (0.6, 0.2)


def test_r4j_half_open_opens_again_when_three_of_four_trial_calls_are_slow() -> None:
    case = Case(slow_share=0.5, slow_s=4)
    case.half_open()
    case.calls(S, S, S, elapsed_s=5)
    case.calls(S, elapsed_s=1)
    assert case.state is OPEN
    assert (case.reading.slow_rate, case.reading.failure_rate) == (0.75, 0)


def test_a_call_of_exactly_the_limit_is_slow() -> None:
    case = Case(slow_s=4)
    case.calls(S, S, S, S, S, elapsed_s=3.999)
    assert case.state is CLOSED
    case = Case(slow_s=4)
    case.calls(S, S, S, S, S, elapsed_s=4)
    assert case.state is OPEN


def test_r4j_half_open_without_a_verdict_in_time_goes_to_open() -> None:
    case = Case(half_open_max_s=3)
    case.half_open()
    permits = case.admitted(4)
    case.now += 2.9
    assert case.state is HALF_OPEN
    assert case.acquire() == 0
    case.now += 0.1
    assert case.acquire() == 0
    assert case.state is OPEN
    assert case.reading.open_for_s == 5
    for permit in permits:
        case.end(permit, S)
    assert (case.state, case.reading.calls) == (OPEN, 0)


def test_r4j_half_open_without_a_verdict_in_time_goes_to_closed_when_so_configured() -> None:
    case = Case(half_open_max_s=3, no_verdict="closed")
    case.half_open()
    (first, *_) = case.admitted(4)
    case.now += 3
    assert case.acquire()
    assert case.state is CLOSED
    case.end(first, F)
    assert case.reading.calls == 0


def test_one_that_closed_without_a_verdict_is_ready_the_first_time_it_is_asked() -> None:
    case = Case(half_open_max_s=3, no_verdict="closed")
    case.half_open()
    case.admitted(4)
    assert not case.breaker.ready(case.now)
    case.now += 3
    assert case.breaker.ready(case.now)


def test_r4j_with_no_longest_time_half_open_waits_for_ever() -> None:
    case = Case(half_open_max_s=0)
    case.half_open()
    permits = case.admitted(4)
    case.now += 1e9
    assert case.acquire() == 0
    assert case.reading.state is HALF_OPEN
    for permit in permits:
        case.end(permit, S)
    assert case.state is CLOSED


def test_an_overdue_verdict_is_noticed_late_but_dated_right() -> None:
    case = Case(half_open_max_s=3)
    case.half_open()
    assert len(case.admitted(9)) == 4
    case.now += 3 + 4
    assert case.reading.state is OPEN
    assert case.reading.open_for_s == 1
    case.breaker.force(HALF_OPEN, case.now)
    case.now += 3 + 5
    assert len(case.admitted(9)) == 4  # opened and half open again meanwhile
    assert case.changes[-2:] == [("alpha", "half_open", "open"), ("alpha", "open", "half_open")]


def test_a_trial_call_that_ends_too_late_is_no_verdict() -> None:
    case = Case(half_open_max_s=3, half_open_permits=1)
    case.half_open()
    permit = case.acquire()
    case.now += 3
    case.end(permit, S)
    assert case.state is OPEN


@pytest.mark.parametrize("outcome", [S, F, IGNORED])
def test_calls_started_in_an_earlier_state_are_not_mixed_into_half_open(outcome: Outcome) -> None:
    case = Case()
    before = case.admitted(10)
    case.half_open()
    trials = case.admitted(4)
    for permit in before:
        case.end(permit, outcome)
    assert (case.state, case.reading.calls) == (HALF_OPEN, 0)
    assert case.acquire() == 0
    for permit in trials:
        case.end(permit, S)
    assert case.state is CLOSED
    case.end(before[0], outcome)
    assert case.reading.calls == 0

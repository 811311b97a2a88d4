"""Retries. What A6 is: grpc/proposal `A6-client-retries.md`."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation, not_called
from gateway.policies.observe import observe
from gateway.policies.retry import RetrySettings
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.tries import DONE, fallback_left, overloaded, plenty, run, unreachable
from tests.fakes.values import make_invocation, scripted, unavailable
from tests.fakes.virtual import VirtualClock


def test_success_is_passed_on_without_a_wait() -> None:
    call = scripted(DONE)
    assert run(call, make_invocation()) == (DONE, [])
    assert call.calls == 1


@pytest.mark.parametrize(("most", "calls"), [(1, 1), (2, 2), (3, 3), (5, 5)])
def test_a6_max_attempts_include_the_first(most, calls) -> None:
    call = scripted(unavailable())
    result, slept = run(call, make_invocation(), settings=RetrySettings(max_tries=most))
    assert isinstance(result, Fault)
    assert call.calls == calls
    assert len(slept) == calls - 1


def test_a6_more_than_five_attempts_are_taken_for_five() -> None:
    call = scripted(unavailable())
    run(call, make_invocation(), settings=RetrySettings(max_tries=9))
    assert call.calls == 5


def test_a6_waits_grow_by_the_multiplier_up_to_the_maximum() -> None:
    settings = RetrySettings(max_tries=5, base_s=0.1, factor=3.0, max_s=1.0)
    invocation = make_invocation()
    _, slept = run(scripted(unavailable()), invocation, settings=settings)
    assert slept == pytest.approx([0.1, 0.3, 0.9, 1.0])
    assert invocation.try_number == 5


def test_a6_the_first_wait_is_bounded_by_the_maximum_too() -> None:
    settings = RetrySettings(base_s=4.0, max_s=1.0)
    _, slept = run(scripted(unavailable()), make_invocation(), settings=settings)
    assert slept == pytest.approx([1.0, 1.0])


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=4, max_size=4))
def test_a6_waits_are_spread_by_a_fifth_both_ways(draws: list[float]) -> None:
    """C-02 ✗: without jitter all callers come back at the same moment."""
    left = iter(draws)
    settings = RetrySettings(max_tries=5, base_s=0.1, factor=2.0, max_s=0.5)
    _, slept = run(
        scripted(unavailable()), make_invocation(), settings=settings, draw=lambda: next(left)
    )
    steps = [0.1, 0.2, 0.4, 0.5]
    assert slept == [
        pytest.approx(step * (0.8 + 0.4 * draw)) for step, draw in zip(steps, draws, strict=True)
    ]
    assert all(0.8 * s <= w <= 1.2 * s for s, w in zip(steps, slept, strict=True))


def test_a6_nothing_is_retried_once_committed_that_is_once_text_was_sent() -> None:
    invocation = make_invocation()

    async def call(running: Invocation) -> Completion:
        running.sent = True
        raise unavailable()

    result, slept = run(call, invocation)
    assert isinstance(result, Fault)
    assert (slept, invocation.try_number) == ([], 1)


def test_a6_pushback_is_waited_for_exactly() -> None:
    call = scripted(unavailable(retry_after_s=0.7), DONE)
    assert run(call, make_invocation(), draw=lambda: 0.0) == (DONE, [0.7])


def test_a6_pushback_of_zero_means_at_once() -> None:
    assert run(scripted(unavailable(retry_after_s=0.0), DONE), make_invocation()) == (DONE, [0.0])


def test_a6_after_pushback_the_backoff_begins_at_its_first_step_again() -> None:
    call = scripted(
        unavailable(), unavailable(), unavailable(retry_after_s=0.7), unavailable(), DONE
    )
    _, slept = run(call, make_invocation(), settings=RetrySettings(max_tries=5))
    assert slept == pytest.approx([0.1, 0.2, 0.7, 0.1])


def test_a6_pushback_never_exceeds_max_attempts() -> None:
    call = scripted(unavailable(retry_after_s=0.1))
    run(call, make_invocation())
    assert call.calls == 3


def test_a6_pushback_not_to_retry_ends_the_tries() -> None:
    call = scripted(unavailable(), unavailable(retryable=False))
    result, slept = run(call, make_invocation())
    assert isinstance(result, Fault)
    assert (call.calls, len(slept)) == (2, 1)


def test_a6_the_deadline_covers_all_attempts() -> None:
    """C-02 ✗: tries without an overall deadline multiply into minutes."""
    call = scripted(unavailable())
    clock = VirtualClock()
    result, slept = run(call, make_invocation(deadline_at=clock.now + 0.15), clock=clock)
    assert isinstance(result, Fault)
    assert slept == [0.1]
    assert call.calls == 2


def test_a_wait_that_outlasts_the_time_for_the_first_text_is_not_started() -> None:
    invocation = make_invocation()
    clock = VirtualClock()
    invocation.first_by = clock.now + 0.15
    call = scripted(unavailable())
    run(call, invocation, clock=clock)
    assert call.calls == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "refused"),
        Fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, "broken"),
        overloaded(retry_after_s=None),
    ],
)
def test_a6_other_statuses_are_not_retried(fault: Fault) -> None:
    """C-02 ✗: the earlier client retried every error, bad requests included."""
    call = scripted(fault)
    assert run(call, make_invocation()) == (fault, [])
    assert call.calls == 1


def test_a6_the_endpoint_is_told_of_earlier_attempts_on_retries_only() -> None:
    told: list[tuple[int, int]] = []

    async def call(invocation: Invocation) -> Completion:
        told.append((invocation.try_number, invocation.task.tries_before))
        raise unavailable()

    run(call, make_invocation())
    assert told == [(1, 0), (2, 1), (3, 2)]


def test_a6_throttle_stops_retries_and_never_the_first_attempt() -> None:
    throttle, calls = Throttle(ThrottleSettings()), []
    for _ in range(5):
        call = scripted(unavailable())
        run(call, make_invocation(), throttle=throttle)
        calls.append(call.calls)
    # 10 tokens; the fifth failure leaves 5, which is no longer more than half.
    assert calls == [3, 2, 1, 1, 1]
    assert throttle.retries == 3


def test_a6_throttle_recovers_with_successes_of_first_tries_and_retries() -> None:
    throttle = Throttle(ThrottleSettings(2, 0.4))
    run(scripted(unavailable()), make_invocation(), throttle=throttle)
    assert throttle.tokens == 1
    run(scripted(DONE), make_invocation(), throttle=throttle)
    run(scripted(DONE), make_invocation(), throttle=throttle)
    assert throttle.tokens == 1.8
    throttle = Throttle(ThrottleSettings(10, 0.4))
    run(scripted(unavailable(), DONE), make_invocation(), throttle=throttle)
    assert throttle.tokens == 9.4


def test_a6_throttle_cancels_a_retry_instead_of_holding_it_back() -> None:
    throttle = Throttle(ThrottleSettings(1))
    result, slept = run(scripted(unavailable()), make_invocation(), throttle=throttle)
    assert isinstance(result, Fault)
    assert slept == []


def test_a6_hedged_calls_that_all_failed_are_not_retried_nor_counted_twice() -> None:
    throttle = Throttle(ThrottleSettings())

    async def call(invocation: Invocation) -> Completion:
        invocation.hedged = invocation.counted = True
        raise unavailable()

    invocation = make_invocation()
    run(call, invocation, throttle=throttle)
    assert (invocation.try_number, throttle.tokens) == (1, 10)


def test_a_retry_may_be_hedged_after_which_there_is_no_other() -> None:
    throttle = Throttle(ThrottleSettings())

    async def call(invocation: Invocation) -> Completion:
        invocation.hedged = invocation.counted = invocation.try_number == 2
        raise unavailable()

    invocation = make_invocation()
    run(call, invocation, throttle=throttle)
    assert (invocation.try_number, throttle.tokens) == (2, 9)


def test_a_hedge_that_was_refused_takes_no_try_away_and_its_fault_is_not_counted_again() -> None:
    throttle, told = Throttle(ThrottleSettings(1000)), list[tuple[int, int]]()

    async def call(invocation: Invocation) -> Completion:
        told.append((invocation.try_number, invocation.task.tries_before))
        # The hedge has a number of its own; it counted the faults, of which one was a call's.
        invocation.try_number += 1
        invocation.counted = len(told) == 1
        raise unavailable()

    run(call, make_invocation(), throttle=throttle)
    assert told == [(1, 0), (3, 1), (5, 2)]
    assert throttle.tokens == 998


def test_an_endpoint_that_would_not_be_called_is_not_waited_for() -> None:
    for fault in (unavailable(), unavailable(retry_after_s=1.0), unreachable()):
        call = scripted(fault)
        assert run(call, make_invocation(), able=lambda: False) == (fault, [])
        assert call.calls == 1


def test_whether_an_endpoint_may_be_called_is_asked_before_each_wait() -> None:
    call, throttle = scripted(unavailable()), plenty()
    _, slept = run(call, make_invocation(), able=lambda: call.calls < 2, throttle=throttle)
    assert (call.calls, len(slept), throttle.retries) == (2, 1, 1)


def test_a_try_that_was_refused_is_no_retry_in_the_counter() -> None:
    throttle = plenty()

    async def refuse(invocation: Invocation) -> Completion:
        if invocation.try_number == 1:
            raise unavailable()
        raise not_called(invocation, Reason.BREAKER_OPEN, "open")

    run(refuse, make_invocation(), throttle=throttle)
    assert throttle.retries == 0


def test_a_wait_asked_for_that_is_too_long_is_left_to_the_next_endpoint() -> None:
    for wait_s, last, calls in ((2.0, False, 2), (2.1, False, 1), (2.1, True, 2)):
        call = scripted(unavailable(retry_after_s=wait_s), DONE)
        invocation = make_invocation()
        invocation.last = last
        run(call, invocation)
        assert call.calls == calls


def test_our_own_longest_wait_is_waited_though_another_endpoint_is_left() -> None:
    settings = RetrySettings(max_tries=2, base_s=1.0, max_s=1.0)
    _, slept = run(scripted(unavailable()), fallback_left(), settings=settings, draw=lambda: 0.9)
    assert slept == pytest.approx([1.16])


def test_an_endpoint_without_a_connection_is_tried_again_only_when_it_is_the_last() -> None:
    for last, calls in ((False, 1), (True, 3)):
        call = scripted(unreachable())
        invocation = make_invocation()
        invocation.last = last
        run(call, invocation)
        assert call.calls == calls


@pytest.mark.parametrize(
    ("fault", "calls"), [(unavailable(), 1), (unreachable(), 3), (overloaded(), 3)]
)
def test_an_endpoint_that_is_not_idempotent_is_asked_again_only_if_it_cannot_have_worked(
    fault, calls
) -> None:
    call = scripted(fault)
    run(call, make_invocation(Endpoint("alpha", idempotent=False)))
    assert call.calls == calls


def test_a_refusal_of_ours_is_raised_as_it_is_and_not_retried() -> None:
    """The budget is an inner policy: what it refuses ends the tries."""

    async def refuse(invocation: Invocation) -> Completion:
        if invocation.try_number == 1:
            raise unavailable()
        raise not_called(invocation, Reason.BUDGET_EXHAUSTED, "spent", kind=Kind.EXHAUSTED)

    invocation = make_invocation()
    result, slept = run(refuse, invocation)
    assert isinstance(result, Fault)
    assert result.reason is Reason.BUDGET_EXHAUSTED
    assert len(slept) == 1
    assert [(a.try_number, a.status) for a in invocation.attempts] == [(2, AttemptStatus.SKIPPED)]


def test_a_foreign_error_is_not_retried() -> None:
    async def broken() -> Completion:
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        run(scripted(unavailable(), broken), make_invocation())


def test_each_try_under_retry_leaves_its_own_record() -> None:
    """The pair retry + observe: retry stands outside, so that no try is hidden."""

    class Recorder:
        def started(self, endpoint: str) -> None:
            return

        def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
            return

    clock, invocation = VirtualClock(), make_invocation()
    call = observe(Recorder(), clock)(scripted(unavailable(), DONE))
    run(call, invocation, clock=clock)
    assert [(a.try_number, a.status) for a in invocation.attempts] == [
        (1, AttemptStatus.FAILED),
        (2, AttemptStatus.OK),
    ]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"max_tries": 0}, "max_tries"),
        ({"base_s": 0.0}, "base_s"),
        ({"factor": -1.0}, "factor"),
        ({"factor": 1e100}, "factor"),
        ({"max_s": inf}, "max_s"),
        ({"max_s": float("nan")}, "max_s"),
    ],
)
def test_settings_that_cannot_be_followed_are_named(settings, name) -> None:
    with pytest.raises(ValueError, match=name):
        RetrySettings(**settings)

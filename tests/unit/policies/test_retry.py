from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.policies.retry import RetrySettings, retry
from tests.fakes.values import OpenAccount, make_invocation, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

DONE = Completion("done")


def run(call, invocation, *, settings=None, draw=lambda: 1.0, clock=None):
    clock = clock or VirtualClock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    policy = retry(settings or RetrySettings(), clock, draw, sleep)
    try:
        result = run_virtual(clock, policy(call)(invocation))
    except Fault as fault:
        result = fault
    return result, slept


def test_success_is_passed_on_without_a_wait() -> None:
    call = scripted(DONE)
    assert run(call, make_invocation()) == (DONE, [])
    assert call.calls == 1


def test_transient_faults_are_tried_again_with_growing_waits() -> None:
    call = scripted(unavailable(), unavailable(), DONE)
    invocation = make_invocation()
    result, slept = run(call, invocation)
    assert result == DONE
    assert slept == [0.1, 0.2]
    assert invocation.try_number == 3


def test_the_last_fault_is_raised_when_the_tries_are_used_up() -> None:
    call = scripted(unavailable())
    result, slept = run(call, make_invocation())
    assert isinstance(result, Fault)
    assert call.calls == 3
    assert len(slept) == 2


def test_a_caller_mistake_is_never_retried() -> None:
    """C-02 ✗: the earlier client retried every error, bad requests included."""
    bad = Fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "refused")
    call = scripted(bad)
    assert run(call, make_invocation()) == (bad, [])
    assert call.calls == 1


def test_nothing_is_retried_once_text_was_sent() -> None:
    invocation = make_invocation()
    invocation.sent = True
    call = scripted(unavailable())
    run(call, invocation)
    assert call.calls == 1


def test_an_endpoint_without_a_connection_is_tried_again_only_when_it_is_the_last() -> None:
    refused = Fault(
        Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNREACHABLE, "gone", retryable=True
    )
    for last, calls in ((False, 1), (True, 3)):
        call = scripted(refused)
        invocation = make_invocation()
        invocation.last = last
        run(call, invocation)
        assert call.calls == calls


def test_one_try_means_no_retry() -> None:
    call = scripted(unavailable())
    run(call, make_invocation(), settings=RetrySettings(max_tries=1))
    assert call.calls == 1


def test_a_wait_that_outlasts_the_deadline_is_not_started() -> None:
    """C-02 ✗: tries without an overall deadline multiply into minutes."""
    call = scripted(unavailable())
    clock = VirtualClock()
    result, slept = run(call, make_invocation(deadline_at=clock.now + 0.15), clock=clock)
    assert isinstance(result, Fault)
    assert slept == [0.1]
    assert call.calls == 2


def test_the_endpoint_says_how_long_to_wait_and_is_obeyed_exactly() -> None:
    call = scripted(unavailable(retry_after_s=0.7), DONE)
    result, slept = run(call, make_invocation(), draw=lambda: 0.0)
    assert (result, slept) == (DONE, [0.7])


def test_an_account_without_calls_left_stops_the_retries() -> None:
    call = scripted(unavailable())
    result, slept = run(call, make_invocation(account=OpenAccount(calls=1)))
    assert isinstance(result, Fault)
    assert call.calls == 2
    assert len(slept) == 1


def test_a_foreign_error_is_not_retried() -> None:
    async def broken() -> Completion:
        raise RuntimeError("bug")

    call = scripted(unavailable(), broken)
    with pytest.raises(RuntimeError, match="bug"):
        run(call, make_invocation())


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=10, max_size=10))
def test_waits_have_full_jitter_below_the_growing_cap(draws: list[float]) -> None:
    """C-02 ✗: without jitter all callers come back at the same moment."""
    left = iter(draws)
    settings = RetrySettings(max_tries=10, base_s=0.1, factor=2.0, max_s=1.0)
    _, slept = run(
        scripted(unavailable()), make_invocation(), settings=settings, draw=lambda: next(left)
    )
    caps = [min(1.0, 0.1 * 2**n) for n in range(9)]
    assert slept == [pytest.approx(draw * cap) for draw, cap in zip(draws[:9], caps, strict=True)]

"""When there is a hedge, what ends one call only, and hedge in pairs with other policies."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.candidate import Attempt, AttemptStatus, Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Reason
from gateway.core.policy import Invocation, not_called
from gateway.policies.hedge import HedgeSettings, hedge
from gateway.policies.observe import observe
from gateway.policies.retry import RetrySettings, retry
from gateway.policies.timeout import TimeoutSettings, timeout
from gateway.state.hedging import HedgeBudget, HedgeBudgetSettings
from tests.fakes.race import (
    LATE,
    LEFT_TOO_LITTLE,
    UNREACHABLE,
    Quiet,
    Rig,
    says,
    writes,
)
from tests.fakes.values import unavailable

# When there is a hedge at all


def test_a_call_in_time_is_passed_on_and_leaves_no_trace() -> None:
    rig = Rig((0.9, says("in time")))
    before = rig.invocation.send
    assert rig.run() == says("in time")
    assert rig.asked == [("alpha", False)]
    invocation = rig.invocation
    assert (invocation.hedged, invocation.try_number, invocation.send) == (False, 1, before)


def test_an_endpoint_that_is_not_idempotent_is_never_hedged() -> None:
    rig = Rig((5.0, says("1")), endpoint=Endpoint("alpha", idempotent=False))
    assert rig.run() == says("1")
    assert rig.asked == []


def test_an_endpoint_whose_speed_is_not_known_is_not_hedged() -> None:
    rig = Rig((5.0, says("1")))
    rig.delay_s = None
    rig.run()
    assert rig.started == [0.0]


def test_without_budget_there_is_no_hedge_and_a_failure_is_left_to_retry() -> None:
    empty = HedgeBudget(HedgeBudgetSettings(0.001))
    fault = unavailable()
    for step, result in (((5.0, says("1")), says("1")), ((0.5, fault), fault)):
        rig = Rig(step, (0.1, says("2")))
        rig.call = hedge(HedgeSettings(), rig, empty, rig.throttle, rig.clock)(rig._call)
        assert rig.run() == result
        assert (rig.started, rig.invocation.hedged) == ([0.0], False)
        assert rig.throttle.tokens == 1000


def test_no_hedge_is_made_when_the_time_for_the_first_text_is_over() -> None:
    rig = Rig(writes((3.0, "late")), (0.1, says("2"))).stream()
    rig.invocation.first_by = rig.began + 0.9
    rig.run()
    assert rig.started == [0.0]


def test_a_hedge_has_the_whole_deadline_and_task_whatever_the_first_call_did_to_them() -> None:
    """The pair hedge + timeout: a layer below narrows the first call's deadline in place."""
    seen: list[float] = []
    endpoint = Endpoint("alpha", timeout_s=1.2)

    async def innermost(invocation: Invocation) -> Completion:
        seen.append(invocation.deadline.at - rig.began)
        await asyncio.sleep(1.1)
        return says("x")

    rig = Rig((0, says("unused")), endpoint=endpoint, deadline_at=1100.0)
    timed = timeout(TimeoutSettings(), rig.clock, Quiet())(innermost)
    rig.call = hedge(HedgeSettings(), rig, rig.budget, rig.throttle, rig.clock)(timed)
    rig.run()
    assert seen == pytest.approx([1.2, 2.2])
    assert rig.invocation.deadline.at == 1100.0


def test_a_hedge_of_a_group_is_sent_to_the_group_and_not_to_the_replica_of_the_first() -> None:
    """The pair hedge + balance: a replica takes the group's place in the running invocation."""
    asked: list[tuple[str, list[str]]] = []

    async def balanced(invocation: Invocation) -> Completion:
        task = invocation.task
        asked.append((task.endpoint.name, list(invocation.tried)))
        name = f"replica {len(asked)}"
        invocation.tried.append(name)
        invocation.task = replace(task, endpoint=Endpoint(name))
        try:
            await asyncio.sleep(1.5)
        finally:
            invocation.task = task
        return says(name)

    rig = Rig(balanced)
    assert rig.run() == says("replica 1")
    assert asked == [("alpha", []), ("alpha", ["replica 1"])]


# Faults that end one call only


@pytest.mark.parametrize(
    "reason",
    [
        Reason.BREAKER_OPEN,
        Reason.ENDPOINT_SATURATED,
        Reason.ENDPOINT_UNHEALTHY,
        Reason.ENDPOINT_WARMING_UP,
        Reason.BUDGET_EXHAUSTED,
    ],
)
def test_a_hedge_that_we_refuse_ourselves_harms_no_other_call(reason: Reason) -> None:
    async def refused(invocation: Invocation) -> Completion:
        raise not_called(invocation, reason, "not called")

    rig = Rig((3.0, says("first")), refused)
    assert rig.run() == says("first")
    assert rig.invocation.attempts[0].try_number == 2
    fault = unavailable()
    rig = Rig((3.0, fault), refused)
    assert rig.run() is fault
    rig = Rig((0.5, fault), refused)
    assert rig.run() is fault


@pytest.mark.parametrize("fault", [LATE, LEFT_TOO_LITTLE])
def test_a_call_that_timed_out_by_itself_leaves_its_hedge_a_chance(fault: Fault) -> None:
    rig = Rig((1.5, fault), (3.0, says("hedge")))
    assert rig.run() == says("hedge")
    assert rig.started == [0.0, 1.0]


def test_a_connection_that_cannot_be_made_is_left_to_retry() -> None:
    rig = Rig((0.1, UNREACHABLE), (0.1, says("2")))
    assert rig.run() is UNREACHABLE
    assert (rig.started, rig.invocation.hedged) == ([0.0], False)
    rig = Rig((3.0, says("first")), (0.1, UNREACHABLE))
    assert rig.run() == says("first")


def test_pushback_with_no_other_call_is_left_to_retry() -> None:
    fault = unavailable(retry_after_s=0.5)
    rig = Rig((0.1, fault), (0.1, says("2")))
    assert rig.run() is fault
    assert rig.took == pytest.approx(0.1)
    assert not rig.invocation.hedged


@pytest.mark.parametrize(("last", "calls"), [(True, 3), (False, 2)])
def test_pushback_when_all_failed_is_waited_for_only_by_the_last_endpoint(last, calls) -> None:
    fault = unavailable(retry_after_s=2.0)
    rig = Rig((1.2, unavailable(retryable=False)), (0.5, fault), (0.1, says("3")))
    assert rig.run() is fault
    rig = Rig((1.2, LATE), (0.5, fault), (0.1, says("3")))
    rig.invocation.last = last
    rig.run()
    assert len(rig.started) == 2
    rig = Rig((1.7, fault), (0.5, unavailable(retry_after_s=9.0)), (0.1, says("3")))
    rig.invocation.last = last
    assert rig.run() == (says("3") if last else fault)
    assert len(rig.started) == calls


def test_pushback_that_outlasts_the_deadline_is_not_waited_for() -> None:
    fault = unavailable(retry_after_s=5.0)
    rig = Rig((1.7, fault), (0.5, fault), (0.1, says("3")), deadline_at=1004.0)
    assert rig.run() is fault
    assert rig.took == pytest.approx(1.7)


def test_a_hedge_that_is_no_longer_allowed_after_its_wait_ends_the_invocation() -> None:
    fault = unavailable(retry_after_s=2.0)
    rig = Rig((1.7, fault), (0.5, fault), (0.1, says("3")), saved=1)
    assert rig.run() is fault
    assert rig.took == pytest.approx(3.7)


# Pairs


def observed(rig: Rig) -> None:
    watching = observe(Quiet(), rig.clock)(rig._call)
    rig.call = hedge(HedgeSettings(3), rig, rig.budget, rig.throttle, rig.clock)(watching)


def test_a_losing_call_is_recorded_as_cancelled_with_its_own_number() -> None:
    """The pair hedge + observe."""
    rig = Rig((9.0, says("1")), (9.0, says("2")), (0.5, says("3")))
    observed(rig)
    rig.run()
    ends = {a.try_number: a.status for a in rig.invocation.attempts}
    assert ends == {
        1: AttemptStatus.CANCELLED,
        2: AttemptStatus.CANCELLED,
        3: AttemptStatus.OK,
    }
    assert len(rig.invocation.attempts) == 3


def retried(rig: Rig, tries: int = 3) -> None:
    """Retry around the hedge, as in TARGET_STACK."""
    again = retry(
        RetrySettings(max_tries=tries), rig.clock, lambda: 0.5, rig.throttle, asyncio.sleep
    )
    rig.call = again(rig.call)


def test_hedged_calls_that_all_failed_are_not_retried() -> None:
    """The pair retry + hedge."""
    rig = Rig((0.5, unavailable()), (0.1, unavailable()), calls=2)
    retried(rig)
    rig.run()
    assert len(rig.started) == 2
    assert rig.throttle.tokens == 998


def test_a_failure_that_may_not_be_hedged_is_retried_and_counted_once() -> None:
    rig = Rig((0.5, unavailable()), (0.1, unavailable()), (0.1, says("3")), calls=2)
    empty = HedgeBudget(HedgeBudgetSettings(0.001))
    rig.call = hedge(HedgeSettings(), rig, empty, rig.throttle, rig.clock)(rig._call)
    retried(rig)
    assert rig.run() == says("3")
    assert rig.started == pytest.approx([0.0, 0.6, 0.9])
    assert rig.throttle.retries == 2
    assert rig.throttle.tokens == pytest.approx(998.1)


@pytest.mark.parametrize("fails_after", [0.5, 3.0])
def test_a_call_whose_hedge_was_refused_is_retried_and_its_fault_counted_once(fails_after) -> None:
    async def refused(invocation: Invocation) -> Completion:
        raise not_called(invocation, Reason.ENDPOINT_SATURATED, "full")

    rig = Rig((fails_after, unavailable()), refused, (0.1, says("3")), saved=1)
    retried(rig)
    assert rig.run() == says("3")
    assert rig.throttle.tokens == pytest.approx(999.1)
    assert (rig.invocation.hedged, rig.invocation.try_number) == (False, 3)
    assert (rig.throttle.retries, rig.budget.hedges, rig.budget.take()) == (1, 0, True)


def test_a_retry_whose_hedge_was_refused_may_still_be_hedged() -> None:
    async def refused(invocation: Invocation) -> Completion:
        raise not_called(invocation, Reason.ENDPOINT_SATURATED, "full")

    rig = Rig((1.5, unavailable()), refused, (9.0, says("3")), (0.1, says("4")))
    retried(rig)
    assert rig.run() == says("4")
    assert rig.started == pytest.approx([0.0, 1.0, 1.6, 2.6])
    assert (rig.invocation.try_number, rig.budget.hedges) == (4, 1)


def test_a_hedge_that_ends_before_it_was_sent_is_none() -> None:
    async def waits(invocation: Invocation) -> Completion:
        invocation.attempts.append(Attempt("alpha", 2, AttemptStatus.SKIPPED))
        await asyncio.sleep(9)
        return says("never")

    rig = Rig((1.5, says("first")), waits)
    assert rig.run() == says("first")
    assert (rig.ended[1], rig.invocation.hedged, rig.budget.hedges) == ("cancelled", False, 0)


@pytest.mark.parametrize(("tried", "calls"), [([], 1), (["replica"], 2)])
def test_a_call_that_waits_in_line_is_hedged_only_at_another_replica(tried, calls) -> None:
    async def waits(invocation: Invocation) -> Completion:
        invocation.in_line = True
        await asyncio.sleep(5)
        invocation.in_line = False
        return says("first")

    rig = Rig(waits, (9.0, says("2")), calls=2)
    rig.invocation.tried.extend(tried)
    assert rig.run() == says("first")
    assert (len(rig.started), rig.budget.hedges) == (calls, calls - 1)


def test_pushback_to_a_lone_call_is_waited_for_by_retry_exactly() -> None:
    rig = Rig((0.5, unavailable(retry_after_s=0.7)), (0.1, says("2")))
    retried(rig)
    assert rig.run() == says("2")
    assert rig.started == pytest.approx([0.0, 1.2])
    assert rig.budget.hedges == 0


def test_a_retry_that_is_slow_is_hedged_and_numbers_go_on() -> None:
    rig = Rig((0.5, UNREACHABLE), (9.0, says("2")), (0.5, says("3")))
    observed(rig)
    retried(rig)
    assert rig.run() == says("3")
    assert {a.try_number: a.status for a in rig.invocation.attempts} == {
        1: AttemptStatus.FAILED,
        2: AttemptStatus.CANCELLED,
        3: AttemptStatus.OK,
    }
    assert rig.invocation.try_number == 3


def test_fewer_than_two_calls_are_no_hedge() -> None:
    with pytest.raises(ValueError, match="max_calls"):
        HedgeSettings(1)

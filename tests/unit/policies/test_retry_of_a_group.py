"""Retries of a group: a failing replica is left for another."""

from __future__ import annotations

import pytest

from gateway.core.candidate import Completion
from gateway.core.faults import Fault
from gateway.core.policy import Invocation
from gateway.policies.retry import RetrySettings
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.tries import DONE, fallback_left, run, unreachable
from tests.fakes.values import make_invocation, unavailable


class Group:
    """Replicas that each do their steps in turn, the one called least first, as `balance` does."""

    def __init__(self, **steps: list[Fault | Completion]) -> None:
        self.steps = steps
        self.asked: list[str] = []
        self.unable: set[str] = set()

    async def __call__(self, invocation: Invocation) -> Completion:
        able = [name for name in self.steps if name not in self.unable]
        name = min(able, key=invocation.tried.count)
        invocation.tried.append(name)
        self.asked.append(name)
        steps = self.steps[name]
        step = steps[min(invocation.tried.count(name), len(steps)) - 1]
        if isinstance(step, Fault):
            invocation.elsewhere = any(one not in invocation.tried for one in able)
            raise step
        return step


def test_a_dead_replica_is_left_with_one_extra_attempt_and_no_wait() -> None:
    for invocation in (make_invocation(), fallback_left()):
        group = Group(dead=[unreachable()], well=[DONE])
        assert run(group, invocation) == (DONE, [0.0])
        assert group.asked == ["dead", "well"]


def test_a_dead_replica_is_left_though_the_throttle_refuses_since_nobody_was_reached() -> None:
    throttle = Throttle(ThrottleSettings(1))
    throttle.failed(unavailable())
    assert not throttle.allows()
    group = Group(dead=[unreachable()], well=[DONE])
    assert run(group, make_invocation(), throttle=throttle) == (DONE, [0.0])


def test_a_failing_replica_is_left_at_once_while_the_throttle_allows() -> None:
    group = Group(sick=[unavailable()], well=[DONE])
    assert run(group, make_invocation()) == (DONE, [0.0])
    throttle = Throttle(ThrottleSettings(1))
    group = Group(sick=[unavailable()], well=[DONE])
    result, _ = run(group, make_invocation(), throttle=throttle)
    assert isinstance(result, Fault)


def test_when_every_replica_was_called_the_waits_begin() -> None:
    group = Group(a=[unavailable()], b=[unavailable()])
    _, slept = run(group, make_invocation(), settings=RetrySettings(max_tries=5))
    assert group.asked == ["a", "b", "a", "b", "a"]
    assert slept == pytest.approx([0.0, 0.1, 0.2, 0.4])


def test_a_replica_that_is_called_again_for_want_of_another_is_waited_for() -> None:
    group = Group(a=[unavailable()], open=[DONE])
    group.unable = {"open"}
    _, slept = run(group, make_invocation())
    assert (group.asked, slept) == (["a"] * 3, pytest.approx([0.1, 0.2]))


def test_a_replica_asked_for_a_wait_that_holds_while_its_sibling_may_not_be_called() -> None:
    group = Group(a=[unavailable(retry_after_s=1.5), DONE], open=[DONE])
    group.unable = {"open"}
    assert run(group, make_invocation()) == (DONE, [1.5])


def test_a_dead_replica_whose_sibling_may_not_be_called_is_left_for_the_next_endpoint() -> None:
    group = Group(dead=[unreachable()], open=[DONE])
    group.unable = {"open"}
    result, slept = run(group, fallback_left())
    assert isinstance(result, Fault)
    assert (group.asked, slept) == (["dead"], [])


def test_replicas_without_a_connection_are_left_for_the_next_endpoint_when_none_is_new() -> None:
    group = Group(a=[unreachable()], b=[unreachable()])
    invocation = fallback_left()
    result, slept = run(group, invocation, settings=RetrySettings(max_tries=5))
    assert isinstance(result, Fault)
    assert (group.asked, slept) == (["a", "b"], [0.0])


def test_immediate_tries_count_as_tries() -> None:
    group = Group(a=[unreachable()], b=[unreachable()], c=[unreachable()], d=[DONE])
    run(group, make_invocation())
    assert group.asked == ["a", "b", "c"]


def test_what_a_replica_asked_for_binds_no_other_and_holds_when_its_turn_comes() -> None:
    group = Group(a=[unavailable(retry_after_s=1.5), DONE], b=[unavailable(retry_after_s=0.2)])
    assert run(group, make_invocation()) == (DONE, [0.0, pytest.approx(1.5)])
    group = Group(a=[unavailable(retry_after_s=1.5), DONE], b=[unavailable()], c=[unavailable()])
    four = RetrySettings(max_tries=4)
    result, slept = run(group, make_invocation(), settings=four)
    assert (result, slept) == (DONE, [0.0, 0.0, pytest.approx(1.5)])
    group = Group(a=[unavailable(retry_after_s=9), DONE], b=[unavailable()])
    result, slept = run(group, fallback_left())
    assert isinstance(result, Fault)
    assert slept == [0.0]

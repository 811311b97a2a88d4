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

    async def __call__(self, invocation: Invocation) -> Completion:
        name = min(self.steps, key=invocation.tried.count)
        invocation.tried.append(name)
        self.asked.append(name)
        steps = self.steps[name]
        step = steps[min(invocation.tried.count(name), len(steps)) - 1]
        if isinstance(step, Fault):
            raise step
        return step


def test_a_dead_replica_is_left_with_one_extra_attempt_and_no_wait() -> None:
    for invocation in (make_invocation(), fallback_left()):
        group = Group(dead=[unreachable()], well=[DONE])
        assert run(group, invocation, replicas=2) == (DONE, [0.0])
        assert group.asked == ["dead", "well"]


def test_a_dead_replica_is_left_though_the_throttle_refuses_since_nobody_was_reached() -> None:
    throttle = Throttle(ThrottleSettings(1))
    throttle.failed(unavailable())
    assert not throttle.allows()
    group = Group(dead=[unreachable()], well=[DONE])
    assert run(group, make_invocation(), replicas=2, throttle=throttle) == (DONE, [0.0])


def test_a_failing_replica_is_left_at_once_while_the_throttle_allows() -> None:
    group = Group(sick=[unavailable()], well=[DONE])
    assert run(group, make_invocation(), replicas=2) == (DONE, [0.0])
    throttle = Throttle(ThrottleSettings(1))
    group = Group(sick=[unavailable()], well=[DONE])
    result, _ = run(group, make_invocation(), replicas=2, throttle=throttle)
    assert isinstance(result, Fault)


def test_when_every_replica_was_called_the_waits_begin() -> None:
    group = Group(a=[unavailable()], b=[unavailable()])
    _, slept = run(group, make_invocation(), replicas=2, settings=RetrySettings(max_tries=5))
    assert group.asked == ["a", "b", "a", "b", "a"]
    assert slept == pytest.approx([0.0, 0.1, 0.2, 0.4])


def test_a_replica_that_is_called_again_for_want_of_another_is_waited_for() -> None:
    group = Group(only=[unavailable()])
    _, slept = run(group, make_invocation(), replicas=3)
    assert slept == pytest.approx([0.0, 0.1])


def test_replicas_without_a_connection_are_left_for_the_next_endpoint_when_none_is_new() -> None:
    group = Group(a=[unreachable()], b=[unreachable()])
    invocation = fallback_left()
    result, slept = run(group, invocation, replicas=2, settings=RetrySettings(max_tries=5))
    assert isinstance(result, Fault)
    assert (group.asked, slept) == (["a", "b"], [0.0])


def test_immediate_tries_count_as_tries() -> None:
    group = Group(a=[unreachable()], b=[unreachable()], c=[unreachable()], d=[DONE])
    run(group, make_invocation(), replicas=4)
    assert group.asked == ["a", "b", "c"]


def test_what_a_replica_asked_for_binds_no_other_and_holds_when_its_turn_comes() -> None:
    group = Group(a=[unavailable(retry_after_s=1.5), DONE], b=[unavailable(retry_after_s=0.2)])
    assert run(group, make_invocation(), replicas=2) == (DONE, [0.0, pytest.approx(1.5)])
    group = Group(a=[unavailable(retry_after_s=1.5), DONE], b=[unavailable()], c=[unavailable()])
    four = RetrySettings(max_tries=4)
    result, slept = run(group, make_invocation(), replicas=3, settings=four)
    assert (result, slept) == (DONE, [0.0, 0.0, pytest.approx(1.5)])
    group = Group(a=[unavailable(retry_after_s=9), DONE], b=[unavailable()])
    result, slept = run(group, fallback_left(), replicas=2)
    assert isinstance(result, Fault)
    assert slept == [0.0]

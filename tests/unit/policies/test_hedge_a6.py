"""The rules of gRFC A6 for hedging (grpc/proposal `A6-client-retries.md`), one test each."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import Completion
from gateway.core.faults import Fault
from gateway.core.policy import Invocation
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.race import (
    FATAL,
    INVALID,
    TOLD_NOT_TO,
    Rig,
    says,
)
from tests.fakes.values import unavailable


def test_a6_hedging_sends_the_first_at_once_and_the_next_each_delay() -> None:
    rig = Rig((10.0, says("1")), (10.0, says("2")), (10.0, says("3")), calls=3)
    rig.run()
    assert rig.started == [0.0, 1.0, 2.0]


def test_a6_hedging_success_cancels_the_others_and_is_the_answer() -> None:
    rig = Rig((10.0, says("slow")), (0.5, says("hedge")), (10.0, says("third")))
    assert rig.run() == says("hedge")
    assert rig.took == pytest.approx(1.5)
    assert rig.ended == {0: "cancelled", 1: "answered"}
    assert (rig.budget.hedges, rig.budget.wins) == (1, 1)


def test_a6_hedging_success_of_the_first_cancels_its_hedges() -> None:
    rig = Rig((1.5, says("first")), (10.0, says("hedge")))
    assert rig.run() == says("first")
    assert rig.took == pytest.approx(1.5)
    assert rig.ended == {0: "answered", 1: "cancelled"}
    assert (rig.budget.hedges, rig.budget.wins) == (1, 0)


def test_a6_hedging_non_fatal_status_sends_the_next_at_once_and_later_ones_after_the_delay() -> (
    None
):
    rig = Rig((0.2, unavailable()), (10.0, says("2")), (0.1, says("3")))
    assert rig.run() == says("3")
    assert rig.started == pytest.approx([0.0, 0.2, 1.2])


def test_a6_hedging_non_fatal_status_of_a_hedge_sends_the_next_at_once() -> None:
    rig = Rig((10.0, says("1")), (0.3, unavailable()), (0.1, says("3")))
    assert rig.run() == says("3")
    assert rig.started == pytest.approx([0.0, 1.0, 1.3])


@pytest.mark.parametrize("fault", [FATAL, INVALID])
def test_a6_hedging_fatal_status_cancels_all_and_is_returned(fault: Fault) -> None:
    rig = Rig((10.0, says("1")), (0.5, fault))
    assert rig.run() is fault
    assert rig.took == pytest.approx(1.5)
    assert rig.ended == {0: "cancelled", 1: "failed"}
    rig = Rig((1.5, fault), (10.0, says("2")))
    assert rig.run() is fault
    assert rig.ended == {0: "failed", 1: "cancelled"}


def test_a6_hedging_fatal_status_before_the_delay_sends_nothing_more() -> None:
    rig = Rig((0.5, FATAL), (0.1, says("2")))
    assert rig.run() is FATAL
    assert rig.started == [0.0]
    assert not rig.invocation.hedged


def test_a6_hedging_pushback_not_to_retry_sends_no_more_and_lets_the_others_go_on() -> None:
    rig = Rig((5.0, says("first")), (0.1, TOLD_NOT_TO), (0.1, says("3")))
    assert rig.run() == says("first")
    assert rig.started == [0.0, 1.0]
    rig = Rig((0.1, TOLD_NOT_TO), (0.1, says("2")))
    assert rig.run() is TOLD_NOT_TO
    assert rig.started == [0.0]


def test_a6_hedging_pushback_not_to_retry_holds_whatever_happens_to_the_others() -> None:
    last = unavailable()
    rig = Rig((3.0, last), (0.1, TOLD_NOT_TO), (0.1, says("3")))
    assert rig.run() is last
    assert rig.started == [0.0, 1.0]


def test_a6_hedging_pushback_sends_the_next_after_it_and_later_ones_after_the_delay_again() -> None:
    rig = Rig(
        (10.0, says("1")),
        (0.5, unavailable(retry_after_s=2.0)),
        (10.0, says("3")),
        (0.1, says("4")),
        calls=4,
    )
    assert rig.run() == says("4")
    assert rig.started == pytest.approx([0.0, 1.0, 3.5, 4.5])


def test_a6_hedging_pushback_of_zero_sends_the_next_at_once() -> None:
    rig = Rig((0.5, unavailable(retry_after_s=0.0)), (0.1, says("2")))
    assert rig.run() == says("2")
    assert rig.started == [0.0, 0.5]


def test_a6_hedging_pushback_never_exceeds_the_most_calls() -> None:
    fault = unavailable(retry_after_s=0.1)
    rig = Rig((1.5, fault), (0.2, fault), calls=2)
    assert rig.run() is fault
    assert len(rig.started) == 2
    assert rig.took == pytest.approx(1.5)


def test_a6_hedging_all_failed_returns_the_last_fault_and_there_is_no_retry() -> None:
    faults = [unavailable(), unavailable(), unavailable()]
    rig = Rig((3.0, faults[0]), (0.1, faults[1]), (5.0, faults[2]))
    assert rig.run() is faults[2]
    assert rig.invocation.hedged
    assert len(rig.started) == 3


def test_a6_hedging_more_than_five_calls_are_taken_for_five() -> None:
    rig = Rig((20.0, says("slow")), calls=9)
    rig.run()
    assert rig.started == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a6_hedging_needs_the_throttle_above_its_threshold_and_the_first_does_not() -> None:
    throttle = Throttle(ThrottleSettings(2))
    throttle.failed(unavailable())
    rig = Rig((5.0, says("first")), (0.1, says("2")), throttle=throttle)
    assert rig.run() == says("first")
    assert rig.started == [0.0]
    assert rig.budget.hedges == 0


def test_a6_hedging_throttled_with_no_call_under_way_returns_the_failure() -> None:
    fault = unavailable()
    rig = Rig((0.5, fault), (0.1, says("2")), throttle=Throttle(ThrottleSettings(2)))
    assert rig.run() is fault
    # Not hedged: the fault is for `retry` to count, and it is counted once.
    assert (rig.invocation.hedged, rig.throttle.tokens) == (False, 2)


def test_a6_throttle_counts_every_failed_call_of_a_hedged_one() -> None:
    rig = Rig((0.5, unavailable()), (0.1, unavailable()), (0.1, unavailable()))
    rig.run()
    assert rig.throttle.tokens == 997
    rig = Rig((0.5, unavailable()), (0.1, says("2")))
    rig.run()
    assert rig.throttle.tokens == 999


def test_a6_the_deadline_covers_all_hedges() -> None:
    rig = Rig((5.0, says("1")), (5.0, says("2")), (0.1, says("3")), deadline_at=1001.5)
    rig.run()
    assert rig.started == [0.0, 1.0]


def test_a6_the_endpoint_is_not_told_of_earlier_attempts_by_a_hedge() -> None:
    told: list[int] = []

    async def step(invocation: Invocation) -> Completion:
        told.append(invocation.task.tries_before)
        await asyncio.sleep(1.5)
        return says("x")

    Rig(step).run()
    assert told == [0, 0]

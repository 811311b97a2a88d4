"""A balancer asks breakers whether they are ready, without using up what they let through."""

from __future__ import annotations

from gateway.core.outcome import Outcome
from gateway.state.breaker import Breaker, BreakerState
from gateway.state.breaker_settings import BreakerSettings

SETTINGS = BreakerSettings(
    minimum_calls=2, window_size=4, open_s=5.0, half_open_permits=1, half_open_max_s=2.0
)


def opened() -> Breaker:
    breaker = Breaker("alpha", SETTINGS)
    for _ in range(2):
        breaker.record(breaker.acquire(0.0), Outcome.FAILURE, 0.1, 0.0)
    assert breaker.state is BreakerState.OPEN
    return breaker


def test_a_closed_breaker_is_ready() -> None:
    assert Breaker("alpha", SETTINGS).ready(0.0)


def test_an_open_one_is_ready_once_its_time_is_over_and_asking_changes_nothing() -> None:
    breaker = opened()
    assert not breaker.ready(4.9)
    assert breaker.ready(5.0)
    assert breaker.state is BreakerState.OPEN
    assert breaker.acquire(5.0)


def test_a_half_open_one_is_ready_while_it_has_a_permit() -> None:
    breaker = opened()
    permit = breaker.acquire(5.0)
    assert not breaker.ready(5.0)
    breaker.record(permit, Outcome.NOT_COUNTED, 0.1, 5.1)
    assert breaker.ready(5.1)


def test_a_half_open_one_without_a_verdict_is_open_again_when_asked_too_late() -> None:
    breaker = opened()
    breaker.acquire(5.0)
    assert not breaker.ready(7.5)
    assert breaker.state is BreakerState.OPEN


def test_a_forced_open_one_is_never_ready() -> None:
    breaker = Breaker("alpha", SETTINGS)
    breaker.force(BreakerState.FORCED_OPEN, 0.0)
    assert not breaker.ready(1e9)

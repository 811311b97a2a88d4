"""What to expect of an endpoint, judged by its window."""

from __future__ import annotations

import pytest

from gateway.core.outcome import Outcome
from gateway.state import fleet as fleet_module
from gateway.state.fleet import Fleet
from tests.fakes.ticks import Ticks

OK, FAILED, NEITHER = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NOT_COUNTED


def fleet_of() -> tuple[Fleet, Ticks]:
    clock = Ticks()
    return Fleet("a", clock), clock


def record(fleet: Fleet, outcome: Outcome, elapsed_s: float, times: int = 1) -> None:
    for _ in range(times):
        fleet.started("a")
        fleet.ended("a", outcome, elapsed_s)


def known(fleet: Fleet, name: str = "a") -> tuple[float | None, ...]:
    return (
        fleet.typical(name),
        fleet.expected(name, fleet._clock()).least,
        fleet.delay(name, streamed=False),
        fleet.typical_first(name),
        fleet.delay(name, streamed=True),
    )


NOTHING = (None,) * 5


def test_nothing_is_expected_of_an_endpoint_before_there_is_enough_to_go_by() -> None:
    fleet, clock = fleet_of()
    assert known(fleet) == NOTHING
    record(fleet, OK, 0.1, times=4)
    fleet.first_text("a", 0.05)
    clock.move(1)
    assert known(fleet) == NOTHING
    record(fleet, OK, 0.1, times=15)
    clock.move(1)
    assert known(fleet) == (0.1, None, None, None, None)
    record(fleet, OK, 0.1)
    for _ in range(19):
        fleet.first_text("a", 0.05)
    clock.move(1)
    assert known(fleet) == (0.1, 0.1, 0.1, 0.05, 0.05)


def test_expectations_are_quantiles_of_the_recent_successes_alone() -> None:
    fleet, clock = fleet_of()
    record(fleet, OK, 50.0, times=100)
    clock.move(301)
    for elapsed_ms in range(100, 0, -1):
        record(fleet, OK, elapsed_ms / 1000)
        fleet.first_text("a", elapsed_ms / 10_000)
    record(fleet, FAILED, 9.0, times=50)
    record(fleet, NEITHER, 0.0001, times=50)
    clock.move(1)
    assert known(fleet) == (0.05, 0.005, 0.095, 0.005, 0.0095)
    clock.move(301)
    assert known(fleet) == NOTHING


def test_expectations_are_worked_out_once_a_second(monkeypatch) -> None:
    """They are asked for on the way of every request, so sorting the window must be rare."""
    worked_out: list[int] = []
    real = fleet_module.expected_of

    def counted(*args):
        worked_out.append(1)
        return real(*args)

    monkeypatch.setattr(fleet_module, "expected_of", counted)
    fleet, clock = fleet_of()
    record(fleet, OK, 0.1, times=200)
    for _ in range(1000):
        fleet.typical("a")
    assert len(worked_out) == 1
    record(fleet, OK, 0.3, times=200)
    clock.move(0.999)
    assert fleet.typical("a") == 0.1
    clock.move(0.001)
    assert fleet.typical("a") == 0.3
    assert len(worked_out) == 2


def test_a_group_is_expected_to_do_what_any_of_its_replicas_may() -> None:
    clock = Ticks()
    fleet = Fleet("abc", clock, groups={"model": ("a", "b"), "new": ("b", "c")})
    assert known(fleet, "model") == NOTHING
    for name, elapsed_s in (("a", 0.1), ("b", 0.4)):
        for _ in range(20):
            fleet.ended(name, OK, elapsed_s)
            fleet.first_text(name, elapsed_s / 2)
    clock.move(1)
    assert known(fleet, "model") == (0.4, 0.1, 0.4, 0.2, 0.2)
    # Nobody knows how fast the other replica may be.
    assert known(fleet, "new") == (0.4, None, 0.4, 0.2, 0.2)
    for _ in range(64):
        fleet.ended("a", OK, 0.8)
    assert fleet.typical("model") == 0.4
    clock.move(1)
    assert fleet.typical("model") == 0.8


def test_expectations_of_a_stranger_are_a_bug_and_said_so() -> None:
    fleet, _ = fleet_of()
    for call in (
        lambda: fleet.first_text("x", 0.1),
        lambda: fleet.typical("x"),
        lambda: fleet.delay("x", streamed=True),
    ):
        with pytest.raises(KeyError, match="x"):
            call()

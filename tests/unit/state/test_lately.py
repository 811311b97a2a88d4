"""How an endpoint, or a group as a whole, did lately."""

from __future__ import annotations

import pytest

from gateway.core.outcome import Outcome
from gateway.state import fleet as fleet_module
from gateway.state.fleet import Fleet
from gateway.state.lately import FRESH_S, Lately, together
from tests.fakes.ticks import Ticks

OK, FAILED, NEITHER = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NOT_COUNTED


def fleet_of(**groups: tuple[str, ...]) -> tuple[Fleet, Ticks]:
    clock = Ticks()
    return Fleet(("a", "b"), clock, window_s=60, groups=groups), clock


def record(fleet: Fleet, name: str, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        fleet.started(name)
        fleet.ended(name, outcome, 0.1)


def test_nothing_is_known_of_an_endpoint_that_was_never_asked() -> None:
    fleet, clock = fleet_of()
    lately = fleet.lately("a", clock())
    assert (lately.success_rate, lately.quality, lately.counted, lately.judged) == (
        None,
        None,
        0,
        0,
    )


def test_what_does_not_count_against_an_endpoint_counts_nowhere() -> None:
    fleet, clock = fleet_of()
    record(fleet, "a", OK, OK, OK, FAILED, NEITHER, NEITHER)
    lately = fleet.lately("a", clock())
    assert (lately.success_rate, lately.counted) == (0.75, 4)


def test_quality_is_the_mean_confidence_of_the_texts_that_were_judged() -> None:
    fleet, clock = fleet_of()
    for confidence in (0.25, 0.75, 0.5):
        fleet.judged("a", confidence)
    lately = fleet.lately("a", clock())
    assert lately.quality == pytest.approx(0.5)
    assert lately.judged == 3


def test_what_is_older_than_the_window_is_forgotten() -> None:
    fleet, clock = fleet_of()
    record(fleet, "a", FAILED)
    fleet.judged("a", 0.0)
    clock.move(61)
    record(fleet, "a", OK)
    lately = fleet.lately("a", clock())
    assert (lately.success_rate, lately.counted, lately.judged) == (1.0, 1, 0)


def test_it_is_counted_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, clock = fleet_of()
    counts = 0
    lately_of = fleet_module.lately_of

    def counted(*args: object) -> Lately:
        nonlocal counts
        counts += 1
        return lately_of(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(fleet_module, "lately_of", counted)
    record(fleet, "a", OK)
    assert fleet.lately("a", clock()).counted == 1
    record(fleet, "a", OK)
    clock.move(FRESH_S / 2)
    assert fleet.lately("a", clock()).counted == 1
    clock.move(FRESH_S / 2)
    assert fleet.lately("a", clock()).counted == 2
    assert counts == 2


def test_a_group_is_all_its_replicas_together() -> None:
    fleet, clock = fleet_of(g=("a", "b"))
    record(fleet, "a", OK, OK, OK)
    record(fleet, "b", FAILED)
    fleet.judged("a", 0.9)
    fleet.judged("b", 0.1)
    group = fleet.lately("g", clock())
    assert (group.success_rate, group.counted) == (0.75, 4)
    assert (group.quality, group.judged) == (pytest.approx(0.5), 2)


def test_a_name_that_is_not_configured_is_a_bug() -> None:
    fleet, clock = fleet_of()
    with pytest.raises(KeyError):
        fleet.lately("nobody", clock())


def test_together_is_as_stale_as_the_stalest() -> None:
    assert together([Lately(1, 1, stale_at=5.0), Lately(0, 1, stale_at=3.0)]) == Lately(
        1, 2, stale_at=3.0
    )
    assert together([]) == Lately()

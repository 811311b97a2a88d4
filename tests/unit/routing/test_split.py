"""Arms of experiments: B-01, B-02, L-07."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from gateway.core.experiments import Arm, Experiment, UnitKey
from gateway.core.hole import Objective, RoutingMode
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName
from gateway.routing.split import assign, in_arm, propensity, thresholds_in, unit_of
from tests.fakes.fleets import request

UNITS = [f"session-{number}" for number in range(6000)]
CONTROL, NEW = Arm("control", 3.0, control=True), Arm("new", 1.0)
EXPERIMENT = Experiment("e", "e", (CONTROL, NEW), share=0.4)

LARGE = 15.1
"""The chi-square of one degree of freedom is larger in one of ten thousand cases."""


def arms(experiment: Experiment, units: list[str] = UNITS) -> dict[str, str]:
    found = {unit: assign(experiment, unit) for unit in units}
    return {unit: "" if arm is None else arm.name for unit, arm in found.items()}


def chi_square(counts: Counter[str], expected: dict[str, float]) -> float:
    total = counts.total()
    return sum((counts[name] - total * p) ** 2 / (total * p) for name, p in expected.items())


def test_a_unit_stays_in_its_arm() -> None:
    """Regression of B-01: the source said it hashed, but drew anew for every request."""
    drawn = Random(1)

    def defective() -> str:
        return "new" if drawn.random() < 0.5 else "control"

    assert len({defective() for _ in range(20)}) == 2
    half = replace(EXPERIMENT, arms=(replace(CONTROL, weight=1.0), NEW), share=1.0)
    assert all(len({assign(half, unit) for _ in range(20)}) == 1 for unit in UNITS[:50])
    assert set(arms(half, UNITS[:50]).values()) == {"control", "new"}


def test_the_arm_of_a_unit_never_changes_between_releases() -> None:
    most = arms(replace(EXPERIMENT, share=0.8), UNITS[:10])
    assert list(most.values()) == [
        "control",
        "control",
        "control",
        "",
        "control",
        "control",
        "control",
        "",
        "control",
        "",
    ]


def test_shares_are_those_of_the_settings() -> None:
    found = Counter(arms(EXPERIMENT).values())
    expected = {
        "": 0.6,
        "control": propensity(EXPERIMENT, CONTROL),
        "new": propensity(EXPERIMENT, NEW),
    }
    assert expected == {"": 0.6, "control": pytest.approx(0.3), "new": pytest.approx(0.1)}
    assert chi_square(found, expected) < LARGE


def test_experiments_with_different_salts_split_independently() -> None:
    first = replace(EXPERIMENT, arms=(replace(CONTROL, weight=1.0), NEW), share=1.0)
    second = replace(first, name="f", salt="f")
    pairs = Counter(zip(arms(first).values(), arms(second).values(), strict=True))
    together = Counter({f"{one}{two}": count for (one, two), count in pairs.items()})
    assert chi_square(together, dict.fromkeys(together, 0.25)) < LARGE
    assert len(together) == 4
    assert arms(first) == arms(replace(first, name="renamed"))


def test_a_larger_share_only_adds_units() -> None:
    """B-02: a rollout goes from 10% over 25, 50 and 75 to all, and nobody changes sides."""
    before = arms(replace(EXPERIMENT, share=0.1))
    for share in (0.25, 0.5, 0.75, 1.0):
        after = arms(replace(EXPERIMENT, share=share))
        assert all(after[unit] == arm for unit, arm in before.items() if arm)
        before = after
    assert "" not in before.values()


@pytest.mark.parametrize(("weight", "to"), [(2.0, "new"), (0.5, "other")])
def test_another_weight_moves_units_only_into_that_arm_or_only_out_of_it(
    weight: float, to: str
) -> None:
    three = replace(EXPERIMENT, arms=(CONTROL, NEW, Arm("third", 2.0)), share=1.0)
    changed = replace(three, arms=(CONTROL, replace(NEW, weight=weight), Arm("third", 2.0)))
    before, after = arms(three), arms(changed)
    moved = {unit for unit in UNITS if before[unit] != after[unit]}
    side = after if to == "new" else before
    assert {side[unit] for unit in moved} == {"new"}
    least = abs(propensity(changed, changed.arms[1]) - propensity(three, NEW))
    assert len(moved) / len(UNITS) == pytest.approx(least, rel=0.15)


@pytest.mark.parametrize(
    "idle",
    [
        replace(EXPERIMENT, share=0.0),
        replace(EXPERIMENT, enabled=False),
    ],
)
def test_nobody_takes_part_without_a_share_or_leave(idle: Experiment) -> None:
    assert set(arms(idle, UNITS[:100]).values()) == {""}
    assert propensity(idle, NEW) == 0


def test_the_unit_is_what_the_settings_say() -> None:
    asked = replace(request(), session_id="s", tenant="t", labels=(("user", "u"), ("x", "y")))
    found = {key: unit_of(replace(EXPERIMENT, unit=key, label="user"), asked) for key in UnitKey}
    assert found == {
        UnitKey.SESSION: "s",
        UnitKey.TENANT: "t",
        UnitKey.REQUEST: "request-1",
        UnitKey.LABEL: "u",
    }


@pytest.mark.parametrize("key", list(UnitKey))
def test_a_request_without_the_unit_is_a_unit_of_its_own(key: UnitKey) -> None:
    """Else all such requests would be in one arm together."""
    assert unit_of(replace(EXPERIMENT, unit=key, label="user"), request()) == "request-1"


def test_salts_arms_and_units_never_run_together() -> None:
    glued = replace(EXPERIMENT, salt="ab", share=0.5)
    apart = replace(EXPERIMENT, salt="a", share=0.5)
    ours = [assign(glued, f"c{number}") is None for number in range(200)]
    theirs = [assign(apart, f"bc{number}") is None for number in range(200)]
    assert ours != theirs


def test_a_unit_may_hold_any_text() -> None:
    whole = replace(EXPERIMENT, share=1.0)
    assert all(assign(whole, unit) is not None for unit in ("", "ключ", "\ud800", "\0"))


def test_an_arm_decides_what_the_caller_left_open() -> None:
    arm = Arm("a", routing_mode=RoutingMode.LEARNED, objective=Objective.CHEAPEST)
    open_, mine = request(), replace(request(), routing_mode=RoutingMode.RULES)
    assert in_arm(open_, arm) == replace(
        open_, routing_mode=RoutingMode.LEARNED, objective=Objective.CHEAPEST
    )
    assert in_arm(mine, arm).routing_mode is RoutingMode.RULES
    fast = replace(request(), objective=Objective.FASTEST)
    assert in_arm(fast, arm).objective is Objective.FASTEST
    assert in_arm(open_, CONTROL) is open_


def test_an_arm_replaces_thresholds_by_name() -> None:
    assert thresholds_in(CONTROL, DEFAULT_THRESHOLDS) is DEFAULT_THRESHOLDS
    found = thresholds_in(Arm("a", thresholds=((LayerName.KNN, 0.6),)), DEFAULT_THRESHOLDS)
    assert found.of(LayerName.KNN) == 0.6
    assert found.of(LayerName.HEAD) == DEFAULT_THRESHOLDS.of(LayerName.HEAD)
    assert found.version == DEFAULT_THRESHOLDS.version


def test_the_control_arm_is_the_one_that_is_marked() -> None:
    assert EXPERIMENT.control == CONTROL
    assert replace(EXPERIMENT, arms=(NEW,)).control is None

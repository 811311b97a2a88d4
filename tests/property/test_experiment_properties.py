"""What holds for every experiment and every unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.experiments import Arm, Experiment
from gateway.routing.split import assign, propensity

UNIT = st.text(max_size=12)
WEIGHT = st.floats(1e-3, 1e3)
SHARE = st.floats(0, 1)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    names = draw(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5, unique=True))
    arms = tuple(Arm(name, draw(WEIGHT)) for name in names)
    return Experiment("e", draw(st.text(max_size=6)), arms, share=draw(SHARE))


@given(experiments(), UNIT)
def test_a_unit_is_always_in_the_same_arm_whatever_the_order_of_arms(
    experiment: Experiment, unit: str
) -> None:
    turned = replace(experiment, arms=experiment.arms[::-1])
    assert assign(experiment, unit) == assign(experiment, unit) == assign(turned, unit)


@given(experiments(), UNIT, SHARE)
def test_a_larger_share_never_moves_a_unit(experiment: Experiment, unit: str, share: float) -> None:
    arm = assign(experiment, unit)
    wider = replace(experiment, share=max(share, experiment.share))
    assert arm is None or assign(wider, unit) == arm


@given(experiments(), UNIT, WEIGHT)
def test_another_weight_moves_a_unit_only_to_or_from_that_arm(
    experiment: Experiment, unit: str, weight: float
) -> None:
    first = replace(experiment.arms[0], weight=weight)
    before = assign(experiment, unit)
    after = assign(replace(experiment, arms=(first, *experiment.arms[1:])), unit)
    if before is None or after is None:
        assert before is after
    elif before.name != after.name:
        grew = weight > experiment.arms[0].weight
        assert (after if grew else before).name == first.name


@given(experiments())
def test_propensities_add_up_to_the_share(experiment: Experiment) -> None:
    total = sum(propensity(experiment, arm) for arm in experiment.arms)
    assert total == pytest.approx(experiment.share)

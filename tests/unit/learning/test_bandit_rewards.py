"""What an answer earns: A-03."""

from __future__ import annotations

import math

import pytest

from gateway.core.feedback import OutcomeReport, Reviewed, quality_of
from gateway.learning.rewards import is_possible, known_quality, report_on, reward_of
from tests.fakes.logged import event


def report(**fields: object) -> OutcomeReport:
    return OutcomeReport("d", **fields)


@pytest.mark.parametrize(
    ("told", "reward"),
    [
        ({"quality": 0.3, "accepted": True}, 0.3),
        ({"tests_passed": 3, "tests_total": 4}, 0.75),
        ({"compiled": False}, 0.0),
        ({"accepted": True}, 1.0),
        ({"accepted": False}, 0.0),
        ({"accepted": True, "edit_distance": 0.25}, 0.75),
        ({"accepted": True, "reverted": True}, 0.0),
        ({"tests_passed": 2, "tests_total": 2, "accepted": False}, 0.4),
        ({"tests_passed": 1, "tests_total": 2, "accepted": True}, 0.4 * 0.5 + 0.6),
        ({"compiled": False, "accepted": True}, 0.6),
        ({"compiled": True}, None),
        ({"tests_passed": 0, "tests_total": 0}, None),
        ({}, None),
    ],
)
def test_reward_is_success_and_acceptance_as_far_as_known(
    told: dict[str, object], reward: float | None
) -> None:
    assert reward_of(report(**told)) == (None if reward is None else pytest.approx(reward))


@pytest.mark.parametrize(
    "told",
    [
        {"quality": 0.3},
        {"tests_passed": 3, "tests_total": 4},
        {"compiled": False},
        {"accepted": True},
        {"accepted": False},
        {"accepted": True, "edit_distance": 0.25},
        {"reverted": True},
        {"compiled": True},
    ],
)
def test_reward_and_quality_agree_on_a_report_that_tells_one_thing(
    told: dict[str, object],
) -> None:
    assert reward_of(report(**told)) == quality_of(report(**told))


def test_a_report_without_an_endpoint_is_about_the_chosen_one() -> None:
    told = report(accepted=True)
    row = Reviewed(event("weak"), {"": told})
    assert report_on(row, "weak") is told
    assert report_on(row, "strong") is None
    assert known_quality(row, "weak") == 1
    assert known_quality(row, "strong") is None


@pytest.mark.parametrize("quality", [math.nan, math.inf, -math.inf, -1e-9, 1.1])
def test_what_is_no_quality_is_told_apart(quality: float) -> None:
    assert not is_possible(quality)
    assert is_possible(0.0)
    assert is_possible(1.0)

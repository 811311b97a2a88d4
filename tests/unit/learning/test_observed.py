"""Observations as arrays."""

from __future__ import annotations

import math

import pytest

from gateway.learning.observed import LEAST_WEIGHT, observed_of
from gateway.learning.settings import LearningSettings
from tests.fakes.past import past

SETTINGS = LearningSettings(half_life_s=10.0)


def test_scores_stand_under_their_endpoints_and_weigh_by_age() -> None:
    observed = observed_of(
        [past("b", at=20.0, weak=0.25), past("a", at=10.0, strong=1.0)], SETTINGS
    )
    assert observed.endpoints == ("strong", "weak")
    assert observed.scores.tolist() == [[1.0, 0.0], [0.0, 0.25]]
    assert observed.known.tolist() == [[0.5, 0.0], [0.0, 1.0]]
    assert observed.requests == pytest.approx(1.5)


def test_the_oldest_outcome_still_counts_a_little() -> None:
    observed = observed_of([past("a", weak=1.0), past("b", at=1e9, weak=1.0)], SETTINGS)
    assert observed.known[0, 0] == pytest.approx(LEAST_WEIGHT)


def test_of_too_many_observations_the_latest_are_kept() -> None:
    rows = [past("a", at=float(at), weak=at / 10) for at in (3, 1, 2)]
    observed = observed_of(rows, LearningSettings(max_observations=2))
    assert observed.scores[:, 0].tolist() == pytest.approx([0.2, 0.3])


def test_of_too_many_endpoints_those_with_most_outcomes_are_kept() -> None:
    rows = [past("a", one=1.0, two=1.0), past("b", two=1.0), past("c", three=1.0)]
    observed = observed_of(rows, LearningSettings(max_endpoints=1))
    assert observed.endpoints == ("two",)
    assert len(observed.features) == 2


@pytest.mark.parametrize("score", [-0.1, 1.1, math.nan, math.inf])
def test_one_bad_score_breaks_nothing(score: float) -> None:
    observed = observed_of([past("a", weak=score), past("b", weak=1.0)], SETTINGS)
    assert observed.scores.tolist() == [[1.0]]


def test_nothing_can_be_observed() -> None:
    assert not observed_of([], SETTINGS).features
    assert not observed_of([past("a", weak=math.nan)], SETTINGS).features

"""What is predicted without a look at the words."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.experience import Observation
from gateway.learning.experience import learn
from gateway.learning.observed import observed_of
from gateway.learning.prior import Prior, learn_prior
from gateway.learning.settings import LearningSettings
from tests.fakes.past import asked, past, two_kinds

SETTINGS = LearningSettings()


def prior_of(rows: list[Observation], settings: LearningSettings = SETTINGS) -> Prior:
    return learn_prior(observed_of(rows, settings), settings)


def test_means_are_shrunk_towards_that_of_all() -> None:
    rows = [past("a", often=1.0) for _ in range(16)] + [past("b", once=0.0)]
    prior = prior_of(rows)
    neutral = (16 + 4 * 0.5) / (17 + 4)
    assert prior.neutral == pytest.approx(neutral)
    assert prior.means.tolist() == pytest.approx([(16 + 4 * neutral) / 20, 4 * neutral / 5])
    assert prior.outcomes.tolist() == [16.0, 1.0]


def test_the_table_knows_who_is_good_at_which_kind() -> None:
    prior = prior_of(two_kinds(200, named=True))
    strong, weak = prior.table["hard"].quality
    assert strong - weak > 0.8
    strong, weak = prior.table["easy"].quality
    assert abs(strong - weak) < 0.1
    assert prior.table["easy"].support == pytest.approx(100 / 110, rel=1e-3)


def test_a_kind_seen_once_hardly_moves_the_prior() -> None:
    rows = [*two_kinds(100, named=True), past("x", task="new", at=99.0, strong=0.0, weak=1.0)]
    experience = learn(rows, version=1)
    moved = experience.prior(asked("x", task="new")) - experience.means
    assert np.abs(moved).max() < 0.05


def test_an_endpoint_that_got_only_hard_requests_is_not_held_for_a_bad_one() -> None:
    """The level is common: `unlucky` failed where all fail, on requests of kind hard."""
    rows = [past("a", task="hard", seasoned=0.0) for _ in range(60)]
    rows += [past("b", task="easy", seasoned=1.0) for _ in range(60)]
    rows += [past("a", task="hard", unlucky=0.0) for _ in range(3)]
    row = prior_of(rows).table["easy"]
    seasoned, unlucky = row.quality
    assert unlucky > 0.5
    assert seasoned > unlucky


def test_of_too_many_kinds_those_with_most_requests_are_kept() -> None:
    rows = [past("a", task=task, weak=1.0) for task in ("b", "a", "b", "c")]
    assert list(prior_of(rows, LearningSettings(max_tasks=2)).table) == ["b", "a"]


def test_longer_prompts_are_harder_for_the_weak_one() -> None:
    rows = [
        past("x " * length, at=float(length), strong=1.0, weak=float(length < 60))
        for length in range(1, 121)
    ]
    trend = prior_of(rows).trend
    strong, weak = trend.of(200)
    assert strong - weak > 0.15
    strong, weak = trend.of(4)
    assert strong - weak < -0.15
    assert trend.of(10**9).tolist() == trend.of(10**7).tolist()


def test_prompts_of_one_length_have_no_trend() -> None:
    trend = prior_of([past("same", weak=float(number % 2)) for number in range(50)]).trend
    assert trend.of(1_000).tolist() == pytest.approx([0.0])


def test_what_was_expected_of_the_rows_is_what_the_router_would_expect() -> None:
    rows = [*two_kinds(40, named=True), past("no kind", at=40.0, weak=0.5)]
    expected = prior_of(rows).expected
    experience = learn(rows, version=1)
    for row, one in zip(expected, rows, strict=True):
        assert row.tolist() == pytest.approx(experience.prior(one.features).tolist())

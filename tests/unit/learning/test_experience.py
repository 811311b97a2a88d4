"""From observations to what the router reads."""

from __future__ import annotations

import pickle

import pytest

from gateway.core.experience import NO_EXPERIENCE
from gateway.learning.experience import learn
from gateway.learning.head import train_head
from gateway.learning.settings import LearningSettings
from tests.fakes.past import asked, past, two_kinds


def test_nothing_is_learned_from_nothing() -> None:
    head = train_head(two_kinds(100))
    experience = learn([], head=head, version=3)
    assert (experience.version, experience.observations, experience.endpoints) == (3, 0, ())
    assert experience.head is head
    assert experience.memory is None
    assert experience.prior(asked("x")).tolist() == []
    assert NO_EXPERIENCE.named(NO_EXPERIENCE.means, ["a"]) == (("a", 0.5),)


def test_everything_is_learned_but_the_head() -> None:
    experience = learn(two_kinds(60, named=True), version=9)
    assert (experience.version, experience.observations) == (9, 60)
    assert experience.endpoints == ("strong", "weak")
    assert set(experience.table) == {"easy", "hard"}
    assert experience.head is None
    assert experience.memory is not None
    assert experience.trend is not None


def test_predictions_are_named_within_bounds_and_strangers_are_neutral() -> None:
    experience = learn([past("a", weak=1.0) for _ in range(8)], version=1)
    named = experience.named(experience.means + 1.0, ["weak", "stranger"])
    assert named == (("weak", 1.0), ("stranger", pytest.approx(10 / 12)))


def test_a_second_outcome_of_the_same_world_changes_no_shape_and_little_else() -> None:
    rows = two_kinds(100)
    before, after = learn(rows, version=1), learn([*rows, rows[0]], version=2)
    assert after.observations == before.observations + 1
    assert after.means.tolist() == pytest.approx(before.means.tolist(), abs=0.02)


def test_experience_is_bounded_by_its_settings() -> None:
    settings = LearningSettings(max_observations=50, max_endpoints=1, max_tasks=1)
    experience = learn(two_kinds(200, named=True), settings, version=1)
    assert experience.observations == 50
    assert len(experience.endpoints) == 1
    assert len(experience.table) == 1
    assert experience.memory is not None
    assert experience.memory.residuals.shape == (50, 1)


def test_what_a_training_process_is_given_can_be_sent_to_it() -> None:
    rows = pickle.loads(pickle.dumps(two_kinds(100)))
    head = pickle.loads(pickle.dumps(train_head(rows)))
    assert head.observations == 100

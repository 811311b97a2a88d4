"""The blend of all layers, and how it decays."""

from __future__ import annotations

import pytest

from gateway.core.experience import NO_EXPERIENCE
from gateway.learning.experience import learn
from gateway.learning.head import train_head
from gateway.learning.settings import LearningSettings
from gateway.routing.gain import Estimate, estimate
from tests.fakes.past import EASY, HARD, OTHER, asked, past, sentence, two_kinds

BOTH = ("weak", "strong")
SETTINGS = LearningSettings(neighbours=40)
ROWS = two_kinds(300)
KNOWING = learn(ROWS, SETTINGS, head=train_head(ROWS), version=1)


def gain(found: Estimate) -> float:
    quality = dict(found.quality)
    return quality["strong"] - quality["weak"]


def test_without_outcomes_every_endpoint_is_neutral() -> None:
    found = estimate(NO_EXPERIENCE, asked("x"), BOTH)
    assert found.quality == found.expected == (("weak", 0.5), ("strong", 0.5))
    assert (found.support, found.effective_n, found.similarity, found.layers) == (0, 0, 0, ())


def test_endpoints_never_seen_are_as_good_as_the_mean_and_have_no_support() -> None:
    found = estimate(KNOWING, asked(sentence(HARD, 1)), ("new", "newer"))
    assert found.quality == (("new", KNOWING.neutral), ("newer", KNOWING.neutral))
    assert found.support == 0.0
    mixed = estimate(KNOWING, asked(sentence(HARD, 1)), ("new", "strong"))
    assert dict(mixed.quality)["new"] == KNOWING.neutral


@pytest.mark.parametrize("trained", [False, True])
def test_it_predicts_the_gain_of_the_stronger_one(trained: bool) -> None:
    experience = KNOWING if trained else learn(ROWS, SETTINGS, version=1)
    hard = estimate(experience, asked(sentence(HARD, 9_001)), BOTH)
    easy = estimate(experience, asked(sentence(EASY, 9_002)), BOTH)
    assert gain(hard) > 0.5
    assert gain(easy) < 0.3
    assert hard.support > 0.6
    assert hard.effective_n == pytest.approx(40, rel=0.01)
    assert [one.layer for one in hard.layers] == (["head"] if trained else []) + [
        "knn",
        "length",
        "best",
    ]


def test_it_learns_from_one_outcome_a_request_too() -> None:
    """Traffic has no pairs; the level of similar requests stands in for the other outcome."""
    experience = learn(two_kinds(400, single=True), SETTINGS, version=1)
    hard = estimate(experience, asked(sentence(HARD, 9_001)), BOTH)
    easy = estimate(experience, asked(sentence(EASY, 9_002)), BOTH)
    assert gain(hard) - gain(easy) > 0.3


def test_a_request_like_none_known_gets_the_best_single_one_by_a_margin() -> None:
    found = estimate(KNOWING, asked(sentence(OTHER, 1)), BOTH)
    assert (found.support, found.similarity, found.effective_n) == (0.0, 0.0, 0.0)
    means = dict(zip(KNOWING.endpoints, KNOWING.means.tolist(), strict=True))
    assert dict(found.expected)["strong"] == pytest.approx(means["strong"], abs=0.1)
    assert gain(found) > 0.0


def test_with_no_words_in_common_the_length_decides_more() -> None:
    rows = [
        past("x " * length, at=float(length), strong=1.0, weak=float(length < 60))
        for length in range(1, 121)
    ]
    experience = learn(rows, SETTINGS, version=1)
    long, short = (estimate(experience, asked("q " * n), BOTH) for n in (115, 3))
    assert gain(long) > gain(short)


def test_the_kind_of_task_goes_before_the_length_and_needs_no_caution() -> None:
    rows = two_kinds(300, named=True)
    experience = learn(rows, SETTINGS, version=1)
    found = estimate(experience, asked(sentence(OTHER, 1), task="hard"), BOTH)
    assert found.layers[1].layer == "table"
    assert gain(found) > 0.8
    known = dict(found.expected)["weak"] - dict(found.quality)["weak"]
    unknown = estimate(experience, asked(sentence(OTHER, 1), task="never"), BOTH)
    lowered = dict(unknown.expected)["weak"] - dict(unknown.quality)["weak"]
    assert known < 0.05 < lowered


def test_leaving_the_best_single_endpoint_needs_more_than_an_error() -> None:
    """Off its experience a learned router is worse than the best single one; caution prevents it.

    `strong` is better overall; among these similar requests `weak` leads by a hair.
    """
    rows = [past("alpha beta gamma", strong=0.60, weak=0.61) for _ in range(40)]
    rows += [past("delta epsilon zeta", strong=1.0, weak=0.0) for _ in range(20)]
    found = estimate(learn(rows, SETTINGS, version=1), asked("alpha beta gamma"), BOTH)
    expected = dict(found.expected)
    assert gain(found) > 0.0
    assert gain(found) > expected["strong"] - expected["weak"]


def test_a_cheaper_endpoint_that_is_better_is_found_to_be() -> None:
    """Regression: price or size stood for quality, which outcomes may contradict."""
    rows = [past(sentence(HARD, at), dear=0.0 if at % 3 else 1.0, cheap=1.0) for at in range(90)]
    found = dict(
        estimate(learn(rows, version=1), asked(sentence(HARD, 9_001)), ("dear", "cheap")).quality
    )
    assert found["cheap"] > found["dear"] + 0.3

"""The layers kNN and head: what they propose, how sure they are, and when they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.core.experience import NO_EXPERIENCE, Experience, LayerEstimate
from gateway.learning.experience import learn
from gateway.learning.head import train_head
from gateway.learning.settings import LearningSettings
from gateway.routing.matchers.correction import cautious, standard_error
from gateway.routing.matchers.head import head
from gateway.routing.matchers.knn import knn
from tests.fakes.past import EASY, HARD, OTHER, asked, past, sentence, two_kinds

BOTH = ("weak", "strong")
ROWS = two_kinds(300)
TRAINED = train_head(ROWS)
KNOWING = learn(ROWS, LearningSettings(neighbours=40), head=TRAINED, version=1)
LAYERS = {"knn": knn, "head": head}


def said(layer: str, words: str, experience: Experience = KNOWING) -> LayerEstimate:
    found = LAYERS[layer](experience, asked(words), BOTH)
    assert isinstance(found, LayerEstimate)
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_hard_request_is_predicted_to_need_the_stronger_one(layer: str) -> None:
    hard, easy = said(layer, sentence(HARD, 3_001)), said(layer, sentence(EASY, 3_002))
    assert [name for name, _ in hard.quality] == list(BOTH)
    assert dict(hard.quality)["strong"] - dict(hard.quality)["weak"] > 0.5
    assert abs(dict(easy.quality)["strong"] - dict(easy.quality)["weak"]) < 0.25
    assert hard.layer == layer
    assert hard.confidence > 0.9
    assert hard.support > 0.6


@pytest.mark.parametrize("layer", LAYERS)
def test_a_request_like_none_known_has_no_support_and_no_confidence(layer: str) -> None:
    """Regression of L-06: placeholder layers were sure of a constant for whatever came."""
    stranger = said(layer, sentence(OTHER, 1))
    assert (stranger.support, stranger.confidence) == (0.0, 0.0)
    assert dict(stranger.quality)["strong"] == pytest.approx(float(KNOWING.means[0]))


@pytest.mark.parametrize(
    ("layer", "experience", "words"),
    [
        ("knn", NO_EXPERIENCE, "no outcome is known yet"),
        ("head", NO_EXPERIENCE, "no head is trained"),
        ("head", replace(KNOWING, head=replace(TRAINED, version=99)), "features of version 99"),
        ("head", replace(KNOWING, head=replace(TRAINED, endpoints=("x", "y"))), "none of the"),
    ],
)
def test_a_layer_that_cannot_predict_says_why(
    layer: str, experience: Experience, words: str
) -> None:
    """L-12: a head of another feature version abstains, as does one of other endpoints."""
    found = LAYERS[layer](experience, asked("x"), BOTH)
    assert isinstance(found, str)
    assert words in found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_abstains_about_endpoints_without_outcomes(layer: str) -> None:
    """Regression of L-12: an unknown label silently became the first one."""
    found = LAYERS[layer](KNOWING, asked("x"), ("stranger",))
    assert found == "no outcome of these endpoints is known yet"


def test_an_endpoint_that_the_head_was_not_trained_on_keeps_its_prior() -> None:
    rows = [*ROWS, *(past(sentence(HARD, at), at=300.0, fresh=1.0) for at in range(20))]
    experience = learn(rows, head=TRAINED, version=2)
    found = head(experience, asked(sentence(HARD, 3_001)), ("fresh", "weak"))
    assert isinstance(found, LayerEstimate)
    fresh = float(experience.means[experience.endpoints.index("fresh")])
    assert dict(found.quality)["fresh"] == pytest.approx(fresh)


def test_all_but_the_best_single_endpoint_are_lowered_by_the_doubt() -> None:
    quality = np.array([0.5, 0.5], np.float32)
    assert cautious(KNOWING, quality, BOTH, 0.25).tolist() == [0.5, 0.25]
    assert cautious(KNOWING, quality, ("weak", "stranger"), 0.25).tolist() == [0.25, 0.5]


def test_the_doubt_falls_with_the_root_of_what_is_known() -> None:
    assert standard_error(0) == 0.5
    assert standard_error(99) == pytest.approx(0.05)

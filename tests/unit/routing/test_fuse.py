"""Evidence, coverage and level of proposals together: X-09 to X-16."""

from __future__ import annotations

import pytest

from gateway.core.matching import NO_MATCH, Level, Proposal
from gateway.routing.fuse import DEFAULT_FUSION, FusionSettings, fuse

WEIGHTS = {"keyword": 0.40, "similarity": 0.40, "shape": 0.15}


def proposes(layer: str, confidence: float, endpoint: str = "alpha", topic: str = "") -> Proposal:
    return Proposal(layer, endpoint, confidence, topic)


def found_nothing(layer: str) -> Proposal:
    return Proposal(layer)


def abstains(layer: str) -> Proposal:
    return Proposal(layer, "beta", 1.0, abstained=True)


@pytest.mark.parametrize(
    ("proposals", "evidence"),
    [
        ([proposes("similarity", 0.84)], 0.84),
        ([proposes("keyword", 1.0), proposes("similarity", 0.85)], 0.925),
        ([proposes("similarity", 0.75)], 0.75),
    ],
)
def test_the_worked_cases_of_the_reference(proposals: list[Proposal], evidence: float):
    """X-10: 0.336 / 0.40 = 84 %, 0.74 / 0.80 = 92 %, 0.30 / 0.40 = 75 %, all HIGH."""
    match = fuse(proposals, WEIGHTS)
    assert match.evidence == pytest.approx(evidence)
    assert (match.endpoint, match.coverage, match.level) == ("alpha", 1.0, Level.HIGH)


def test_all_matchers_sure_of_one_endpoint_have_evidence_of_exactly_one():
    """Regression of X-11: the boost multiplied the whole sum, which gave 1.23."""
    everyone = [proposes("keyword", 1.0), proposes("similarity", 1.0), proposes("shape", 0.95)]
    defective = sum(WEIGHTS[one.layer] * one.confidence for one in everyone) * 1.3 / 0.995
    assert defective > 1.2
    match = fuse(everyone, WEIGHTS)
    assert match.evidence == pytest.approx((0.4 + 0.4 + 0.195 * 0.95) / 0.995)
    certain = [proposes(layer, 1.0) for layer in WEIGHTS]
    assert fuse(certain, WEIGHTS).evidence == 1.0


def test_the_boost_is_for_the_contribution_of_shape_alone():
    """Regression of X-11: an endpoint that shape also proposes got the others boosted too."""
    match = fuse([proposes("keyword", 1.0), proposes("shape", 1.0)], WEIGHTS)
    assert dict(match.contributions) == pytest.approx(
        {"keyword": 0.4 / 0.595, "shape": 0.195 / 0.595}
    )
    unboosted = fuse(
        [proposes("keyword", 1.0), proposes("shape", 1.0)], WEIGHTS, FusionSettings(boost=1.0)
    )
    assert dict(unboosted.contributions) == pytest.approx(
        {"keyword": 0.4 / 0.55, "shape": 0.15 / 0.55}
    )


def test_the_weakest_matcher_alone_is_not_high_when_the_others_found_nothing():
    """Regression of X-12: dividing by contributors only made 0.95 of it, which was HIGH."""
    match = fuse(
        [found_nothing("keyword"), found_nothing("similarity"), proposes("shape", 0.95)], WEIGHTS
    )
    assert match.evidence == pytest.approx(0.95)
    assert match.evidence > DEFAULT_FUSION.high
    assert match.coverage == pytest.approx(0.195 / 0.995)
    assert match.level is Level.MEDIUM


def test_who_chose_another_endpoint_counts_against_coverage():
    """Regression of X-12: a matcher that disagreed was ignored."""
    match = fuse(
        [proposes("keyword", 1.0), proposes("similarity", 0.7, "beta"), found_nothing("shape")],
        WEIGHTS,
    )
    assert (match.endpoint, match.evidence) == ("alpha", 1.0)
    assert match.coverage == pytest.approx(0.4 / 0.995)
    assert match.level is Level.MEDIUM


def test_who_abstained_counts_neither_for_nor_against():
    """X-12: a matcher that had nothing to go by did not run."""
    match = fuse([proposes("similarity", 0.84), abstains("keyword"), abstains("shape")], WEIGHTS)
    assert (match.coverage, match.level) == (1.0, Level.HIGH)
    assert match.contributions == (("similarity", 0.84),)
    assert match.candidates == (("alpha", 0.84),)


@pytest.mark.parametrize(
    "proposals",
    [
        [],
        [found_nothing("keyword"), found_nothing("shape")],
        [abstains("keyword")],
        [proposes("keyword", 0.0)],
    ],
)
def test_nothing_found_is_no_match(proposals: list[Proposal]):
    """X-09: no target, score 0, level NONE."""
    assert fuse(proposals, WEIGHTS) == NO_MATCH
    assert NO_MATCH.level is Level.NONE


def test_a_proposal_of_no_confidence_does_not_agree():
    match = fuse([proposes("keyword", 1.0), proposes("similarity", 0.0)], WEIGHTS)
    assert (match.evidence, match.coverage) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("confidence", "level"),
    [(0.7, Level.HIGH), (0.699, Level.MEDIUM), (0.5, Level.MEDIUM), (0.499, Level.LOW)],
)
def test_levels_come_from_one_table(confidence: float, level: Level):
    """X-14: 0.70 and 0.50, in one place."""
    assert fuse([proposes("keyword", confidence)], WEIGHTS).level is level


def test_levels_follow_the_settings():
    """Regression of X-14: the bounds were constants of a class whatever the configuration said."""
    strict = FusionSettings(high=0.95, medium=0.9, coverage=0.6)
    assert fuse([proposes("keyword", 0.92)], WEIGHTS, strict).level is Level.MEDIUM
    assert fuse([proposes("keyword", 0.89)], WEIGHTS, strict).level is Level.LOW
    half = [proposes("keyword", 1.0), found_nothing("similarity")]
    assert fuse(half, WEIGHTS).level is Level.HIGH
    assert fuse(half, WEIGHTS, strict).level is Level.MEDIUM


def test_a_rounding_below_a_bound_is_as_good_as_the_bound():
    """Three of 0.7 with odd weights give 0.6999999999999998, which is no reason for MEDIUM."""
    weights = {"a": 0.1, "b": 0.7, "c": 0.3}
    match = fuse([proposes(layer, 0.7) for layer in weights], weights)
    assert match.evidence == pytest.approx(0.7)
    assert match.level is Level.HIGH


def test_weights_need_no_normaliser():
    """Regression of X-13: weights had to sum up to 1; only their proportions say anything."""
    proposals = [proposes("keyword", 0.9), proposes("similarity", 0.6, "beta")]
    small = fuse(proposals, {"keyword": 0.4, "similarity": 0.4})
    large = fuse(proposals, {"keyword": 40.0, "similarity": 40.0})
    assert small == large


def test_an_unknown_matcher_weighs_as_much_as_the_usual_one():
    """X-10: 0.40."""
    match = fuse([proposes("own", 1.0), proposes("similarity", 1.0, "beta")], WEIGHTS)
    assert match.candidates == (("alpha", 0.5), ("beta", 0.5))


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_positive_number_is_refused(weight: float):
    with pytest.raises(ValueError, match="of keyword must be a positive number"):
        fuse([proposes("keyword", 1.0)], {"keyword": weight})


def test_close_candidates_are_ambiguous_only_when_that_is_asked_for():
    """Regression of X-16: the extra target was listed although the flag was false."""
    close = [proposes("keyword", 0.9), proposes("similarity", 0.7, "beta")]
    assert not fuse(close, WEIGHTS).ambiguous
    flagged = fuse(close, WEIGHTS, FusionSettings(flag_ambiguity=True))
    assert flagged.ambiguous
    assert flagged.candidates == (("alpha", 0.45), ("beta", 0.35))


def test_closeness_is_of_normalised_scores():
    """Regression of X-16: raw scores 0.135 apart are close only while the weights are small."""
    flagged = FusionSettings(flag_ambiguity=True)
    weights = {"keyword": 0.15, "similarity": 0.15}
    apart = [proposes("keyword", 1.0), proposes("similarity", 0.1, "beta")]
    assert 0.15 * 1.0 - 0.15 * 0.1 < 0.15
    assert not fuse(apart, weights, flagged).ambiguous
    assert not fuse(apart[:1], weights, flagged).ambiguous


def test_a_difference_of_exactly_the_bound_is_not_close():
    flagged = FusionSettings(ambiguity=0.25, flag_ambiguity=True)
    apart = [proposes("keyword", 1.0), proposes("similarity", 0.5, "beta")]
    assert not fuse(apart, WEIGHTS, flagged).ambiguous


def test_the_topic_is_that_of_the_greatest_contribution_which_has_one():
    match = fuse(
        [
            proposes("shape", 1.0, topic="third"),
            proposes("keyword", 1.0),
            proposes("similarity", 0.9, topic="second"),
            proposes("knn", 1.0, "beta", topic="other"),
        ],
        WEIGHTS,
    )
    assert match.topic == "second"
    assert [layer for layer, _ in match.contributions] == ["keyword", "similarity", "shape", "knn"]
    assert match.contributions[-1] == ("knn", 0.0)


def test_the_parts_of_the_winner_sum_up_to_its_score():
    match = fuse(
        [proposes("keyword", 0.9), proposes("similarity", 0.6), proposes("shape", 0.8, "beta")],
        WEIGHTS,
    )
    assert sum(part for _, part in match.contributions) == pytest.approx(match.candidates[0][1])
    assert match.evidence * match.coverage == pytest.approx(match.candidates[0][1])

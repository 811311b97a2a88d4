"""The first layer that is sure enough decides; every layer is recorded: L-01 to L-20."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.core.endpoint import Capability
from gateway.core.hole import EndpointFilter, Objective
from gateway.core.matching import (
    DEFAULT_THRESHOLDS,
    LayerName,
    LayerRecord,
    LayerStatus,
    Proposal,
    ThresholdSet,
)
from gateway.routing.cascade import (
    ORDER,
    Cascade,
    CascadeResult,
    Ending,
    Ran,
    questions_for,
)
from tests.fakes.answered import run
from tests.fakes.values import make_request

KEYWORD, SIMILARITY, KNN, HEAD = ORDER
CLARIFY = LayerName.CLARIFY
REQUEST = make_request()


def says(layer: LayerName, confidence: float, endpoint: str = "alpha", **fields: str) -> Ran:
    return Ran.of(Proposal(layer, endpoint, confidence, **fields), 0.25)


def result_of(*answers: Ran, **options: object) -> CascadeResult:
    known = {LayerName(answer.name): answer for answer in answers}
    return run(Cascade(DEFAULT_THRESHOLDS, REQUEST, **options), known)  # type: ignore[arg-type]


def by_layer(result: CascadeResult) -> Mapping[LayerName, LayerRecord]:
    return {record.layer: record for record in result.records}


def test_the_layers_come_in_the_order_of_the_reference():
    """L-01: keyword, similarity, kNN, head, clarification."""
    asked: list[LayerName] = []
    cascade = Cascade(DEFAULT_THRESHOLDS, REQUEST)
    while (layer := cascade.wanted) is not None:
        asked.append(layer)
        cascade.take(says(layer, 0.1))
    assert asked == [KEYWORD, SIMILARITY, KNN, HEAD]
    assert [record.layer for record in cascade.result().records] == [*asked, CLARIFY]


def test_the_first_layer_at_its_threshold_decides_and_no_other_is_asked():
    """L-02: a layer succeeds when its confidence is at least its threshold."""
    cascade = Cascade(DEFAULT_THRESHOLDS, REQUEST)
    cascade.take(says(KEYWORD, 0.84, "beta"))
    assert not cascade.settled
    cascade.take(says(SIMILARITY, 0.70, topic="tests"))
    assert (cascade.wanted, cascade.settled) == (None, True)
    result = cascade.result()
    assert (result.ending, result.layer, result.confidence) == (Ending.DECIDED, SIMILARITY, 0.7)
    assert result.proposal == Proposal(SIMILARITY, "alpha", 0.7, "tests")
    assert result.clarification is None
    records = by_layer(result)
    assert records[KEYWORD].status is LayerStatus.DECLINED
    assert records[KEYWORD].reason == "confidence 0.84 is below 0.85"
    assert records[SIMILARITY] == LayerRecord(
        SIMILARITY, LayerStatus.DECIDED, 0.7, 0.7, "alpha", "tests", "", 0.25
    )
    for layer in (KNN, HEAD, CLARIFY):
        assert records[layer].status is LayerStatus.SKIPPED
        assert records[layer].reason == "similarity had decided"
        assert not records[layer].attempted


def test_a_layer_is_recorded_with_the_numbers_behind_it():
    """L-02: the metadata of every attempted layer."""
    details = (("neighbours", "12"),)
    answer = Ran.of(Proposal(KNN, "alpha", 0.5, details=details))
    assert by_layer(result_of(answer))[KNN].details == details


def test_every_layer_that_does_not_answer_is_recorded_with_its_reason():
    """Regression of L-06 and L-20: failures had confidence 0, and absent layers no record."""
    result = result_of(
        Ran(KEYWORD, LayerStatus.FAILED, error="KeyError", elapsed_s=0.5),
        Ran(SIMILARITY, LayerStatus.LATE, error="no answer within 5 s", elapsed_s=5.0),
        Ran(KNN, LayerStatus.UNAVAILABLE, error="no outcomes yet"),
    )
    records = by_layer(result)
    assert [(record.status, record.reason) for record in result.records] == [
        (LayerStatus.FAILED, "KeyError"),
        (LayerStatus.LATE, "no answer within 5 s"),
        (LayerStatus.UNAVAILABLE, "no outcomes yet"),
        (LayerStatus.UNAVAILABLE, "it is not configured"),
        (LayerStatus.DECLINED, "no layer was sure enough, so the caller is asked"),
    ]
    assert [records[layer].attempted for layer in ORDER] == [True, True, False, False]
    assert (records[SIMILARITY].elapsed_s, records[SIMILARITY].threshold) == (5.0, 0.7)


@pytest.mark.parametrize(
    ("proposal", "status", "reason"),
    [
        (
            Proposal(KEYWORD, "alpha", 1.0, abstained=True),
            LayerStatus.ABSTAINED,
            "it has nothing to go by",
        ),
        (
            Proposal(KEYWORD, words="no topic is about rust", abstained=True),
            LayerStatus.ABSTAINED,
            "no topic is about rust",
        ),
        (Proposal(KEYWORD, "", 1.0), LayerStatus.DECLINED, "it proposes no endpoint"),
        (Proposal(KEYWORD, words="no keyword"), LayerStatus.DECLINED, "no keyword"),
    ],
)
def test_without_an_endpoint_or_a_view_of_its_own_no_layer_decides(
    proposal: Proposal, status: LayerStatus, reason: str
):
    result = result_of(Ran.of(proposal))
    record = by_layer(result)[KEYWORD]
    assert (result.ending, record.status, record.reason) == (Ending.CLARIFICATION, status, reason)
    assert result.clarification is not None
    assert result.clarification.candidates == ()


def test_layers_left_out_are_recorded_with_the_reason():
    """Regression of L-07: an arm of an experiment chooses the layers of the one cascade."""
    left_out = {KEYWORD: "arm `b` leaves it out", CLARIFY: "arm `b` leaves it out"}
    cascade = Cascade(DEFAULT_THRESHOLDS, REQUEST, left_out=left_out)
    assert cascade.wanted is SIMILARITY
    result = result_of(says(KEYWORD, 1.0), says(SIMILARITY, 0.9), left_out=left_out)
    record = by_layer(result)[KEYWORD]
    assert result.layer is SIMILARITY
    assert (record.status, record.reason) == (LayerStatus.SKIPPED, "arm `b` leaves it out")
    assert result_of(left_out=left_out).ending is Ending.CLARIFICATION


def test_a_tuned_threshold_changes_what_decides():
    """Regression of L-08: the router had its own literals, so that tuning changed nothing."""
    answers = {KEYWORD: says(KEYWORD, 0.8), SIMILARITY: says(SIMILARITY, 0.9)}

    def decided_by(threshold: float) -> LayerName | None:
        known = ThresholdSet(2, ((KEYWORD, threshold), (SIMILARITY, 0.7)))
        return run(Cascade(known, REQUEST), answers).layer

    assert [decided_by(threshold) for threshold in (0.85, 0.8, 0.75)] == [
        SIMILARITY,
        KEYWORD,
        KEYWORD,
    ]


def test_a_layer_without_a_threshold_never_runs():
    """L-08: no default stands in for what the threshold set does not name."""
    known = ThresholdSet(3, ((SIMILARITY, 0.7),))
    result = run(Cascade(known, REQUEST), {KEYWORD: says(KEYWORD, 1.0)})
    record = by_layer(result)[KEYWORD]
    assert result.ending is Ending.CLARIFICATION
    assert record.status is LayerStatus.SKIPPED
    assert record.reason == "version 3 of the thresholds has none for it"


def test_a_clarification_is_no_success_of_any_layer():
    """Regression of L-09: it was logged as confidence 1.0, success, target coordinator."""
    result = result_of(says(KEYWORD, 0.8), says(SIMILARITY, 0.6, "beta"), says(KNN, 0.8, "gamma"))
    assert (result.ending, result.confidence) == (Ending.CLARIFICATION, 0.0)
    assert (result.layer, result.proposal) == (None, None)
    assert LayerStatus.DECIDED not in {record.status for record in result.records}
    last = result.records[-1]
    assert (last.layer, last.confidence, last.endpoint) == (CLARIFY, 0.0, "")
    assert result.clarification is not None
    assert result.clarification.candidates == ("alpha", "gamma", "beta")
    assert result.clarification.questions == questions_for(REQUEST)


def test_each_candidate_of_a_clarification_stands_once_at_its_best():
    result = result_of(
        says(KEYWORD, 0.2), says(SIMILARITY, 0.3, "beta"), says(KNN, 0.4), says(HEAD, 0.0, "gamma")
    )
    assert result.clarification is not None
    assert result.clarification.candidates == ("alpha", "beta")


def test_the_surest_layer_below_its_threshold_is_followed_only_when_asked_for():
    """Regression of L-13: an answer of layer 3 was used although it failed both thresholds."""
    answers = (says(KEYWORD, 0.5), says(KNN, 0.84, "beta"), says(HEAD, 0.1, "gamma"))
    assert result_of(*answers).ending is Ending.CLARIFICATION
    result = result_of(*answers, best_effort=True)
    assert (result.ending, result.layer, result.confidence) == (Ending.BEST_EFFORT, KNN, 0.84)
    assert by_layer(result)[KNN].status is LayerStatus.DECLINED
    assert by_layer(result)[CLARIFY].reason == "best effort was asked for"
    assert result.clarification is None


def test_best_effort_without_any_proposal_is_a_clarification():
    assert result_of(best_effort=True).ending is Ending.CLARIFICATION
    sure = result_of(says(KEYWORD, 0.9), best_effort=True)
    assert sure.ending is Ending.DECIDED


def test_shadow_layers_run_after_the_decision_and_change_nothing():
    """U-05 (a): what the later layers would have said is recorded, as a shadow."""
    cascade = Cascade(DEFAULT_THRESHOLDS, REQUEST, shadow=True)
    cascade.take(says(KEYWORD, 0.9))
    assert (cascade.settled, cascade.wanted) == (True, SIMILARITY)
    early = cascade.result()
    cascade.take(says(SIMILARITY, 0.99, "beta"))
    cascade.take(says(KNN, 0.2, "beta"))
    cascade.take(Ran(HEAD, LayerStatus.LATE, error="no answer within 1 s"))
    assert cascade.wanted is None
    late = cascade.result()
    assert (late.ending, late.layer, late.proposal) == (early.ending, KEYWORD, early.proposal)
    assert [record.shadow for record in late.records] == [False, True, True, True, False]
    assert [record.status for record in late.records] == [
        LayerStatus.DECIDED,
        LayerStatus.DECIDED,
        LayerStatus.DECLINED,
        LayerStatus.LATE,
        LayerStatus.SKIPPED,
    ]
    assert by_layer(early)[SIMILARITY].status is LayerStatus.SKIPPED


def test_only_the_wanted_layer_is_taken():
    cascade = Cascade(DEFAULT_THRESHOLDS, REQUEST)
    with pytest.raises(ValueError, match="waits for keyword, not for knn"):
        cascade.take(says(KNN, 1.0))
    with pytest.raises(ValueError, match="still waits for keyword"):
        cascade.result()
    cascade.take(says(KEYWORD, 1.0))
    with pytest.raises(ValueError, match="waits for None, not for similarity"):
        cascade.take(says(SIMILARITY, 1.0))


def test_questions_name_the_fields_that_the_request_left_open():
    """L-09: a caller can answer each one in its next request."""
    every = questions_for(REQUEST)
    for field in ("`labels`", "`endpoint_filter.required_capabilities`", "`objective`"):
        assert sum(field in question for question in every) == 1
    assert all(capability.name in every[1] for capability in Capability)
    assert "CHEAPEST" in every[2]
    assert "BALANCED" not in every[2]
    told = make_request(
        labels=(("team", "a"), ("task", "repair")),
        endpoint_filter=EndpointFilter(required_capabilities=frozenset({Capability.HIGH_QUALITY})),
        objective=Objective.CHEAPEST,
    )
    assert questions_for(told) == every[-1:]
    assert "`routing_mode`" in every[-1]
    assert len(questions_for(make_request(labels=(("task", ""),)))) == len(every)

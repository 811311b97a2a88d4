"""One sentence says why the winner won, whoever decided."""

from __future__ import annotations

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.decision_pb2 import Clarification, RoutingDecision, RoutingLayer

from gateway.cli.explaining import why
from tests.fakes.learned_decisions import LAYERS, ROUTED, SCORES, decided_by

CASES = {
    "the rule; nothing learned was asked": pb.RouteResponse(
        decision=RoutingDecision(primary="fast")
    ),
    "the rule, for no layer was sure enough": decided_by("rules"),
    (
        "the rule, for no layer was sure enough; keyword came closest, 0.62 of the 0.85 needed, "
        "for security-auditor"
    ): decided_by("rules", layers=LAYERS),
    "it ranks first for the objective, with utility 0.834 before 0.712 of security-auditor": (
        decided_by("objective", scores=SCORES)
    ),
    "it ranks first for the objective, with utility 0.834": (
        decided_by("objective", scores=SCORES[:1])
    ),
    "it ranks first for the objective": decided_by("objective"),
    "the adaptive policy drew it, with probability 0.900": decided_by("adaptive", scores=SCORES),
    "the adaptive policy drew it": decided_by("adaptive"),
    "an arm of an experiment prefers it: treatment of knn-rollout": (
        decided_by("experiment", arms={"knn-rollout": "treatment"})
    ),
    "the layers together are sure of it: evidence 0.91, coverage 0.75": (
        decided_by("fusion", evidence=0.91, coverage=0.75)
    ),
    "oracle, which was 0.50 sure": decided_by("oracle", confidence=0.5),
}


@pytest.mark.parametrize("words", CASES)
def test_whoever_decided_is_named(words: str) -> None:
    said = why(CASES[words])
    assert said.startswith(("fast won by ", "fast won because "))
    assert said.endswith(f" {words}")


def test_a_layer_that_decided_says_how_sure_it_was_and_had_to_be() -> None:
    assert why(ROUTED).startswith(
        "fast won because knn is 0.91 sure, and 0.85 is enough: of 12 similar requests"
    )


def test_a_layer_taken_for_want_of_a_surer_one_is_not_said_to_be_sure_enough() -> None:
    layer = RoutingLayer(layer="knn", confidence=0.62, threshold=0.85, endpoint="fast")
    assert why(decided_by("knn", layers=[layer])) == (
        "fast won because knn is 0.62 sure, not the 0.85 needed, and no layer is surer"
    )


def test_a_layer_that_named_another_endpoint_is_not_said_to_have_named_the_winner() -> None:
    layer = RoutingLayer(layer="head", confidence=0.95, threshold=0.9, endpoint="other")
    assert why(decided_by("head", layers=[layer])) == (
        "fast won because head is 0.95 sure, and 0.90 is enough; it named other"
    )


def test_a_layer_that_only_ran_in_the_shadow_did_not_decide() -> None:
    shadow = RoutingLayer(layer="head", confidence=0.95, threshold=0.9, shadow=True)
    assert why(decided_by("head", layers=[shadow])) == "fast won by head, which was 0.00 sure"


def test_nobody_wins_where_the_router_cannot_tell() -> None:
    answer = decided_by("rules", layers=LAYERS[:1])
    answer.clarification.CopyFrom(Clarification(questions=["which?"]))
    assert why(answer) == (
        "nobody won, for no layer was sure enough; keyword came closest, 0.62 of the 0.85 needed, "
        "for security-auditor; the rule says fast"
    )

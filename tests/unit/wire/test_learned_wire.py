"""What the learned router found, as callers see it."""

from __future__ import annotations

import pytest
from ensemble.v1 import decision_pb2 as pb
from ensemble.v1 import gateway_service_pb2

from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, Learned, RoutingDecision, RoutingReason
from gateway.core.endpoint import Capability
from gateway.core.events import Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Objective, RoutingMode
from gateway.core.matching import (
    Clarification,
    FusedMatch,
    LayerName,
    LayerRecord,
    LayerStatus,
    Level,
)
from gateway.core.scoring import ScoredEndpoint
from gateway.wire.enums import LAYER_STATUS, REASON
from gateway.wire.events import event_to_wire
from gateway.wire.failure import detail_to_wire
from gateway.wire.learned import clarification_to_wire, learned_to_wire
from gateway.wire.request import request_from_wire
from gateway.wire.result import decision_to_wire, route_to_wire
from tests.fakes.values import make_request

ASKED = Clarification(("which task?", "which objective?"), ("dear", "cheap"))
LEARNED = Learned(
    "knn",
    0.91,
    layers=(
        LayerRecord(
            LayerName.KEYWORD,
            LayerStatus.DECLINED,
            0.6,
            0.85,
            "dear",
            "vault",
            "confidence 0.6 is below 0.85",
            0.002,
            (("support", "0.600"),),
        ),
        LayerRecord(LayerName.HEAD, LayerStatus.SKIPPED, threshold=0.9, reason="knn had decided"),
        LayerRecord(LayerName.SIMILARITY, LayerStatus.DECLINED, 0.5, 0.7, "dear", shadow=True),
    ),
    scores=(
        ScoredEndpoint("dear", 0.8, (("accuracy", 0.9), ("cost", 0.0)), 0.9, 0.4),
        ScoredEndpoint("cheap", 0.5),
    ),
    propensities=(("dear", 0.75), ("cheap", 0.25)),
    support=0.5,
    similarity=0.25,
    effective_n=12.5,
    observations=1234,
    match=FusedMatch(
        "dear",
        "vault",
        0.7,
        0.6,
        Level.HIGH,
        ambiguous=True,
        hints=(("style", "sealed"),),
        lite=True,
    ),
    arms=(("trial", "new"),),
    threshold_version=7,
    features=(("length", "12"), ("task", "repair")),
    predictions=("knn: 12 past requests",),
    elapsed_s=0.0031,
)


def decision(learned: Learned | None) -> RoutingDecision:
    return RoutingDecision(
        "dear",
        ("cheap",),
        RoutingReason.LEARNED,
        "words",
        Capability.HIGH_QUALITY,
        0.5,
        "v2",
        ChainPolicy.PREFER,
        learned=learned,
    )


def test_everything_that_was_found_is_told() -> None:
    wire = learned_to_wire(LEARNED)
    assert (wire.decided_by, wire.confidence) == ("knn", 0.91)
    assert (wire.support, wire.similarity, wire.effective_n) == (0.5, 0.25, 12.5)
    assert (wire.observations, wire.threshold_version) == (1234, 7)
    assert (wire.evidence, wire.coverage, wire.level) == (0.7, 0.6, "high")
    assert wire.ambiguous
    assert wire.lite
    assert dict(wire.hints) == {"style": "sealed"}
    assert dict(wire.arms) == {"trial": "new"}
    assert dict(wire.features) == {"length": "12", "task": "repair"}
    assert list(wire.predictions) == ["knn: 12 past requests"]
    assert wire.elapsed_s == 0.0031


def test_each_layer_is_told_with_why_it_did_not_decide() -> None:
    keyword, head, similarity = learned_to_wire(LEARNED).layers
    assert (keyword.layer, keyword.status) == ("keyword", pb.LAYER_STATUS_DECLINED)
    assert (keyword.confidence, keyword.threshold, keyword.elapsed_s) == (0.6, 0.85, 0.002)
    assert (keyword.endpoint, keyword.topic) == ("dear", "vault")
    assert keyword.reason == "confidence 0.6 is below 0.85"
    assert dict(keyword.details) == {"support": "0.600"}
    assert (head.status, head.reason) == (pb.LAYER_STATUS_SKIPPED, "knn had decided")
    assert [one.shadow for one in (keyword, head, similarity)] == [False, False, True]


def test_what_is_not_predicted_is_not_told_as_zero() -> None:
    dear, cheap = learned_to_wire(LEARNED).scores
    assert (dear.quality, dear.gain, dear.propensity) == (0.9, 0.4, 0.75)
    assert dict(dear.factors) == {"accuracy": 0.9, "cost": 0.0}
    assert not cheap.HasField("quality")
    assert not cheap.HasField("gain")
    assert cheap.propensity == 0.25


def test_a_decision_of_the_rules_alone_has_nothing_learned() -> None:
    assert not decision_to_wire(decision(None)).HasField("learned")
    assert decision_to_wire(decision(LEARNED)).HasField("learned")
    assert not decision_to_wire(decision(LEARNED), with_learned=False).HasField("learned")


def test_a_route_has_its_id_and_the_questions_if_there_are_any() -> None:
    plain = route_to_wire(decision(LEARNED), "d-1")
    assert (plain.decision_id, plain.HasField("clarification")) == ("d-1", False)
    asked = route_to_wire(decision(Learned("rules", clarification=ASKED)), "")
    assert asked.clarification == clarification_to_wire(ASKED)
    assert list(asked.clarification.questions) == ["which task?", "which objective?"]
    assert list(asked.clarification.candidates) == ["dear", "cheap"]
    assert asked.decision.primary == "dear"


@pytest.mark.parametrize("asks", [False, True])
def test_a_failure_names_its_decision_and_the_questions(asks: bool) -> None:
    fault = Fault(Kind.INFEASIBLE, Origin.CALLER, Reason.CLARIFICATION_NEEDED, "unclear")
    learned = Learned("rules", clarification=ASKED) if asks else LEARNED
    exchange = Exchange(make_request(), Deadline(0), decision=decision(learned), decision_id="d-1")
    detail = detail_to_wire(fault, exchange, "r")
    assert detail.decision_id == "d-1"
    assert detail.HasField("clarification") is asks
    assert list(detail.clarification.questions) == list(ASKED.questions) * asks
    assert not detail.decision.HasField("learned"), "it has little room"


def test_a_stream_begins_with_the_id_of_its_decision() -> None:
    wire = event_to_wire(Started(decision(LEARNED), "d-1"), "r")
    assert isinstance(wire, gateway_service_pb2.GenerateStreamResponse)
    assert wire.started.decision_id == "d-1"
    assert wire.started.decision.learned.decided_by == "knn"


def test_every_status_and_reason_has_a_number_of_its_own() -> None:
    assert len(set(LAYER_STATUS.values())) == len(LayerStatus)
    assert len(set(REASON.values())) == len(RoutingReason)


@pytest.mark.parametrize("mode", [*RoutingMode])
@pytest.mark.parametrize("objective", [*Objective])
def test_modes_and_objectives_are_read(mode: RoutingMode, objective: Objective) -> None:
    wire = gateway_service_pb2.GenerateRequest(
        prompt="x",
        routing_mode=pb.RoutingMode.Value(f"ROUTING_MODE_{mode.name}"),
        objective=pb.Objective.Value(f"OBJECTIVE_{objective.name}"),
    )
    if mode is RoutingMode.RULES and objective is not Objective.BALANCED:
        with pytest.raises(Fault) as caught:
            request_from_wire(wire, request_id="r")
        assert [one.field for one in caught.value.violations] == ["objective"]
        return
    request = request_from_wire(wire, request_id="r")
    assert (request.routing_mode, request.objective) == (mode, objective)


def test_who_says_nothing_leaves_it_to_the_configuration() -> None:
    request = request_from_wire(gateway_service_pb2.GenerateRequest(prompt="x"), request_id="r")
    assert (request.routing_mode, request.objective) == (RoutingMode.AUTO, Objective.BALANCED)

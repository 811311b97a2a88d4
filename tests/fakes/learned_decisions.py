"""Decisions of a router that learned, as a gateway explains them."""

from __future__ import annotations

from ensemble.v1 import decision_pb2 as decision
from ensemble.v1 import gateway_service_pb2 as pb

from tests.fakes.feedback_server import DECISION

LAYERS = (
    decision.RoutingLayer(
        layer="keyword",
        status=decision.LAYER_STATUS_DECLINED,
        confidence=0.62,
        threshold=0.85,
        endpoint="security-auditor",
        topic="security",
        reason="one weak phrase",
        elapsed_s=0.00004,
        details={"phrases": "1", "weight": "0.62"},
    ),
    decision.RoutingLayer(
        layer="knn",
        status=decision.LAYER_STATUS_DECIDED,
        confidence=0.91,
        threshold=0.85,
        endpoint="fast",
        reason="of 12 similar requests it answered 11 as well as the dearest, cheaper",
        elapsed_s=0.0021,
    ),
    decision.RoutingLayer(
        layer="head",
        status=decision.LAYER_STATUS_SKIPPED,
        threshold=0.9,
        reason="knn had decided",
    ),
    decision.RoutingLayer(
        layer="similarity",
        status=decision.LAYER_STATUS_DECLINED,
        confidence=0.69,
        threshold=0.7,
        endpoint="fast",
        shadow=True,
        elapsed_s=0.0007,
    ),
)
SCORES = (
    decision.EndpointScore(
        endpoint="fast",
        utility=0.834,
        factors={"success": 0.97, "quality": 0.81, "latency": 1.0, "cost": 0.93, "load": 1.0},
        quality=0.81,
        gain=0.0,
        propensity=0.9,
    ),
    decision.EndpointScore(
        endpoint="security-auditor",
        utility=0.712,
        factors={"success": 0.99, "quality": 0.86, "latency": 0.2, "cost": 0.0, "cache": 0.0},
        quality=0.86,
        gain=0.05,
        propensity=0.1,
    ),
)
LEARNED = decision.LearnedDecision(
    decided_by="knn",
    confidence=0.91,
    layers=LAYERS,
    scores=SCORES,
    support=0.82,
    similarity=0.77,
    effective_n=12.4,
    observations=8_230,
    evidence=0.91,
    coverage=0.75,
    level="high",
    ambiguous=True,
    hints={"style": "functional"},
    lite=True,
    arms={"knn-rollout": "treatment"},
    threshold_version=3,
    features={
        "length": "412",
        "shape": "",
        "language": "python",
        "task": "repair",
        "n_grams": "210",
    },
    predictions=["fast: 0.81 from 12 similar requests", "security-auditor: 0.86, mostly prior"],
    elapsed_s=0.0031,
)
ROUTED = pb.RouteResponse(
    decision=decision.RoutingDecision(
        primary="fast",
        fallbacks=["security-auditor"],
        reason=decision.ROUTING_REASON_LEARNED,
        detail="knn is 0.91 sure, 0.85 is enough",
        capability=decision.CAPABILITY_FAST_INFERENCE,
        complexity=0.12,
        estimator="v2",
        chain_policy=decision.CHAIN_POLICY_PREFER,
        learned=LEARNED,
    ),
    decision_id=DECISION,
)
"""The knn layer decided after the keyword layer was not sure."""

UNCLEAR = pb.RouteResponse(
    decision=decision.RoutingDecision(primary="fast", detail="the rules would take it"),
    clarification=decision.Clarification(
        questions=["labels.task: which kind of task is it?", "objective: fast, or accurate?"],
        candidates=["fast", "security-auditor"],
    ),
)
"""No layer can tell, so that Generate would be refused."""


def decided_by(by: str, **fields: object) -> pb.RouteResponse:
    """An answer for `fast` by something else than the knn layer."""
    learned = decision.LearnedDecision(decided_by=by, **fields)
    return pb.RouteResponse(decision=decision.RoutingDecision(primary="fast", learned=learned))

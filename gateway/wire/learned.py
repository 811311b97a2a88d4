"""What the learned router found, on the wire."""

from __future__ import annotations

from ensemble.v1 import decision_pb2

from gateway.core.decision import Learned
from gateway.core.matching import Clarification, LayerRecord
from gateway.core.scoring import ScoredEndpoint
from gateway.wire.enums import LAYER_STATUS


def learned_to_wire(learned: Learned) -> decision_pb2.LearnedDecision:
    """Write what the learned router found."""
    propensities = dict(learned.propensities)
    match = learned.match
    return decision_pb2.LearnedDecision(
        decided_by=learned.decided_by,
        confidence=learned.confidence,
        layers=[_layer(record) for record in learned.layers],
        scores=[_score(one, propensities.get(one.endpoint, 0.0)) for one in learned.scores],
        support=learned.support,
        similarity=learned.similarity,
        effective_n=learned.effective_n,
        observations=learned.observations,
        evidence=match.evidence,
        coverage=match.coverage,
        level=match.level,
        ambiguous=match.ambiguous,
        hints=dict(match.hints),
        lite=match.lite,
        arms=dict(learned.arms),
        threshold_version=learned.threshold_version,
        features=dict(learned.features),
        predictions=learned.predictions,
        elapsed_s=learned.elapsed_s,
    )


def clarification_to_wire(clarification: Clarification) -> decision_pb2.Clarification:
    """Write what the router would have to know."""
    return decision_pb2.Clarification(
        questions=clarification.questions, candidates=clarification.candidates
    )


def _layer(record: LayerRecord) -> decision_pb2.RoutingLayer:
    return decision_pb2.RoutingLayer(
        layer=record.layer,
        status=LAYER_STATUS[record.status],
        confidence=record.confidence,
        threshold=record.threshold,
        endpoint=record.endpoint,
        topic=record.topic,
        reason=record.reason,
        elapsed_s=record.elapsed_s,
        details=dict(record.details),
        shadow=record.shadow,
    )


def _score(scored: ScoredEndpoint, propensity: float) -> decision_pb2.EndpointScore:
    return decision_pb2.EndpointScore(
        endpoint=scored.endpoint,
        utility=scored.utility,
        factors=dict(scored.factors),
        quality=scored.quality,
        gain=scored.gain,
        propensity=propensity,
    )

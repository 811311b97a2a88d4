"""A decision as it is recorded: what is needed to learn from it, and no text of the request."""

from __future__ import annotations

from gateway.core.decision import RoutingDecision
from gateway.core.features import Features
from gateway.core.feedback import RoutingEvent
from gateway.core.hole import Request
from gateway.core.value import value
from gateway.ensemble.choosing.deciding import RULES
from gateway.ensemble.choosing.setup import LearnedState


@value
class Decided:
    """A decision with all that its record needs.

    `prior` is that of the rules, `estimates` the predicted quality by endpoint.
    """

    prior: RoutingDecision
    decision: RoutingDecision
    request: Request
    state: LearnedState
    began: float
    features: Features
    shadows: tuple[tuple[str, str, str], ...] = ()
    costs: tuple[tuple[str, int], ...] = ()
    estimates: tuple[tuple[str, float], ...] = ()


def event_of(decided: Decided, decision_id: str, at: float, elapsed_s: float) -> RoutingEvent:
    """Write the record of a decision made at `at` unix seconds."""
    decision, request, state = decided.decision, decided.request, decided.state
    learned = decision.learned
    return RoutingEvent(
        decision_id=decision_id,
        at=at,
        request_id=request.request_id,
        task=decided.features.task,
        rule=decided.prior.reason,
        objective=request.objective,
        chosen=decision.primary,
        chain=decision.chain,
        decided_by=RULES if learned is None else learned.decided_by,
        confidence=0.0 if learned is None else learned.confidence,
        layers=() if learned is None else learned.layers,
        propensities=((decision.primary, 1.0),) if learned is None else learned.propensities,
        estimates=decided.estimates,
        arms=() if learned is None else learned.arms,
        shadows=decided.shadows,
        clarification=learned is not None and learned.clarification is not None,
        threshold_version=state.thresholds.version,
        experience_version=state.experience.version,
        snapshot_version=decision.snapshot_version,
        elapsed_s=elapsed_s,
        features=decided.features,
        costs=decided.costs,
    )

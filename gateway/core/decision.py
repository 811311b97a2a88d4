"""Where a hole goes, and why."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.endpoint import Capability
from gateway.core.matching import NO_MATCH, Clarification, FusedMatch, LayerRecord
from gateway.core.scoring import ScoredEndpoint
from gateway.core.value import value


class RoutingReason(StrEnum):
    """What chose the primary.

    The four rules with and without a match, and the default; or something that overrules them
    within what they allow: a learned layer, the request's objective, the adaptive policy, an arm of
    an experiment.
    """

    SECURITY_MATCH = "security_match"
    SECURITY_NO_MATCH = "security_no_match"
    CONSTRAINED_MATCH = "constrained_match"
    CONSTRAINED_NO_MATCH = "constrained_no_match"
    FAST_MATCH = "fast_match"
    FAST_NO_MATCH = "fast_no_match"
    QUALITY_MATCH = "quality_match"
    QUALITY_NO_MATCH = "quality_no_match"
    MEDIUM_DEFAULT = "medium_default"
    LEARNED = "learned"
    OBJECTIVE = "objective"
    ADAPTIVE = "adaptive"
    EXPERIMENT = "experiment"


class ChainPolicy(StrEnum):
    """STRICT: the chain never leaves the wanted capability. PREFER: capable first, then others."""

    STRICT = "strict"
    PREFER = "prefer"


class ExclusionReason(StrEnum):
    """Which hard filter took an endpoint out."""

    DRAINED = "drained"
    MISSING_TAG = "missing_tag"
    FORBIDDEN_TAG = "forbidden_tag"
    CONTEXT_LENGTH = "context_length"
    CAPABILITY = "capability"
    NOT_NAMED = "not_named"
    NO_TOOLS = "no_tools"


@value
class Excluded:
    """An endpoint that a hard filter took out."""

    endpoint: str
    reason: ExclusionReason
    detail: str


@value
class Learned:
    """What the learned router found for one request.

    `decided_by`: `rules`, a layer's name, `objective`, `adaptive` or `experiment`; `confidence` is
    that of it, 0..1. `scores`: the endpoints that the rule allows, best first. `propensities`: the
    probability with which each was chosen first; together 1. `support`, `similarity`, 0..1, and
    `effective_n` say how far the predicted qualities rest on outcomes of similar requests, of
    which there were `observations`. `arms`: (experiment, arm) pairs. `features`: what was read of
    the request; `predictions`: what the prediction is made of, in words. `elapsed_s`: time of the
    whole decision. `clarification` is set when the router cannot tell. `candidates`: how many the
    request is worth where nobody says, 0 for no opinion.
    """

    decided_by: str
    confidence: float = 0.0
    layers: tuple[LayerRecord, ...] = ()
    scores: tuple[ScoredEndpoint, ...] = ()
    propensities: tuple[tuple[str, float], ...] = ()
    support: float = 0.0
    similarity: float = 0.0
    effective_n: float = 0.0
    observations: int = 0
    match: FusedMatch = NO_MATCH
    arms: tuple[tuple[str, str], ...] = ()
    threshold_version: int = 0
    features: tuple[tuple[str, str], ...] = ()
    predictions: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    clarification: Clarification | None = None
    candidates: int = 0


@value
class RoutingDecision:
    """The primary, its fallbacks in order, and what decided.

    `learned` is None where only the rules were asked.
    """

    primary: str
    fallbacks: tuple[str, ...]
    reason: RoutingReason
    detail: str
    capability: Capability | None
    complexity: float
    estimator: str
    chain_policy: ChainPolicy
    excluded: tuple[Excluded, ...] = ()
    snapshot_version: int = 0
    learned: Learned | None = None

    @property
    def chain(self) -> tuple[str, ...]:
        """The primary, then the fallbacks."""
        return (self.primary, *self.fallbacks)

"""Where a hole goes, and why."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.endpoint import Capability
from gateway.core.value import value


class RoutingReason(StrEnum):
    """Which rule chose the primary: the four rules with and without a match, and the default."""

    SECURITY_MATCH = "security_match"
    SECURITY_NO_MATCH = "security_no_match"
    CONSTRAINED_MATCH = "constrained_match"
    CONSTRAINED_NO_MATCH = "constrained_no_match"
    FAST_MATCH = "fast_match"
    FAST_NO_MATCH = "fast_no_match"
    QUALITY_MATCH = "quality_match"
    QUALITY_NO_MATCH = "quality_no_match"
    MEDIUM_DEFAULT = "medium_default"


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


@value
class Excluded:
    """An endpoint that a hard filter took out."""

    endpoint: str
    reason: ExclusionReason
    detail: str


@value
class RoutingDecision:
    """The primary, its fallbacks in order, and what decided."""

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

    @property
    def chain(self) -> tuple[str, ...]:
        """The primary, then the fallbacks."""
        return (self.primary, *self.fallbacks)

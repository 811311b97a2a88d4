"""The rules: which capability a hole wants. The first that matches wins (R-01).

    1  security      anything marks the hole as security-relevant        security_aware
    2  constrained   more than `constraint_limit` constraints, a grammar constrained_generation
    3  fast          complexity below `fast_below`                       fast_inference
    4  quality       complexity above `quality_above`                    high_quality
    5  default       everything else                                     the default endpoint

Every bound is strict: a hole at a bound does not match.
"""

from __future__ import annotations

from gateway.core.decision import ChainPolicy, RoutingReason
from gateway.core.endpoint import Capability
from gateway.core.snapshot import RouterSettings
from gateway.core.value import value
from gateway.routing.complexity import Factors
from gateway.routing.traits import Traits


@value
class Rule:
    """One rule. `condition` is its condition in words, with the numbers of the settings.

    `capability` is None for the default rule, which always ends in `no_match`.
    """

    name: str
    condition: str
    capability: Capability | None
    policy: ChainPolicy
    match: RoutingReason
    no_match: RoutingReason


@value
class RuleTable:
    """The rules in order of precedence, for one set of settings."""

    settings: RouterSettings
    security: Rule
    constrained: Rule
    fast: Rule
    quality: Rule
    default: Rule

    @classmethod
    def of(cls, settings: RouterSettings) -> RuleTable:
        """Write the settings' numbers and chain policies into the rules."""
        return cls(
            settings=settings,
            security=Rule(
                "security",
                "a fill constraint of kind security, a constraint marked as security-relevant, "
                "or a token mask",
                Capability.SECURITY_AWARE,
                settings.security_chain,
                RoutingReason.SECURITY_MATCH,
                RoutingReason.SECURITY_NO_MATCH,
            ),
            constrained=Rule(
                "constrained",
                f"more than {settings.constraint_limit} constraints, or a grammar",
                Capability.CONSTRAINED_GENERATION,
                settings.constrained_chain,
                RoutingReason.CONSTRAINED_MATCH,
                RoutingReason.CONSTRAINED_NO_MATCH,
            ),
            fast=Rule(
                "fast",
                f"complexity below {settings.fast_below:g}",
                Capability.FAST_INFERENCE,
                settings.fast_chain,
                RoutingReason.FAST_MATCH,
                RoutingReason.FAST_NO_MATCH,
            ),
            quality=Rule(
                "quality",
                f"complexity above {settings.quality_above:g}",
                Capability.HIGH_QUALITY,
                settings.quality_chain,
                RoutingReason.QUALITY_MATCH,
                RoutingReason.QUALITY_NO_MATCH,
            ),
            default=Rule(
                "default",
                "no other rule matches",
                None,
                ChainPolicy.PREFER,
                RoutingReason.MEDIUM_DEFAULT,
                RoutingReason.MEDIUM_DEFAULT,
            ),
        )

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, first to last."""
        return (self.security, self.constrained, self.fast, self.quality, self.default)

    def first_match(self, traits: Traits, factors: Factors) -> tuple[Rule, str]:
        """The rule that a hole matches, and in words, with its numbers, why."""
        settings = self.settings
        if traits.security:
            return self.security, traits.security
        if traits.count > settings.constraint_limit:
            words = f"{traits.count} constraints are more than {settings.constraint_limit}"
            return self.constrained, words
        if traits.grammar:
            return self.constrained, "a grammar is given"
        value = factors.complexity
        if value < settings.fast_below:
            return self.fast, f"{_seen(factors)} is below {settings.fast_below:g}"
        if value > settings.quality_above:
            return self.quality, f"{_seen(factors)} is above {settings.quality_above:g}"
        bounds = f"{settings.fast_below:g} to {settings.quality_above:g}"
        return self.default, f"{_seen(factors)} is within {bounds}"


def _seen(factors: Factors) -> str:
    """Complexity in words. Holes without grammar get here, so only two factors can be named."""
    value = f"complexity {factors.complexity:.4g}"
    if factors.schema is None:
        return value
    return f"{value} (constraints {factors.constraints:.4g}, schema {factors.schema:.4g})"

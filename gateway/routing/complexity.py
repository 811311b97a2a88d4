"""How hard a hole looks, 0..1, from its requirements alone.

Both estimators see up to three factors, each 0..1 (R-10):

    constraints   min(n/10, 1), n = fill constraints + constraints; always present
    schema        min(properties/20, 0.5) + min(required/10, 0.3) + min(nested/5, 0.2)
    grammar       min(rules/50, 0.5) + min(rhs/10, 0.5)

`v1` is the mean of the factors that are present. Its "nested" counts every property that is a
JSON object, which each schema of a property is, and its rhs is the mean number of alternatives of
a rule. A mean falls when a small factor joins, so `v1` is kept for parity only.

`v2` never falls when something is added (R-11): it folds the factors by `a + (1 - a) * b`, starting
with the constraints, so that constraints alone give exactly min(n/10, 1); "nested" counts only
properties of type object or array; rhs is the largest number of alternatives, because a mean falls
when a short rule joins.

With default settings constraints alone therefore give these bands under either estimator (R-12):
0-2 fast, 3-7 default, 8-10 quality, 11 and more constrained.

Several schemas count as one with the sums of their numbers, and so do several grammars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.core.value import value
from gateway.routing.sizes import NO_GRAMMAR, NO_SCHEMA, GrammarSize, grammar_size, schema_size
from gateway.routing.traits import Traits


@value
class Factors:
    """What an estimator saw. `schema` and `grammar` are None when absent or unreadable."""

    constraints: float
    schema: float | None
    grammar: float | None
    complexity: float


def factors_v1(traits: Traits) -> Factors:
    """Estimate as earlier routers did: the mean of the factors present."""
    constraints = min(traits.count / 10, 1.0)
    schema = _schema_factor(traits, every_object=True)
    size = _grammar_size(traits)
    grammar = (
        None if size is None else _grammar_factor(size.rules, size.alternatives / size.divisor)
    )
    present = [factor for factor in (constraints, schema, grammar) if factor is not None]
    return Factors(constraints, schema, grammar, sum(present) / len(present))


def factors_v2(traits: Traits) -> Factors:
    """Estimate monotonically: adding a property, rule or constraint never lowers the result."""
    constraints = min(traits.count / 10, 1.0)
    schema = _schema_factor(traits, every_object=False)
    size = _grammar_size(traits)
    grammar = None if size is None else _grammar_factor(size.rules, size.longest)
    complexity = constraints
    for factor in (schema, grammar):
        if factor is not None:
            complexity += (1.0 - complexity) * factor
    return Factors(constraints, schema, grammar, min(complexity, 1.0))


Estimator = Callable[[Traits], Factors]

ESTIMATORS: Mapping[str, Estimator] = MappingProxyType({"v1": factors_v1, "v2": factors_v2})
"""The estimators by their name in the settings."""


def _schema_factor(traits: Traits, *, every_object: bool) -> float | None:
    sizes = [size for schema in traits.schemas if (size := schema_size(schema.text)) is not None]
    if not sizes:
        return None
    total = NO_SCHEMA
    for size in sizes:
        total = total.plus(size)
    nested = total.objects if every_object else total.nested
    weighed = min(total.properties / 20, 0.5) + min(total.required / 10, 0.3) + min(nested / 5, 0.2)
    return min(weighed, 1.0)


def _grammar_size(traits: Traits) -> GrammarSize | None:
    if not traits.grammars:
        return None
    total = NO_GRAMMAR
    for grammar in traits.grammars:
        total = total.plus(grammar_size(grammar))
    return total


def _grammar_factor(rules: int, rhs: float) -> float:
    return min(min(rules / 50, 0.5) + min(rhs / 10, 0.5), 1.0)

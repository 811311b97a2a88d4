"""What the rules and the estimators read of a hole, gathered in one pass."""

from __future__ import annotations

from gateway.core.constraint import Constraint, FillConstraint, Grammar, JsonSchema, TokenMask
from gateway.core.hole import Hole
from gateway.core.value import value

SECURITY_KIND = "security"


@value
class Traits:
    """`count` is of fill constraints and constraints together (R-02).

    `security` says in words what makes the hole security-relevant, empty when nothing does.
    `grammar` is also true for a grammar that is only named: its text is unknown here, so it adds
    nothing to the complexity, but only an endpoint that decodes under a grammar can keep to it.
    """

    count: int
    security: str
    grammar: bool
    schemas: tuple[JsonSchema, ...]
    grammars: tuple[Grammar, ...]


NO_TRAITS = Traits(count=0, security="", grammar=False, schemas=(), grammars=())
"""Of a hole without any requirement."""


def traits_of(hole: Hole) -> Traits:
    """Read both places where a requirement can stand: the spec and the constraints."""
    spec = hole.spec
    if not (
        hole.constraints
        or spec.fill_constraints
        or spec.json_schema
        or spec.grammar
        or spec.grammar_ref
    ):
        return NO_TRAITS
    schemas = [] if spec.json_schema is None else [spec.json_schema]
    grammars = [] if spec.grammar is None else [spec.grammar]
    for constraint in hole.constraints:
        if isinstance(constraint.body, JsonSchema):
            schemas.append(constraint.body)
        elif isinstance(constraint.body, Grammar):
            grammars.append(constraint.body)
    return Traits(
        count=len(spec.fill_constraints) + len(hole.constraints),
        security=_security(spec.fill_constraints, hole.constraints),
        grammar=bool(grammars or spec.grammar_ref),
        schemas=tuple(schemas),
        grammars=tuple(grammars),
    )


def _security(fills: tuple[FillConstraint, ...], constraints: tuple[Constraint, ...]) -> str:
    for fill in fills:
        if fill.kind.strip().casefold() == SECURITY_KIND:
            return "a fill constraint is of kind security"
    for constraint in constraints:
        if constraint.security:
            return f"constraint {constraint.name!r} is marked as security-relevant"
        if isinstance(constraint.body, TokenMask):
            return f"constraint {constraint.name!r} carries a token mask"
    return ""

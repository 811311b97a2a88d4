"""Holes, constraints and sampling on the wire."""

from __future__ import annotations

from ensemble.v1 import hole_pb2

from gateway.core.constraint import (
    Constraint,
    ConstraintBody,
    FillConstraint,
    ForbiddenText,
    Grammar,
    GrammarRule,
    GrammarSyntax,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
)
from gateway.core.hole import HoleKind, HoleOrigin, HoleSpec, Sampling
from gateway.wire.enums import GRAMMAR_SYNTAX, GRAMMAR_SYNTAX_FROM, HOLE_KIND, HOLE_KIND_FROM


def grammar_from_wire(wire: hole_pb2.Grammar) -> Grammar:
    """Read a grammar; an unknown syntax counts as Lark's."""
    return Grammar(
        GRAMMAR_SYNTAX_FROM.get(wire.syntax, GrammarSyntax.LARK),
        wire.text,
        tuple(GrammarRule(rule.lhs, tuple(rule.rhs)) for rule in wire.rules),
        wire.start,
    )


def grammar_to_wire(grammar: Grammar) -> hole_pb2.Grammar:
    """Write a grammar."""
    rules = [hole_pb2.GrammarRule(lhs=rule.lhs, rhs=rule.rhs) for rule in grammar.rules]
    return hole_pb2.Grammar(
        syntax=GRAMMAR_SYNTAX[grammar.syntax],
        text=grammar.text,
        rules=rules,
        start=grammar.start,
    )


def _mask_from_wire(wire: hole_pb2.TokenMask) -> TokenMask:
    return TokenMask(tuple(wire.allowed_ids), tuple(wire.forbidden_ids))


def _mask_to_wire(mask: TokenMask) -> hole_pb2.TokenMask:
    return hole_pb2.TokenMask(allowed_ids=mask.allowed, forbidden_ids=mask.forbidden)


def body_from_wire(wire: hole_pb2.Constraint) -> ConstraintBody:
    """Read the body of a constraint. Raises ValueError when none is set."""
    match wire.WhichOneof("body"):
        case "json_schema":
            return JsonSchema(wire.json_schema.schema)
        case "grammar":
            return grammar_from_wire(wire.grammar)
        case "regex":
            return Regex(wire.regex.pattern, wire.regex.flags)
        case "token_mask":
            return _mask_from_wire(wire.token_mask)
        case "forbidden_text":
            return ForbiddenText(tuple(wire.forbidden_text.texts))
        case "type":
            goal = wire.type
            return TypeGoal(
                goal.goal,
                goal.current,
                tuple(sorted(goal.bindings.items())),
                goal.language,
                _mask_from_wire(goal.mask) if goal.HasField("mask") else None,
            )
        case "unit_tests":
            tests = wire.unit_tests
            return UnitTests(tests.code, tests.entry_point, tuple(tests.cases))
        case _:
            raise ValueError(f"constraint {wire.name!r} has no body")


def constraint_from_wire(wire: hole_pb2.Constraint) -> Constraint:
    """Read a constraint; a feasibility score of 0 means infeasible, like the flag."""
    infeasible = (wire.HasField("feasible") and not wire.feasible) or (
        wire.HasField("feasibility_score") and wire.feasibility_score <= 0
    )
    return Constraint(
        wire.name,
        body_from_wire(wire),
        wire.priority,
        required=not wire.advisory,
        security=wire.security,
        rich_context=wire.rich_context,
        feasible=not infeasible,
    )


def constraint_to_wire(constraint: Constraint) -> hole_pb2.Constraint:
    """Write a constraint."""
    wire = hole_pb2.Constraint(
        name=constraint.name,
        priority=constraint.priority,
        advisory=not constraint.required,
        security=constraint.security,
        rich_context=constraint.rich_context,
    )
    if not constraint.feasible:
        wire.feasible = False
    match constraint.body:
        case JsonSchema(text):
            wire.json_schema.schema = text
        case Grammar() as grammar:
            wire.grammar.CopyFrom(grammar_to_wire(grammar))
        case Regex(pattern, flags):
            wire.regex.pattern = pattern
            wire.regex.flags = flags
        case TokenMask() as mask:
            wire.token_mask.CopyFrom(_mask_to_wire(mask))
        case ForbiddenText(texts):
            wire.forbidden_text.texts.extend(texts)
        case TypeGoal(goal, current, bindings, language, mask):
            wire.type.language = language
            if mask is not None:
                wire.type.mask.CopyFrom(_mask_to_wire(mask))
            wire.type.goal = goal
            wire.type.current = current
            wire.type.bindings.update(dict(bindings))
        case UnitTests(code, entry_point, cases):
            wire.unit_tests.SetInParent()
            wire.unit_tests.code = code
            wire.unit_tests.entry_point = entry_point
            wire.unit_tests.cases.extend(cases)
    return wire


def spec_from_wire(wire: hole_pb2.HoleSpec) -> HoleSpec:
    """Read the description of a hole; an unknown kind counts as not stated."""
    origin = wire.origin
    return HoleSpec(
        hole_id=wire.hole_id if wire.HasField("hole_id") else None,
        kind=HOLE_KIND_FROM.get(wire.kind, HoleKind.UNSPECIFIED),
        language=wire.language.lower(),
        expected_type=wire.expected_type if wire.HasField("expected_type") else None,
        json_schema=JsonSchema(wire.json_schema.schema) if wire.HasField("json_schema") else None,
        grammar=grammar_from_wire(wire.grammar) if wire.HasField("grammar") else None,
        grammar_ref=wire.grammar_ref if wire.HasField("grammar_ref") else None,
        fill_constraints=tuple(
            FillConstraint(item.kind, item.value, item.error_message)
            for item in wire.fill_constraints
        ),
        origin=HoleOrigin(origin.file, origin.line, origin.project_root, origin.intent)
        if wire.HasField("origin")
        else None,
    )


def spec_to_wire(spec: HoleSpec) -> hole_pb2.HoleSpec:
    """Write the description of a hole; None stays not set."""
    wire = hole_pb2.HoleSpec(
        hole_id=spec.hole_id,
        kind=HOLE_KIND[spec.kind],
        language=spec.language,
        expected_type=spec.expected_type,
        json_schema=hole_pb2.JsonSchema(schema=spec.json_schema.text) if spec.json_schema else None,
        grammar=grammar_to_wire(spec.grammar) if spec.grammar else None,
        grammar_ref=spec.grammar_ref,
    )
    for fill in spec.fill_constraints:
        wire.fill_constraints.add(
            kind=fill.kind, value=fill.value, error_message=fill.error_message or None
        )
    if spec.origin is not None:
        origin = spec.origin
        wire.origin.file = origin.file
        wire.origin.line = origin.line
        wire.origin.project_root = origin.project_root
        wire.origin.intent = origin.intent
    return wire


def sampling_from_wire(wire: hole_pb2.Sampling) -> Sampling:
    """Read sampling parameters; what is not set stays None."""
    has = wire.HasField
    return Sampling(
        max_tokens=wire.max_tokens if has("max_tokens") else None,
        temperature=wire.temperature if has("temperature") else None,
        top_p=wire.top_p if has("top_p") else None,
        top_k=wire.top_k if has("top_k") else None,
        seed=wire.seed if has("seed") else None,
        stop=tuple(wire.stop),
    )


def sampling_to_wire(sampling: Sampling) -> hole_pb2.Sampling:
    """Write sampling parameters; None stays not set."""
    return hole_pb2.Sampling(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        seed=sampling.seed,
        stop=sampling.stop,
    )

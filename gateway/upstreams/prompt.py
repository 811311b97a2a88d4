"""How a chat model is asked to fill a hole.

The order is fixed: a header that names the size of the hole, its origin, its expected type, the
rules as a list, the code around it. `PROMPT_TEMPLATE_VERSION` changes with every change of the
wording, so that recorded answers can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.constraint import (
    Constraint,
    ConstraintBody,
    FillConstraint,
    ForbiddenText,
    Grammar,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
)
from gateway.core.hole import Hole, HoleKind, HoleOrigin, HoleSpec

PROMPT_TEMPLATE_VERSION = "1"

SYSTEM = (
    "You fill holes in source code. Answer with exactly the text that belongs between the code "
    "before the hole and the code after it: no explanation, no Markdown, no repetition of the "
    "code around the hole."
)

SCALE: Mapping[HoleKind, str] = {
    HoleKind.UNSPECIFIED: "hole",
    HoleKind.EXPRESSION: "expression (nano)",
    HoleKind.STATEMENT: "statement (micro)",
    HoleKind.BLOCK: "block (meso)",
    HoleKind.FUNCTION: "function (macro)",
    HoleKind.MODULE: "module",
    HoleKind.SPECIFICATION: "specification",
}


def chat_prompt(hole: Hole, partial: str = "") -> str:
    """Write the user message for a hole.

    `partial` is the start of the fill that was already written; it counts as code before the hole.
    The code of unit tests is left out: they judge the fill.
    """
    spec = hole.spec
    language = f" in {spec.language}" if spec.language else ""
    lines = [f"Fill this {SCALE[spec.kind]}{language}."]
    if spec.origin is not None:
        lines.extend(_origin(spec.origin))
    if spec.expected_type:
        lines.append(f"Expected type: {spec.expected_type}")
    rules = _rules(spec, hole.constraints)
    if rules:
        lines.append("The fill must meet these constraints:")
        lines.extend(f"- {rule}" for rule in rules)
    lines.append("Code before the hole:")
    lines.append(_block(spec.language, hole.prompt + partial))
    if hole.suffix:
        lines.append("Code after the hole:")
        lines.append(_block(spec.language, hole.suffix))
    lines.append("Write only the fill.")
    return "\n".join(lines)


def _origin(origin: HoleOrigin) -> list[str]:
    place = f"{origin.file}:{origin.line}" if origin.file and origin.line else origin.file
    lines = [f"Origin: {place}"] if place else []
    if origin.intent:
        lines.append(f"Intent: {origin.intent}")
    return lines


def _rules(spec: HoleSpec, constraints: tuple[Constraint, ...]) -> list[str]:
    rules = [_fill_rule(rule) for rule in spec.fill_constraints]
    if spec.json_schema is not None:
        rules.append(_words(spec.json_schema))
    if spec.grammar is not None:
        rules.append(_words(spec.grammar))
    for constraint in sorted(constraints, key=lambda item: -item.priority):
        rules.append(f"{constraint.name}: {_words(constraint.body)}")
        if constraint.rich_context:
            rules.append(f"{constraint.name}: {constraint.rich_context}")
    return rules


def _fill_rule(rule: FillConstraint) -> str:
    return f"{rule.kind}: {rule.value}" if rule.value else rule.kind


def _words(body: ConstraintBody) -> str:
    match body:
        case JsonSchema(text):
            return f"JSON that is valid for the schema {text}"
        case Grammar(syntax, text, rules):
            written = text or "; ".join(f"{rule.lhs}: {' | '.join(rule.rhs)}" for rule in rules)
            return f"matches this {syntax} grammar: {written}"
        case Regex(pattern, flags):
            return f"matches the regular expression {pattern}" + (f" ({flags})" if flags else "")
        case TokenMask():
            return "keeps to the permitted tokens"
        case ForbiddenText(texts):
            return f"contains none of {', '.join(map(repr, texts))}"
        case TypeGoal(goal, current, bindings):
            scope = "".join(f"; {name}: {kind}" for name, kind in bindings)
            return f"has the type {goal}" + (f", so far {current}" if current else "") + scope
        case UnitTests(entry_point=entry_point):
            return f"passes the unit tests of {entry_point or 'the program'}"


def _block(language: str, code: str) -> str:
    # A fence must be longer than any run of backticks inside.
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"

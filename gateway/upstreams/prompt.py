"""How a chat model is asked to fill a hole, to repair a draft, or to review one.

The order is fixed: a header that names the size of the hole, its origin, its expected type, the
rules as a list, the code around it, the draft with its issues. `PROMPT_TEMPLATE_VERSION` changes
with every change of the wording, so that recorded answers can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from gateway.core.ports import Draft

PROMPT_TEMPLATE_VERSION = "2"

AUTHOR = (
    "You fill holes in source code. Answer with exactly the text that belongs between the code "
    "before the hole and the code after it: no explanation, no Markdown, no repetition of the "
    "code around the hole."
)
REVIEWER = (
    "You review drafts of code. Answer with what is wrong with the draft in its place between the "
    "code before it and the code after it: one issue a line, the gravest first, each with the line "
    "of the draft it is about, such as `line 2: ...`; no praise, no code, no Markdown. Answer `OK` "
    "alone when nothing is wrong."
)
"""The two system messages: of a model that fills or repairs, and of one that criticises."""

MOST_DRAFT_CHARS = 24_000
MOST_ISSUES = 32
MOST_ISSUE_CHARS = 500
"""What a prompt carries of a draft; the rest is left out, and the prompt says so."""

SCALE: Mapping[HoleKind, str] = {
    HoleKind.UNSPECIFIED: "hole",
    HoleKind.EXPRESSION: "expression (nano)",
    HoleKind.STATEMENT: "statement (micro)",
    HoleKind.BLOCK: "block (meso)",
    HoleKind.FUNCTION: "function (macro)",
    HoleKind.MODULE: "module",
    HoleKind.SPECIFICATION: "specification",
}


def chat_prompt(hole: Hole, partial: str = "", draft: Draft | None = None) -> str:
    """Write the user message for a hole.

    `partial` is the start of the fill that was already written; it counts as code before the hole.
    `draft` is an earlier fill that is to be written anew without its issues. The code of unit tests
    is left out: they judge the fill.
    """
    lines = [f"Fill this {_described(hole.spec)}.", *_wanted(hole, "fill")]
    lines += _surrounded(hole, hole.prompt + partial, "hole")
    if draft is not None:
        lines += ["An earlier fill was not good enough:", *_shown(draft, hole.spec.language)]
        lines.append("Write the whole fill anew, without what is wrong with the earlier one.")
    lines.append("Write only the fill.")
    return "\n".join(lines)


def review_prompt(hole: Hole, draft: Draft) -> str:
    """Write the user message that asks what is wrong with a draft of a hole's fill."""
    lines = [f"Review the draft of this {_described(hole.spec)}.", *_wanted(hole, "draft")]
    shown = ["The draft:", *_shown(draft, hole.spec.language)]
    lines += _surrounded(hole, hole.prompt, "draft", shown)
    lines.append("Write only the issues, one a line, or OK.")
    return "\n".join(lines)


def _described(spec: HoleSpec) -> str:
    return f"{SCALE[spec.kind]} in {spec.language}" if spec.language else SCALE[spec.kind]


def _wanted(hole: Hole, what: str) -> list[str]:
    """Say what the hole is and what its text must be."""
    spec = hole.spec
    lines = [] if spec.origin is None else _origin(spec.origin)
    if spec.expected_type:
        lines.append(f"Expected type: {spec.expected_type}")
    rules = _rules(spec, hole.constraints)
    if rules:
        lines.append(f"The {what} must meet these constraints:")
        lines.extend(f"- {rule}" for rule in rules)
    return lines


def _surrounded(hole: Hole, before: str, what: str, inside: Sequence[str] = ()) -> list[str]:
    """Show the code around the hole, with what stands in its place."""
    language = hole.spec.language
    lines = [f"Code before the {what}:", _block(language, before), *inside]
    if hole.suffix:
        lines += [f"Code after the {what}:", _block(language, hole.suffix)]
    return lines


def _shown(draft: Draft, language: str) -> list[str]:
    """Show a draft and what is known to be wrong with it, no more than the bounds allow."""
    lines = [_block(language, draft.text[:MOST_DRAFT_CHARS])]
    if len(draft.text) > MOST_DRAFT_CHARS:
        lines.append(f"({len(draft.text) - MOST_DRAFT_CHARS} more characters are left out.)")
    if draft.issues:
        lines.append("What is wrong with it:")
    # A bullet is one line, whatever an issue holds.
    lines += [
        f"- {' '.join(issue.split())[:MOST_ISSUE_CHARS]}" for issue in draft.issues[:MOST_ISSUES]
    ]
    if len(draft.issues) > MOST_ISSUES:
        lines.append(f"({len(draft.issues) - MOST_ISSUES} more are left out.)")
    return lines


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

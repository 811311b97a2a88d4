"""What a fill must meet: one value per kind of constraint, and the verdict about it."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value


class GrammarSyntax(StrEnum):
    """How a grammar's text is written."""

    LARK = "lark"
    GBNF = "gbnf"


@value
class GrammarRule:
    """One production: `rhs` holds the alternatives, each a sequence of symbols."""

    lhs: str
    rhs: tuple[str, ...]


@value
class Grammar:
    """A grammar as text or, when `text` is empty, as rules."""

    syntax: GrammarSyntax = GrammarSyntax.LARK
    text: str = ""
    rules: tuple[GrammarRule, ...] = ()
    start: str = ""


@value
class JsonSchema:
    """A JSON schema as its JSON text."""

    text: str


@value
class Regex:
    """An RE2 expression that the whole fill must match; `flags` is a subset of `ims`."""

    pattern: str
    flags: str = ""


@value
class TokenMask:
    """Token ids that may or may not be produced; only an endpoint can enforce it."""

    allowed: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()


@value
class ForbiddenText:
    """Literal strings, none of which may occur in the fill."""

    texts: tuple[str, ...]


@value
class TypeGoal:
    """The type that the fill must inhabit, in the language's notation.

    `mask` holds the tokens that keep to the type, when the caller compiled them.
    """

    goal: str
    current: str = ""
    bindings: tuple[tuple[str, str], ...] = ()
    language: str = ""
    mask: TokenMask | None = None


@value
class UnitTests:
    """Test code that is appended to prefix + fill + suffix and run, then `cases`, each by itself.

    Code that defines `check` and does not call it is followed by `check(entry_point)`.
    """

    code: str = ""
    entry_point: str = ""
    cases: tuple[str, ...] = ()


ConstraintBody = JsonSchema | Grammar | Regex | TokenMask | ForbiddenText | TypeGoal | UnitTests


@value
class Constraint:
    """One named requirement.

    `required` is False for an advisory constraint: its failed verdict is reported and refuses no
    candidate. `feasible` is what an upstream compiler of constraints found; False refuses the
    request before any endpoint is called.
    """

    name: str
    body: ConstraintBody
    priority: int = 0
    required: bool = True
    security: bool = False
    rich_context: str = ""
    feasible: bool = True


@value
class FillConstraint:
    """A rule about the fill without a body of its own, given to the model in words."""

    kind: str
    value: str = ""
    error_message: str = ""


class VerdictStatus(StrEnum):
    """What a check found. UNCHECKED never counts as passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNCHECKED = "unchecked"


@value
class Verdict:
    """What one check found about one candidate; `reason` never quotes the candidate."""

    constraint: str
    status: VerdictStatus
    reason: str = ""
    required: bool = False

    @property
    def refuses(self) -> bool:
        """True when the candidate may not be returned as accepted."""
        return self.required and self.status is VerdictStatus.FAILED

"""From a hole's requirements to its checks; everything broken is refused here, before any call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.core.constraint import (
    Constraint,
    ConstraintBody,
    ForbiddenText,
    Grammar,
    GrammarSyntax,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
)
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason
from gateway.core.hole import Hole
from gateway.validation.cache import CompiledCache
from gateway.validation.checks import AWAITED, SYNTAX, Checks, NamedCheck
from gateway.validation.examples import example_cases
from gateway.validation.feasible import Requirement, contradictions, mask_is_impossible
from gateway.validation.finding import BrokenError, Check, Fixed, unchecked
from gateway.validation.forbidden import NonEmpty, compile_forbidden
from gateway.validation.grammar import compile_grammar
from gateway.validation.languages import PYTHON
from gateway.validation.late import NO_TOOLS, LateCheck, Tools
from gateway.validation.programs import compile_tests
from gateway.validation.regex import compile_regex
from gateway.validation.schema import compile_schema
from gateway.validation.syntax import PythonSyntax

NON_EMPTY = "non_empty"
BUILT_IN = frozenset({NON_EMPTY, SYNTAX})
OF_HOLE = "hole."
"""Names of verdicts about the hole's own description begin so; constraints must not."""
EXAMPLES = f"{OF_HOLE}examples"
"""Name of the verdict about the examples in the code around the hole."""

PYTHON_NAME = "python"

COMPILED = CompiledCache()
"""Shared by all requests of the process: a compiled constraint holds nothing of a request."""

TOKEN_MASK = Fixed(unchecked("only the endpoint sees token ids"))
TYPE_GOAL = Fixed(unchecked("no type checker is configured"))
UNIT_TESTS = Fixed(unchecked("no sandbox is configured to run tests in"))
GRAMMAR_REF = Fixed(unchecked("the grammar is known to the endpoint only"))
IN_WORDS = Fixed(unchecked("given to the model in words"))


@dataclass(slots=True)
class _Compiler:
    hole: Hole
    cache: CompiledCache
    tools: Tools
    duplicates: list[FieldViolation] = field(default_factory=list[FieldViolation])
    broken: list[FieldViolation] = field(default_factory=list[FieldViolation])
    infeasible: list[FieldViolation] = field(default_factory=list[FieldViolation])
    requirements: list[Requirement] = field(default_factory=list[Requirement])

    def build(
        self, path: str, name: str, body: ConstraintBody, *, required: bool
    ) -> NamedCheck | None:
        """Compile one body, or note why that cannot be done."""
        try:
            check, late = self._check(body), self._late(body)
        except BrokenError as error:
            self.broken.append(FieldViolation(f"{path}.{error.field}", error.description))
            return None
        if required:
            self.requirements.append(Requirement(path, name, check))
            if isinstance(body, TokenMask) and mask_is_impossible(body):
                self.infeasible.append(
                    FieldViolation(path, f"{name!r} forbids every token that it allows")
                )
        return NamedCheck(name, check if late is None else AWAITED, required, late)

    def _late(self, body: ConstraintBody) -> LateCheck | None:
        """Build what a tool of the machine checks; None when there is no such tool."""
        hole, tools = self.hole, self.tools
        if isinstance(body, UnitTests) and tools.executor is not None:
            return compile_tests(body, hole.prompt, hole.suffix, _language(hole), tools.executor)
        if isinstance(body, TypeGoal) and tools.types is not None:
            from gateway.validation.types import TypeCheck  # noqa: PLC0415 - idle memory

            return TypeCheck(tools.types, hole, body)
        return None

    def _check(self, body: ConstraintBody) -> Check:
        match body:
            case JsonSchema():
                return self._kept(body, partial(compile_schema, body))
            case Grammar(syntax=GrammarSyntax.GBNF, text=text) if text:
                from gateway.validation.gbnf import compile_gbnf  # noqa: PLC0415 - idle memory

                return self._kept(body, partial(compile_gbnf, body))
            case Grammar():
                return self._kept(body, partial(compile_grammar, body))
            case Regex():
                return self._kept(body, partial(compile_regex, body))
            case ForbiddenText():
                return compile_forbidden(body)
            case TokenMask():
                return TOKEN_MASK
            case TypeGoal():
                return TYPE_GOAL
            case _:
                return UNIT_TESTS

    def _kept(self, body: JsonSchema | Grammar | Regex, build: Callable[[], Check]) -> Check:
        return self.cache.get(body, build)

    def check_names(self, constraints: Sequence[Constraint]) -> None:
        """Note every name that is used twice or is a built-in check's."""
        first: dict[str, int] = {}
        for index, constraint in enumerate(constraints):
            name, path = constraint.name, f"constraints[{index}].name"
            if name in BUILT_IN or name.startswith(OF_HOLE):
                words = f"{name!r} is the name of a built-in check; choose another"
                self.duplicates.append(FieldViolation(path, words))
            elif name in first:
                words = f"{name!r} is also the name of constraints[{first[name]}]; rename one"
                self.duplicates.append(FieldViolation(path, words))
            first.setdefault(name, index)

    def refuse(self) -> None:
        """Raise Fault for everything noted."""
        self.infeasible.extend(contradictions(self.requirements))
        wrong = (*self.broken, *self.duplicates)
        if wrong:
            reason = Reason.BROKEN_CONSTRAINT if self.broken else Reason.DUPLICATE_CONSTRAINT
            raise _fault(Kind.INVALID, reason, wrong)
        if self.infeasible:
            reason = Reason.INFEASIBLE_CONSTRAINT
            raise _fault(Kind.INFEASIBLE, reason, tuple(self.infeasible))


def _fault(kind: Kind, reason: Reason, violations: tuple[FieldViolation, ...]) -> Fault:
    words = "; ".join(f"{violation.field}: {violation.description}" for violation in violations[:3])
    more = len(violations) - 3
    message = f"{words}; and {more} more" if more > 0 else words
    return Fault(kind, Origin.CALLER, reason, message, violations=violations)


PLAIN = Checks((NamedCheck(NON_EMPTY, NonEmpty()),))
"""Of a hole about which nothing is known that could be checked."""


def compile_checks(hole: Hole, cache: CompiledCache = COMPILED, tools: Tools = NO_TOOLS) -> Checks:
    """Build the checks of a hole: the built-in ones, the hole's own, then the constraints.

    Constraints are checked in the order of their priority, higher first, otherwise as given.
    Raises Fault(INVALID, BROKEN_CONSTRAINT or DUPLICATE_CONSTRAINT) with a violation for each
    mistake, and Fault(INFEASIBLE, INFEASIBLE_CONSTRAINT) when no text can meet the requirements;
    the caller should mend the named fields.
    """
    if not hole.constraints and hole.spec.is_plain:
        return PLAIN
    compiler = _Compiler(hole, cache, tools)
    compiler.check_names(hole.constraints)
    checks = [NamedCheck(NON_EMPTY, NonEmpty()), *_syntax(hole), *_of_spec(hole, compiler)]
    built = [
        (constraint.priority, compiler.build(path, constraint.name, constraint.body, required=must))
        for index, constraint in enumerate(hole.constraints)
        for path, must in ((f"constraints[{index}]", constraint.required),)
    ]
    compiler.refuse()
    ranked = sorted(built, key=lambda entry: -entry[0])
    checks.extend(check for _, check in ranked if check is not None)
    checks.extend(_examples(hole, tools))
    return Checks(tuple(checks), any(named.late is not None for named in checks))


def _language(hole: Hole) -> str:
    language = hole.spec.language.lower()
    return PYTHON_NAME if language in PYTHON else language


def _syntax(hole: Hole) -> Iterator[NamedCheck]:
    language = hole.spec.language.lower()
    if language in PYTHON:
        yield NamedCheck(SYNTAX, PythonSyntax(hole.prompt, hole.suffix))
    elif language:
        from gateway.validation.treesitter import (  # noqa: PLC0415 - idle memory
            compile_tree_syntax,
        )

        yield NamedCheck(SYNTAX, compile_tree_syntax(language, hole.prompt, hole.suffix))


def _examples(hole: Hole, tools: Tools) -> Iterator[NamedCheck]:
    """The examples in the code around the hole; advisory: they may never have been right."""
    if tools.executor is None or not tools.examples or _language(hole) != PYTHON_NAME:
        return
    cases = example_cases(f"{hole.prompt}\n{hole.suffix}")
    if cases:
        body = UnitTests(cases=cases)
        check = compile_tests(body, hole.prompt, hole.suffix, PYTHON_NAME, tools.executor)
        yield NamedCheck(EXAMPLES, AWAITED, late=check)


def _of_spec(hole: Hole, compiler: _Compiler) -> Iterator[NamedCheck]:
    spec = hole.spec
    goal = None if spec.expected_type is None else TypeGoal(spec.expected_type)
    bodies = (
        ("json_schema", spec.json_schema, True),
        ("grammar", spec.grammar, True),
        # Many a caller knows it only roughly.
        ("expected_type", goal, False),
    )
    for name, body, required in bodies:
        if body is not None:
            check = compiler.build("hole", f"{OF_HOLE}{name}", body, required=required)
            if check is not None:
                yield check
    if spec.grammar_ref is not None:
        yield NamedCheck("hole.grammar_ref", GRAMMAR_REF)
    for index in range(len(spec.fill_constraints)):
        yield NamedCheck(f"hole.fill_constraints[{index}]", IN_WORDS)

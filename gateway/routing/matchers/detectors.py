"""Shapes that a hole can have: facts of its spec and of the code before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.core.constraint import Regex, TypeGoal, UnitTests
from gateway.core.hole import Hole, HoleKind
from gateway.core.value import value
from gateway.routing.tokens import prompt_tokens
from gateway.routing.traits import traits_of

NEARBY = 4_000
"""Characters before a hole in which the shape of the code is looked for."""

MANY = 8
"""From so many requirements on, a model that decodes freely rarely meets them all."""

LONG = 8_000
"""Tokens to read, from which on a short context is a limit."""

_CLASS = re.compile(r"[ \t]*(?:\w+[ ]+)*(?:class|struct|interface|trait)[ ]+\w")
_IMPORT = re.compile(r"[ \t]*(?:import\b|from[ ]+\S+[ ]+import\b|#[ ]*include\b|use[ ]+\w+::)")
_DEFINED = re.compile(r"^[ \t]*(?:\w+[ ]+)*(?:def|fn|func|function)[ ]+(\w+)", re.MULTILINE)
_TEST_STEMS = ("_test", "_spec", ".test", ".spec", "Test", "Tests")
_TEST_FOLDERS = frozenset({"test", "tests"})
_UNFINISHED = re.compile(r"(?:[=(,\[{:]|\b(?:return|in|and|or|not|yield|await))[ \t]*$")


@value
class Shape:
    """A shape: how to tell it, and how sure a topic is that asks for it, 0..1."""

    detect: Callable[[Hole], bool]
    confidence: float


def _json_schema(hole: Hole) -> bool:
    return bool(traits_of(hole).schemas)


def _grammar(hole: Hole) -> bool:
    return traits_of(hole).grammar


def _regex(hole: Hole) -> bool:
    return any(isinstance(constraint.body, Regex) for constraint in hole.constraints)


def _unit_tests(hole: Hole) -> bool:
    return any(isinstance(constraint.body, UnitTests) for constraint in hole.constraints)


def _security(hole: Hole) -> bool:
    return bool(traits_of(hole).security)


def _many_constraints(hole: Hole) -> bool:
    return traits_of(hole).count >= MANY


def _typed(hole: Hole) -> bool:
    goals = (isinstance(constraint.body, TypeGoal) for constraint in hole.constraints)
    return hole.spec.expected_type is not None or any(goals)


def _doctest(hole: Hole) -> bool:
    return ">>>" in _closing_docstring(hole)


def _docstring(hole: Hole) -> bool:
    docstring = _closing_docstring(hole)
    return bool(docstring) and ">>>" not in docstring


def _test_function(hole: Hole) -> bool:
    if hole.spec.origin is not None and _test_file(hole.spec.origin.file):
        return True
    defined = _DEFINED.findall(_nearby(hole))
    return bool(defined) and defined[-1].casefold().startswith("test")


def _test_file(path: str) -> bool:
    *folders, name = path.replace("\\", "/").split("/")
    stem = name.rpartition(".")[0]
    named = name.startswith("test_") or stem.endswith(_TEST_STEMS)
    return named or not _TEST_FOLDERS.isdisjoint(folders)


def _class_body(hole: Hole) -> bool:
    line = _last_line(hole)
    return line.endswith((":", "{")) and _CLASS.match(line) is not None


def _import_block(hole: Hole) -> bool:
    return _IMPORT.match(_last_line(hole)) is not None


def _expression(hole: Hole) -> bool:
    if hole.spec.kind is HoleKind.UNSPECIFIED:
        line = _nearby(hole).rpartition("\n")[2]
        return _UNFINISHED.search(line) is not None
    return hole.spec.kind is HoleKind.EXPRESSION


def _long_context(hole: Hole) -> bool:
    return prompt_tokens(hole) >= LONG


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "json_schema": Shape(_json_schema, 0.95),
        "grammar": Shape(_grammar, 0.95),
        "security": Shape(_security, 0.95),
        "regex_constraint": Shape(_regex, 0.9),
        "unit_tests": Shape(_unit_tests, 0.9),
        "long_context": Shape(_long_context, 0.9),
        "test_function": Shape(_test_function, 0.85),
        "many_constraints": Shape(_many_constraints, 0.85),
        "doctest": Shape(_doctest, 0.8),
        "import_block": Shape(_import_block, 0.8),
        "typed": Shape(_typed, 0.75),
        "class_body": Shape(_class_body, 0.7),
        "docstring": Shape(_docstring, 0.7),
        "expression": Shape(_expression, 0.7),
    }
)
"""The shapes that a topic can name. What the caller states is surer than what the code suggests."""


def _nearby(hole: Hole) -> str:
    return hole.prompt[-NEARBY:]


def _last_line(hole: Hole) -> str:
    """The last line before the hole that is not blank."""
    return _nearby(hole).rstrip().rpartition("\n")[2]


def _closing_docstring(hole: Hole) -> str:
    """The docstring of a Python definition that has nothing else yet; empty when there is none."""
    code = _nearby(hole).rstrip()
    quotes = code[-3:]
    if quotes not in {'"""', "'''"}:
        return ""
    header, _, docstring = code[:-3].rpartition(quotes)
    return docstring if header.rstrip(" \t\nrRuU").endswith(":") else ""

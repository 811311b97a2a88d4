"""The expected type: which source is checked, and whose its errors are."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Mapping

import pytest

from gateway.core.constraint import TypeGoal, VerdictStatus
from gateway.core.hole import Hole, HoleSpec
from gateway.core.running import TypeMismatch, TypeReport
from gateway.validation.finding import LARGE_TEXT, PASSED, Finding
from gateway.validation.typed_source import TypedSource, typed_source
from gateway.validation.types import TypeCheck, finding_of, is_open

FAILED, UNCHECKED = VerdictStatus.FAILED, VerdictStatus.UNCHECKED


def hole_of(prompt: str, suffix: str = "\n", language: str = "python") -> Hole:
    return Hole(prompt, suffix, HoleSpec(language=language))


def typed(
    prompt: str, text: str, suffix: str = "\n", goal: str = "int", **bindings: str
) -> TypedSource:
    found = typed_source(hole_of(prompt, suffix), TypeGoal(goal, "", tuple(bindings.items())), text)
    assert isinstance(found, TypedSource), found
    ast.parse(found.source)
    ast.parse(found.around)
    return found


def at(source: TypedSource, piece: str, rule: str = "reportAny") -> TypeMismatch:
    """The mismatch that a type checker reports where this piece first stands."""
    offset = source.source.index(piece)
    line = source.source.count("\n", 0, offset)
    before = source.source[:offset].split("\n")[-1]
    return TypeMismatch(line + 1, len(before.encode("utf-16-le")) // 2 + 1, rule)


def found(source: TypedSource, *errors: TypeMismatch, around: TypeReport | None = None) -> Finding:
    return finding_of(TypeReport(errors), source, around)


def test_an_expression_is_written_as_the_argument_of_a_function_with_the_goal() -> None:
    source = typed("def f(a):\n    x = ", "a + 1", "\n    return x\n", "list[int]")
    assert source.source == (
        "from typing import Any as _typed_any\n"
        "def _typed_value() -> _typed_any: ...\n"
        "def _typed_goal(value: 'list[int]') -> 'list[int]': return value\n"
        "def f(a):\n    x = _typed_goal((a + 1))\n    return x\n"
    )
    assert source.added == range(1, 4)
    assert source.begin == (5, 9)
    assert source.argument == (5, 21)
    assert source.end == (5, 29)


@pytest.mark.parametrize(
    ("prompt", "text", "suffix"),
    [
        ("x = ", "(1)", "\n"),
        ("x = ", "  1  # one", "\n"),
        ("x = (", "\n  # one\n  1\n", ")\n"),
        ("x = f(", "1)", "\n"),
        ("x = ", "1, 2", "\n"),
        ("x = ", "[\n  1,\n  2,\n]", "\n"),
        ("x = ", "lambda a: a", "\n"),
        ("x = '€😀', ", "'€😀'", "\n"),
        ("def f():\n", "    g(1)\n", "\n"),
        ("x = f'{", "1", "}'\n"),
    ],
)
def test_brackets_and_comments_stay_around_the_expression(
    prompt: str, text: str, suffix: str
) -> None:
    source = typed(prompt, text, suffix)
    assert source.argument is not None
    assert "_typed_goal((" in source.source
    core = at(source, "_typed_goal((")
    assert source.argument == (core.line, core.column + len("_typed_goal("))
    assert source.source.count("\n") == (prompt + text + suffix).count("\n") + 3


@pytest.mark.parametrize(
    ("prompt", "text", "suffix"),
    [
        ("def f() -> int:\n    ", "return 1", "\n"),
        ("x = a.", "b", "\n"),
        ("def ", "f", "(): pass\n"),
        ("x: ", "int", " = 1\n"),
        ("def f(a: ", "int", ") -> int: ...\n"),
        ("def f() -> ", "int", ": ...\n"),
        ("class A(", "B", "): ...\n"),
        ("", "x", " = 1\n"),
        ("f(", "a", "=1)\n"),
        ("f(", "*a", ")\n"),
        ("f(", "1, 2", ")\n"),
        ("x = 2 * ", "1 + 1", "\n"),
        ("x = f(", "1)(2", ")\n"),
        ("x = a[", "1:2", "]\n"),
        ("match x:\n  case ", "1", ": pass\n"),
        ("x = '", "1", "'\n"),
        ("import ", "a", "\n"),
        ("", "   \n", "x = 1\n"),
    ],
)
def test_what_is_no_expression_by_itself_stays_as_it_is(
    prompt: str, text: str, suffix: str
) -> None:
    source = typed(prompt, text, suffix)
    assert source.argument is None
    assert source.source == f"{prompt}{text}{suffix}"
    assert source.added == range(source.added.start, source.added.start)


def test_what_is_put_in_stands_behind_a_docstring_and_the_future() -> None:
    prompt = '"""Doc\nstring."""\n\nfrom __future__ import annotations\nimport os\nx = '
    source = typed(prompt, "1")
    assert source.added == range(5, 8)
    assert source.source.split("\n")[7:] == ["import os", "x = _typed_goal((1))", ""]


@pytest.mark.parametrize(
    ("prompt", "text", "suffix"),
    [
        ("", '"""Doc."""', "\nfrom __future__ import annotations\n"),
        ("'", "Doc", "'\nx = 1\n"),
        ('"""\nDoc\n"""; x = ', "1", "\n"),
    ],
)
def test_a_hole_among_what_must_stand_first_is_left_alone(
    prompt: str, text: str, suffix: str
) -> None:
    source = typed(prompt, text, suffix, a="int")
    assert source.source == f"{prompt}{text}{suffix}"
    assert source.argument is None


def test_bindings_are_declared_where_the_code_does_not_know_them() -> None:
    source = typed(
        "import os\ndef f(known):\n    return ",
        "xs",
        xs="List[Path]",
        known="int",
        os="str",
        len="Sequence[int]",
        **{"class": "int", "no name": "int"},
    )
    head = source.source.split("\n")[:5]
    assert head == [
        "from typing import Any as _typed_any, List, Sequence",
        "def _typed_value() -> _typed_any: ...",
        "def _typed_goal(value: 'int') -> 'int': return value",
        "xs: 'List[Path]' = _typed_value()",
        "len: 'Sequence[int]' = _typed_value()",
    ]


def test_bindings_are_declared_for_a_fill_that_is_no_expression_too() -> None:
    source = typed("def f() -> int:\n    ", "return a", a="int")
    assert "a: 'int' = _typed_value()\n" in source.source
    assert "_typed_goal" not in source.source
    assert len(source.added) == 3


@pytest.mark.parametrize(
    "binder",
    [
        "a = 1",
        "for a in b: pass",
        "def a(): ...",
        "async def a(): ...",
        "class a: ...",
        "lambda a: 1",
        "import a.b",
        "import b as a",
        "from b import a",
        "try: ...\nexcept E as a: ...",
        "match x:\n  case [*a]: ...",
        "match x:\n  case [a, _]: ...",
    ],
)
def test_a_name_is_known_however_it_is_bound(binder: str) -> None:
    source = typed(f"{binder}\nx = ", "a", a="int")
    assert "a: 'int'" not in source.source


def test_a_name_of_ours_that_the_code_has_is_changed() -> None:
    source = typed("_typed_goal = 1\nx = ", "_typed_goal")
    assert "x = _typed__goal((_typed_goal))" in source.source


def test_a_goal_in_quotes_and_one_on_many_lines_mean_the_same() -> None:
    assert typed("x = ", "1", goal="'Foo'").source == typed("x = ", "1", goal="Foo").source
    assert "value: 'dict[str, int]'" in typed("x = ", "1", goal="dict[\n  str, int\n]").source


def test_all_ends_of_lines_count_as_one() -> None:
    source = typed("a = 1\r\nb = 2\rx = (", "\r\n1\r", ")\r\n")
    assert "\r" not in source.source
    assert source.begin == (6, 6)
    assert found(source, at(source, "(1))")).reason.endswith("line 2 of the fill)")


@pytest.mark.parametrize(
    ("hole", "goal", "text", "words"),
    [
        (hole_of("x = ", language="rust"), TypeGoal("i32"), "1", "only the types of Python"),
        (hole_of("x = "), TypeGoal("number", language="typescript"), "1", "only the types"),
        (hole_of("x = "), TypeGoal("int or"), "1", "is no Python type"),
        (hole_of("x = "), TypeGoal(""), "1", "is no Python type"),
        (hole_of("x = "), TypeGoal("a = 1"), "1", "is no Python type"),
        (hole_of("x = "), TypeGoal("(" * 500), "1", "is no Python type"),
        (hole_of("x = "), TypeGoal("int", bindings=(("a", "]"),)), "1", "is no Python type"),
        (hole_of("x = "), TypeGoal("int"), "1 +", "does not parse as a whole"),
        (hole_of("x = "), TypeGoal("int"), "\0", "does not parse as a whole"),
        (hole_of("x = "), TypeGoal("int"), "'\ud800'", "does not parse as a whole"),
        (hole_of("x = "), TypeGoal("int"), "-" * 50_000 + "1", "does not parse as a whole"),
        (hole_of("x = "), TypeGoal("int"), "1" * LARGE_TEXT, "are not checked"),
        (hole_of("x = "), TypeGoal("int"), "''  # type: ignore", "what to overlook"),
        (hole_of("x = "), TypeGoal("int"), "''  # pyright: ignore[x]", "what to overlook"),
        (hole_of("x = "), TypeGoal("int"), "''  # basedpyright:basic", "what to overlook"),
    ],
)
def test_what_cannot_be_checked_is_said_with_the_reason(
    hole: Hole, goal: TypeGoal, text: str, words: str
) -> None:
    finding = typed_source(hole, goal, text)
    assert isinstance(finding, Finding)
    assert finding.status is UNCHECKED
    assert words in finding.reason


def test_the_language_of_the_goal_comes_first() -> None:
    goal = TypeGoal("int", language="Python3")
    assert isinstance(typed_source(hole_of("x = ", language="rust"), goal, "1"), TypedSource)


def test_a_source_without_errors_passes() -> None:
    assert found(typed("x = ", "1")) == PASSED
    assert found(typed("def f() -> int:\n    ", "return 1")) == PASSED


def test_an_error_in_the_fill_fails_with_its_line() -> None:
    source = typed("x = 1\ny = (", "\n'€😀', zq", ")\n")
    finding = found(source, at(source, "zq", "reportArgumentType"))
    assert finding.status is FAILED
    assert finding.reason == "the types do not agree: reportArgumentType (line 2 of the fill)"
    source = typed("def f() -> int:\n    ", "x = ''\n    return x")
    assert found(source, at(source, "x\n", "")).reason == (
        "the types do not agree: an error (line 2 of the fill)"
    )


def test_a_fill_of_unknown_type_is_unchecked_and_one_with_unknown_parts_is_not() -> None:
    source = typed("def f(a, zq):\n    x = ", "len(a)")
    assert found(source, at(source, "a)", "reportUnknownArgumentType")) == PASSED
    whole = found(source, at(source, "(len", "reportUnknownArgumentType"))
    assert (whole.status, "not known" in whole.reason) == (UNCHECKED, True)


@pytest.mark.parametrize("rule", ["reportMissingImports", "reportInvalidTypeForm"])
def test_what_a_right_fill_breaks_too_is_not_held_against_it(rule: str) -> None:
    source = typed("def f() -> int:\n    ", "import zq\n    return 1")
    assert found(source, at(source, "zq", rule)).status is UNCHECKED


def test_a_name_nobody_knows_fails_but_not_in_a_fragment() -> None:
    source = typed("x = other + ", "zq")
    undefined = "reportUndefinedVariable"
    assert found(source, at(source, "zq", undefined)).status is FAILED
    finding = found(source, at(source, "zq", undefined), at(source, "other", undefined))
    assert finding.status is UNCHECKED
    source = typed("x = ", "zq", goal="Shape")
    finding = found(source, at(source, "zq", undefined), at(source, "Shape", undefined))
    assert finding.status is UNCHECKED
    finding = found(source, at(source, "zq"), at(source, "Shape", undefined))
    assert finding.status is FAILED


def test_a_goal_that_the_code_does_not_define_is_unchecked() -> None:
    source = typed("x = ", "1", goal="Shape")
    finding = found(source, at(source, "Shape", "reportUndefinedVariable"))
    assert finding.status is UNCHECKED
    assert "does not define" in finding.reason


def test_of_an_expression_only_its_own_errors_count() -> None:
    source = typed("import zq\ny: str = 1\nx: str = ", "1", "\n")
    assert found(source, at(source, "zq", "reportMissingImports")) == PASSED
    assert found(source, at(source, "1\n")).status is UNCHECKED
    # What does not agree here is the goal with the code, whatever the fill is.
    assert found(source, at(source, "_typed_goal((1")).status is UNCHECKED
    assert not is_open(TypeReport((at(source, "1\n"),)), source)


def test_of_statements_an_error_outside_counts_when_it_is_new() -> None:
    prompt, suffix = "y: str = 1\ndef f() -> str:\n    ", "\n    return x\n"
    source = typed(prompt, "a = 1\n    x = a", suffix, "str")
    assert source.around == f"{prompt}pass{suffix}"
    old, before, after = at(source, "1\ndef"), at(source, "str:"), at(source, "x\n", "r")
    after = TypeMismatch(5, 12, "r")
    own = TypeReport((old,))
    assert is_open(TypeReport((old,)), source)
    assert found(source, old).status is UNCHECKED
    assert found(source, old, around=own).status is UNCHECKED
    assert found(source, old, around=TypeReport(unknown="slow")).status is UNCHECKED
    assert found(source, old, before, around=own).reason == (
        "the types do not agree: reportAny (in the code before the fill)"
    )
    assert found(source, old, after, around=own).reason == (
        "the types do not agree: r (in the code after the fill)"
    )
    shifted = TypeReport((old, TypeMismatch(4, 12, "r")))
    assert found(source, old, after, around=shifted).status is UNCHECKED


def test_without_surroundings_that_parse_nothing_is_open() -> None:
    source = typed("def ", "f", "(): pass\n")
    assert source.around == ""
    assert not is_open(TypeReport((TypeMismatch(9, 1, "r"),)), source)


def test_a_report_about_nothing_is_unchecked_with_its_words() -> None:
    source = typed("x = ", "1")
    assert finding_of(TypeReport(unknown="too slow"), source).reason == "too slow"
    assert not is_open(TypeReport(unknown="too slow"), source)


class Reports:
    """A type checker that knows its reports beforehand."""

    def __init__(self, reports: Mapping[str, TypeReport]) -> None:
        self.reports = reports
        self.asked: list[str] = []

    async def check(self, source: str, language: str, timeout_s: float) -> TypeReport:
        assert language == "python"
        self.asked.append(source)
        return self.reports.get(source, TypeReport())


class Endless:
    """A type checker that never answers."""

    async def check(self, source: str, language: str, timeout_s: float) -> TypeReport:
        await asyncio.Event().wait()
        return TypeReport()


async def test_the_surroundings_are_checked_only_when_it_depends_on_them() -> None:
    hole, goal = hole_of("y: str = 1\ndef f():\n    ", "\n"), TypeGoal("int")
    source = typed(hole.prompt, "return 2", hole.suffix)
    checker = Reports({})
    assert (await TypeCheck(checker, hole, goal).find("return 2", 5)).finding == PASSED
    assert checker.asked == [source.source]
    checker = Reports({source.source: TypeReport((TypeMismatch(1, 10, "r"),))})
    assert (await TypeCheck(checker, hole, goal).find("return 2", 5)).finding.status is FAILED
    assert checker.asked == [source.source, source.around]


async def test_what_cannot_be_checked_costs_no_run() -> None:
    checker = Reports({})
    found = await TypeCheck(checker, hole_of("x = "), TypeGoal("int")).find("1 +", 5)
    assert found.finding.status is UNCHECKED
    assert checker.asked == []


async def test_a_checker_that_does_not_keep_to_the_time_is_left() -> None:
    found = await TypeCheck(Endless(), hole_of("x = "), TypeGoal("int")).find("1", 0.01)
    assert found.finding.reason == "the time for the type check was over"

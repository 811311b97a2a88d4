"""The syntax check on real functions, on fragments, and on what a parser may choke on."""

from __future__ import annotations

import ast
import bisect
import heapq
import shlex
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from gateway.core.constraint import VerdictStatus
from gateway.validation import syntax
from gateway.validation.syntax import MAX_SOURCE, PythonSyntax, plain

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

MODULES = (bisect, heapq, shlex, textwrap)


def statements(module: ModuleType) -> Iterator[tuple[list[str], int, int]]:
    """Lines of the module, and first and last line (0-based, half open) of a statement."""
    assert module.__file__
    source = Path(module.__file__).read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for function in functions[::3]:
        for statement in function.body[-2:]:
            assert statement.end_lineno
            yield lines, statement.lineno - 1, statement.end_lineno


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_cut_statement_passes_when_put_back_and_garbage_fails(module: ModuleType) -> None:
    for lines, first, last in statements(module):
        check = PythonSyntax("".join(lines[:first]), "".join(lines[last:]))
        statement = "".join(lines[first:last])
        indent = statement[: len(statement) - len(statement.lstrip())]
        assert check.find(statement).status is PASSED
        for garbage in ("return return\n", "x = (\n", "zq zq\n", ")\n"):
            assert check.find(indent + garbage).status is FAILED, garbage


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_hole_inside_a_line_is_checked_too(module: ModuleType) -> None:
    for lines, first, last in statements(module):
        statement = "".join(lines[first:last]).rstrip("\n")
        body = statement.lstrip()
        indent = statement[: len(statement) - len(body)]
        check = PythonSyntax("".join(lines[:first]) + indent, "\n" + "".join(lines[last:]))
        assert check.find(body).status is PASSED
        assert check.find("x = = 1").status is FAILED


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_window_of_a_file_is_checked_as_far_as_it_goes(module: ModuleType) -> None:
    for lines, first, last in statements(module):
        window = PythonSyntax("".join(lines[max(0, first - 3) : first]), "".join(lines[last:]))
        # A window may begin inside a string; a right fill must never be called wrong.
        assert window.find("".join(lines[first:last])).status is not FAILED


def test_code_that_starts_indented_gets_the_blocks_it_lost() -> None:
    check = PythonSyntax("        if a:\n            x = 1\n", "    return x\n\ny = 2\n")
    assert check.find("        z = 3\n").status is PASSED
    assert check.find("        zq zq\n").reason == "invalid syntax (line 1 of the fill)"


def test_an_indented_comment_says_where_the_code_stands_or_nothing() -> None:
    check = PythonSyntax("    # nothing\n", "y = 1\n")
    assert check.find("x = 1\n").status is PASSED
    assert check.find("    x = 1\n").status is PASSED
    assert check.find("zq zq\n").status is FAILED


def test_a_bracket_left_open_in_front_of_more_code_fails() -> None:
    check = PythonSyntax("x = foo(", "\ny = 1\n")
    assert check.find("1)").status is PASSED
    assert check.find("1").status is FAILED


def test_the_line_is_counted_from_the_start_of_the_fill() -> None:
    check = PythonSyntax("def f():\n    ", "\n")
    assert check.find("x = 1\n    return = 2").reason == "invalid syntax (line 2 of the fill)"
    assert PythonSyntax("foo(\n", "\n").find("1").reason == (
        "'(' was never closed (in the code before the fill)"
    )
    assert PythonSyntax("", "\nreturn 1\n").find("if x:").reason == (
        "expected an indented block after 'if' statement (in the code after the fill)"
    )


def test_without_a_suffix_the_fill_must_end_the_code() -> None:
    check = PythonSyntax("def f(a):\n    ", "")
    assert check.find("return a").status is PASSED
    assert check.find("return (a").status is FAILED
    assert check.find("if a:").status is FAILED


@pytest.mark.parametrize(
    ("prompt", "suffix"),
    [
        ("Please write a function that adds:\n", ""),
        ('  of a docstring.\n\n    """\n    x = \'it', "\n    return x\n"),
        ("x = 1\n", "\nelse:\n    pass\n"),
        ("x = 1\n", "\ndef f(a,\n"),
    ],
)
def test_surroundings_that_no_fill_makes_parse_are_unchecked(prompt: str, suffix: str) -> None:
    finding = PythonSyntax(prompt, suffix).find("y = 2")
    assert finding.status is UNCHECKED
    assert "fragment" in finding.reason


def test_a_fill_that_is_wrong_by_itself_fails_in_front_of_a_cut_suffix() -> None:
    check = PythonSyntax("x = 1\n", "\ndef f(a,\n")
    assert check.find("y = = 2").status is FAILED


def test_an_indented_fill_is_tried_when_the_hole_is_a_line_of_its_own() -> None:
    check = PythonSyntax("class A:\n    def f(self):\n", "\n    def g(self):\n        pass\n")
    assert check.find("        return 1\n").status is PASSED
    assert check.find("    return 1 +\n").status is FAILED


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x = '\\d'", PASSED),
        ("x = 1\0", FAILED),
        ("x = '\ud800'", FAILED),
        ("(" * 100_000, FAILED),
        ("-" * 100_000 + "1", UNCHECKED),
        ("x" + ".a" * 100_000, UNCHECKED),
        ("x = '\\x'", FAILED),
        ("é = 1", PASSED),
        ("€ = 1", FAILED),
    ],
)
def test_strange_texts_get_a_verdict(text: str, status: VerdictStatus) -> None:
    assert PythonSyntax("", "").find(text).status is status


def test_very_long_code_is_unchecked_and_long_code_is_costly() -> None:
    check = PythonSyntax("x = 1\n" * 1000, "")
    assert check.find("x" * MAX_SOURCE).status is UNCHECKED
    assert not check.costly(100)
    assert check.costly(100_000)


def test_a_warning_about_a_fill_goes_nowhere() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("always")
        assert PythonSyntax("", "").find("x = '\\d'").status is PASSED
        assert PythonSyntax("", "").find("x = '\\w'").status is PASSED
    assert caught == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("invalid syntax", "invalid syntax"),
        ("unmatched ')'", "unmatched ')'"),
        ("expected 'except' or 'finally' block", "expected 'except' or 'finally' block"),
        ("invalid character '€' (U+20AC)", "invalid character"),
        ("invalid non-printable character U+200B", "invalid non-printable character"),
        ("name 'zq' is used prior", "name a token is used prior"),
        ("'(' was never closed on line 12", "'(' was never closed"),
        ("unterminated string literal (detected at line 9)", "unterminated string literal"),
        ("(unicode error) 'x' codec can't decode zq", "a string that cannot be decoded"),
    ],
)
def test_the_message_of_the_parser_is_told_without_what_it_quotes(message: str, words: str) -> None:
    assert plain(message) == words


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_beginning_of_a_good_fill_is_hopeless(module: ModuleType) -> None:
    """A text held back for ever is a stream that never begins: the foresight must be sound."""
    for lines, first, last in statements(module):
        check = PythonSyntax("".join(lines[:first]), "".join(lines[last:]))
        for end in range(first, last + 1):
            assert not check.hopeless("".join(lines[first:end])), lines[first:end]


@pytest.mark.parametrize(
    ("prompt", "beginning"),
    [
        ("def f():\n", "    try:\n        x\n"),
        ("def f():\n", '    """A doc\n'),
        ("def f():\n", "    x = [\n"),
        ("def f():\n", "    if a:\n        b\n    elif c:\n"),
        ("@decorator\n", "@another\n"),
        ("x = (", "1,\n"),
        ("    return 1\n", "    x\n"),
        ("))", "y\n"),
    ],
)
def test_what_may_still_become_good_is_not_hopeless(prompt: str, beginning: str) -> None:
    assert not PythonSyntax(prompt, "").hopeless(beginning)


@pytest.mark.parametrize(
    "beginning",
    ["    return )\n", "    x = = 1\n", "    def (:\n", "  x\n y\n", "    1 = x\n    y\n"],
)
def test_what_no_line_after_it_can_mend_is_hopeless(beginning: str) -> None:
    check = PythonSyntax("def f():\n", "")
    assert check.hopeless(beginning)
    assert check.find(beginning).status is FAILED


def test_only_whole_lines_are_looked_at_and_only_within_bounds() -> None:
    assert not PythonSyntax("def f():\n", "").hopeless("    return )")
    assert not PythonSyntax("x" * MAX_SOURCE, "").hopeless(")\n")
    assert not PythonSyntax("x" + ".y" * 20_000, "").hopeless("\n")


@pytest.mark.parametrize(("failures", "found"), [(2, PASSED), (9, UNCHECKED)])
def test_a_parse_that_another_thread_spoiled_is_made_again(monkeypatch, failures, found) -> None:
    """CPython 3.11 counts the depth of all threads' trees together; seen at 120 KB of code."""
    spoiled = iter(range(failures))

    def parse(*args, **named):
        if next(spoiled, None) is not None:
            raise SystemError("AST constructor recursion depth mismatch")
        return compile(*args, **named)

    monkeypatch.setattr(syntax, "compile", parse, raising=False)
    assert PythonSyntax("x = ", "\n").find("1").status is found

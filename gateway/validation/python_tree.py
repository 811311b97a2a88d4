"""What a Python module says about itself in its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, cast

from gateway.validation.syntax import FILENAME, UndecidableError, parse_error

_BEFORE: Final = re.compile(r"(?:[\s(\\]|#[^\n]*\n)*")
_AFTER: Final = re.compile(r"(?:[\s)\\]|#[^\n]*(?:\n|$))*")
_NO_VALUES: Final = frozenset({"annotation", "returns", "bases"})
"""Fields of syntax trees that hold types, where a call may not stand."""


def parsed_module(source: str) -> ast.Module | None:
    """Parse a module; None when that is not possible."""
    try:
        if parse_error(source) is not None:
            return None
        tree = compile(source, FILENAME, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (UndecidableError, RecursionError, MemoryError):
        return None
    return cast("ast.Module", tree)


def lines_of_head(tree: ast.Module) -> int:
    """Count the lines that must stay first: a docstring, and what is imported from the future."""
    last = 0
    for index, statement in enumerate(tree.body):
        match statement:
            case ast.ImportFrom(module="__future__"):
                pass
            case ast.Expr(value=ast.Constant(value=str())) if index == 0:
                pass
            case _:
                break
        last = statement.end_lineno or last
    return last


def bound_names(tree: ast.Module) -> set[str]:
    """Every name that is bound anywhere in the code."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add((other or name).partition(".")[0])
            case _:
                pass
    return names


def values(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree that are no parts of types."""
    nodes = [node]
    while nodes:
        node = nodes.pop()
        yield node
        for name, part in ast.iter_fields(node):
            if name not in _NO_VALUES:
                parts = cast("list[Any]", part) if isinstance(part, list) else [part]
                nodes.extend(one for one in parts if isinstance(one, ast.AST))


def expression_in(tree: ast.Module, source: str, begin: int, end: int) -> tuple[int, int] | None:
    """Where an expression stands that is all from `begin` to `end` but for brackets and comments.

    The source has no other end of a line than the line feed.
    """
    lines = source.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    first, last = source.count("\n", 0, begin) + 1, source.count("\n", 0, end) + 1

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode(errors="replace"))

    for node in values(tree):
        if not isinstance(node, ast.expr) or node.end_lineno is None or node.end_col_offset is None:
            continue
        if node.lineno < first or node.end_lineno > last:
            continue
        start = offset(node.lineno, node.col_offset)
        stop = offset(node.end_lineno, node.end_col_offset)
        if begin <= start <= stop <= end and _is_all(source[begin:start], source[stop:end]):
            return start, stop
    return None


def _is_all(before: str, after: str) -> bool:
    return _BEFORE.fullmatch(before) is not None and _AFTER.fullmatch(after) is not None

"""Python source whose type errors tell whether a fill inhabits a type.

An expression is written as the argument of a function of ours whose parameter has the goal as its
type. Any other fill stays as it is, and only has to agree with the code around it.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import typing
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final, cast

from gateway.core.constraint import TypeGoal
from gateway.core.hole import Hole
from gateway.core.value import value
from gateway.validation.finding import LARGE_TEXT, Finding, unchecked
from gateway.validation.languages import PYTHON
from gateway.validation.python_tree import (
    bound_names,
    expression_in,
    lines_of_head,
    parsed_module,
    values,
)

Place = tuple[int, int]
"""A line and a column in units of UTF-16, both from 1, as type checkers count them."""

OTHER_LANGUAGE: Final = unchecked("only the types of Python code are checked")
TOO_LONG: Final = unchecked(f"the types of code above {LARGE_TEXT} characters are not checked")
NO_PARSE: Final = unchecked("the code does not parse as a whole, which its types need")
NO_TYPE: Final = unchecked("the goal or a binding is no Python type")
MUTED: Final = unchecked("the fill tells the type checker what to overlook")

_MUTES: Final = re.compile(r"\b(?:(?:based)?pyright\s*:|type\s*:\s*ignore)")
_TYPING: Final = frozenset(cast("list[str]", typing.__all__))
_WORD: Final = re.compile(r"\w+")


@value
class TypedSource:
    """A source to be checked, and what its places mean.

    The fill is from `begin` up to, but without, `end`; `argument` is where the expression starts
    that must inhabit the goal, if there is one. `added` are the lines that were put in before.
    `around`, of a fill that is no such expression, has one that does nothing in its place, which
    has `shift` lines less; empty when it would not parse.
    """

    source: str
    begin: Place
    end: Place
    argument: Place | None
    added: range
    around: str
    shift: int


@value
class _Code:
    """The code before a hole, the fill and the code after it."""

    prompt: str
    text: str
    suffix: str

    def __str__(self) -> str:
        return f"{self.prompt}{self.text}{self.suffix}"


def typed_source(hole: Hole, goal: TypeGoal, text: str) -> TypedSource | Finding:
    """Assemble what has to be checked, or say why nothing can be."""
    if (goal.language or hole.spec.language).lower() not in PYTHON:
        return OTHER_LANGUAGE
    if len(hole.prompt) + len(text) + len(hole.suffix) > LARGE_TEXT:
        return TOO_LONG
    if _MUTES.search(text):
        return MUTED
    wanted = _type_text(goal.goal)
    bindings = {name: _type_text(bound) for name, bound in goal.bindings}
    known = {name: bound for name, bound in bindings.items() if bound is not None}
    if wanted is None or len(known) < len(bindings):
        return NO_TYPE
    code = _Code(*(_plain_ends(one) for one in (hole.prompt, text, hole.suffix)))
    tree = parsed_module(str(code))
    return NO_PARSE if tree is None else _assembled(code, tree, wanted, known)


def _plain_ends(code: str) -> str:
    """Write every end of a line as Python reads it."""
    return code.replace("\r\n", "\n").replace("\r", "\n")


def _type_text(goal: str) -> str | None:
    """Write a type on one line; None when it is no expression."""
    tree = parsed_module(goal.strip())
    match tree.body if tree else []:
        case [ast.Expr(value=ast.Constant(value=str(quoted)))]:
            return _type_text(quoted)
        case [ast.Expr(value=node)]:
            return ast.unparse(node)
        case _:
            return None


def _assembled(
    code: _Code, tree: ast.Module, goal: str, bindings: Mapping[str, str]
) -> TypedSource:
    bound = bound_names(tree)
    unknown = {
        name: kind
        for name, kind in bindings.items()
        if name.isidentifier() and not keyword.iskeyword(name) and name not in bound
    }
    head = lines_of_head(tree)
    # In front of the hole, or nowhere.
    free = head <= code.prompt.count("\n")
    prefix = "_typed_"
    while prefix in str(code):
        prefix += "_"
    begin = len(code.prompt)
    found = expression_in(tree, str(code), begin, begin + len(code.text)) if free else None
    if found is not None:
        lines = _lines(prefix, {f"{prefix}goal": goal, **unknown}, bound)
        draft = _Draft(code, head, lines, found[0] - begin, found[1] - begin)
        if draft.holds_a_value(f"{prefix}goal"):
            return draft.typed(f"{prefix}goal")
    lines = _lines(prefix, unknown, bound) if unknown and free else ()
    start = len(code.text) - len(code.text.lstrip())
    return _Draft(code, head, lines, start, max(start, len(code.text.rstrip()))).typed("")


def _lines(prefix: str, kinds: Mapping[str, str], bound: AbstractSet[str]) -> tuple[str, ...]:
    """Declare names of these types, and among them the function of the goal."""
    words = {word for kind in kinds.values() for word in _WORD.findall(kind)}
    imported = sorted((words & _TYPING) - bound - set(dir(builtins)))
    return (
        ", ".join((f"from typing import Any as {prefix}any", *imported)),
        f"def {prefix}value() -> {prefix}any: ...",
        *(
            f"def {name}(value: {kind!r}) -> {kind!r}: return value"
            if name == f"{prefix}goal"
            else f"{name}: {kind!r} = {prefix}value()"
            for name, kind in kinds.items()
        ),
    )


@value
class _Draft:
    """A source with `lines` put in after `head` lines, of whose fill start:stop is replaced."""

    code: _Code
    head: int
    lines: tuple[str, ...]
    start: int
    stop: int

    def holds_a_value(self, call: str) -> bool:
        """Say whether the replaced part may be an argument of `call`, as far as it parses."""
        tree = parsed_module(self._source(self._wrapped(call)))
        return tree is not None and any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == call
            for node in values(tree)
        )

    def typed(self, call: str) -> TypedSource:
        """Write the replaced part as the argument of `call`, if any is given."""
        core = self.code.text[self.start : self.stop]
        middle = self._wrapped(call) if call else core
        source = self._source(middle)
        at = len(self._front())
        end = at + len(self.code.text) - len(core) + len(middle)
        around = "" if call else self._source("pass")
        return TypedSource(
            source,
            _place(source, at),
            _place(source, end),
            _place(source, at + self.start + len(call) + 1) if call else None,
            range(self.head + 1, self.head + 1 + len(self.lines)),
            around if around and parsed_module(around) else "",
            core.count("\n"),
        )

    def _wrapped(self, call: str) -> str:
        return f"{call}(({self.code.text[self.start : self.stop]}))"

    def _front(self) -> str:
        lines = self.code.prompt.split("\n")
        return "\n".join((*lines[: self.head], *self.lines, *lines[self.head :]))

    def _source(self, middle: str) -> str:
        text = self.code.text
        return f"{self._front()}{text[: self.start]}{middle}{text[self.stop :]}{self.code.suffix}"


def _place(source: str, offset: int) -> Place:
    start = source.rfind("\n", 0, offset) + 1
    column = len(source[start:offset].encode("utf-16-le")) // 2 + 1
    return source.count("\n", 0, offset) + 1, column

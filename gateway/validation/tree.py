"""Trees of source text: parsed in bounded work, with their errors and their brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from gateway.core.value import value

CONDITION: Final = "#endif"
CLOSERS: Final = {
    "{": "}",
    "(": ")",
    "[": "]",
    "${": "}",
    "[[": "]]",
    **dict.fromkeys(("#if", "#ifdef", "#ifndef"), CONDITION),
}
_CLOSING: Final = frozenset(CLOSERS.values())
_TOKEN: Final = re.compile(r"\w+|[^\w\s]|\n")


class StepsSpentError(Exception):
    """The parser used up its steps without an answer."""


@dataclass(slots=True)
class TreeParser:
    """Parses texts of one language with a common bound on the work. Belongs to one thread.

    A step is a hundred operations of the parser, which are some ten tokens where nothing is wrong.
    """

    grammar: Any
    steps: int

    def root(self, source: bytes) -> Any:
        """Return the root of the tree. Raises StepsSpentError."""
        from tree_sitter import Parser  # noqa: PLC0415 - an idle gateway does not load it

        def read(offset: int, place: object) -> bytes:
            del place
            return source[offset:]

        try:
            return Parser(self.grammar).parse(read, progress_callback=self._stop).root_node
        except ValueError:
            raise StepsSpentError from None

    def _stop(self, offset: int, is_wrong: bool) -> bool:  # noqa: FBT001 - as the binding calls it
        del offset, is_wrong
        self.steps -= 1
        return self.steps < 0


def count_tokens(text: str) -> int:
    """Count words, signs and line ends, of which the parser makes no more tokens."""
    return len(_TOKEN.findall(text))


def errors(root: Any) -> Iterator[Any]:
    """Nodes that are wrong or missing, an outer one before what it holds."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            yield node
        nodes.extend(child for child in reversed(node.children) if child.has_error)


def nearest(found: Sequence[Any], begin: int, end: int) -> Any:
    """Return the first node that starts within these bytes, else one that reaches them, else any.

    None when there is none.
    """
    within = (node for node in found if begin <= node.start_byte <= end)
    across = (node for node in found if node.start_byte < begin < node.end_byte)
    return next(chain(within, across, found), None)


@value
class Balance:
    """What is left of the brackets of a code, each shown as the closing one.

    `lost` have no opening one, in the order of the text; `skipped` have a wrong closing one and
    `open` none, the inner ones first.
    """

    lost: tuple[str, ...]
    skipped: tuple[str, ...]
    open: tuple[str, ...]


BALANCED: Final = Balance((), (), ())


def balance(root: Any) -> Balance:
    """Match the brackets; those in strings and comments are none, conditional lines of C are."""
    lost: list[str] = []
    skipped: list[str] = []
    still: list[str] = []
    for kind in _leaves(root):
        if kind in CLOSERS:
            still.append(CLOSERS[kind])
        elif kind in still:
            while (inner := still.pop()) != kind:
                skipped.append(inner)
        elif kind in _CLOSING:
            lost.append(kind)
    return Balance(tuple(lost), tuple(skipped), tuple(reversed(still)))


def _leaves(root: Any) -> Iterator[str]:
    """Kinds of the leaves, in the order of the text."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.child_count:
            stack.extend(reversed(node.children))
        elif not node.is_missing:
            yield node.type

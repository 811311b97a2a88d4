"""How large a grammar becomes when its shorthand is written out.

Lark writes `[a]`, `a?`, `a*`, `a~2..5` and groups out as separate alternatives, and a terminal
that names terminals as one expression. Thirty short lines can thus become billions of symbols, so
the size is computed before anything is expanded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

MAX_SYMBOLS = 4_000
"""Most symbols of all rules, and most parts of all terminals, written out."""

CAP = MAX_SYMBOLS + 1


@dataclass(frozen=True, slots=True)
class Size:
    """Number of alternatives and the length of the longest, neither counted beyond `CAP`."""

    alternatives: int = 1
    length: int = 1

    @property
    def symbols(self) -> int:
        """An upper bound of the symbols of all alternatives."""
        return min(CAP, self.alternatives * max(1, self.length))


def _size(alternatives: int, length: int) -> Size:
    return Size(min(CAP, alternatives), min(CAP, length))


@dataclass(slots=True)
class Sizes:
    """Sizes of Lark's trees. A tree shared by many is measured once."""

    rules: dict[int, Size] = field(default_factory=dict[int, Size])
    leaves: dict[int, int] = field(default_factory=dict[int, int])

    def rule(self, node: Any) -> Size:
        """Measure a rule's tree; anything that is no tree is one symbol."""
        if not hasattr(node, "children"):
            return Size()
        if id(node) not in self.rules:
            self.rules[id(node)] = self._measure(node)
        return self.rules[id(node)]

    def terminal(self, node: Any) -> int:
        """Count the parts of a terminal's tree with everything it names put in."""
        if not hasattr(node, "children"):
            return 1
        if id(node) not in self.leaves:
            # Lark refuses a terminal that contains itself; here the count must only end.
            self.leaves[id(node)] = 1
            parts = sum(self.terminal(child) for child in node.children)
            self.leaves[id(node)] = min(CAP, parts)
        return self.leaves[id(node)]

    def _measure(self, node: Any) -> Size:
        data, children = str(node.data), list(node.children)
        if data == "expr":
            return _repeated(self.rule(children[0]), [str(child) for child in children[1:]])
        parts = [self.rule(child) for child in children]
        if data == "expansions":
            alternatives = sum(part.alternatives for part in parts)
            return _size(alternatives, max(part.length for part in parts))
        if data == "expansion":
            length = sum(part.length for part in parts)
            return _size(prod(part.alternatives for part in parts), length)
        if data == "maybe":
            return _size(parts[0].alternatives + 1, parts[0].length)
        return parts[0]


def _repeated(part: Size, operator: list[str]) -> Size:
    if operator[0] != "~":
        return _size(part.alternatives + 1, part.length)
    least, most = int(operator[1]), int(operator[-1])
    # Two alternatives repeated twelve times are already more than the cap.
    each = part.alternatives ** min(most, 12)
    return _size(each * max(1, most - least + 1), part.length * most)


def too_large(rules: Iterable[Any], terminals: Iterable[Any]) -> bool:
    """Say whether the trees of a grammar are too large to be written out."""
    sizes = Sizes()
    return (
        sum(sizes.rule(tree).symbols for tree in rules) > MAX_SYMBOLS
        or sum(sizes.terminal(tree) for tree in terminals) > MAX_SYMBOLS
    )

"""What a Lark grammar may use here, and how large it may become when its shorthand is written out.

Lark writes `[a]`, `a?`, `a*`, `a~2..5` and groups out as separate alternatives, and a terminal
that names terminals as one expression: thirty short lines can become billions of symbols. An
import may read files. Both are judged on the tree of the grammar's text, before Lark expands it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from gateway.core.value import value

MAX_SYMBOLS = 4_000
"""Most symbols of all rules, and most parts of all terminals, written out."""

CAP = MAX_SYMBOLS + 1


def refusal(tree: Any) -> str:
    """Say which statement of a grammar is not known here; empty when all are."""
    for statement in tree.children:
        kind = str(statement.data)
        if kind == "import":
            path = statement.children[0]
            if path.data != "import_lib" or path.children[0] != "common":
                return "only `%import common` is known; write the other rules out"
        elif kind not in {"rule", "term", "ignore"}:
            return f"`%{kind}` is not known here; write the rules out"
        if kind == "rule" and statement.children[2].children:
            return "templates are not known here; write the rules out"
    return ""


def too_large(tree: Any) -> bool:
    """Say whether a grammar is too large to be written out."""
    bodies: dict[str, list[Any]] = {"rule": [], "term": [], "ignore": [], "import": []}
    names: dict[str, Any] = {}
    for statement in tree.children:
        body = statement.children[-1]
        bodies[str(statement.data)].append(body)
        if statement.data == "term":
            names[str(statement.children[0])] = body
    counts = _Terminals(names)
    return (
        sum(_size(rule).symbols for rule in bodies["rule"]) > MAX_SYMBOLS
        or sum(counts.parts(body) for body in bodies["term"] + bodies["ignore"]) > MAX_SYMBOLS
    )


@value
class _Size:
    """Number of alternatives and the length of the longest, neither counted beyond `CAP`."""

    alternatives: int = 1
    length: int = 1

    @property
    def symbols(self) -> int:
        """An upper bound of the symbols of all alternatives."""
        return self.alternatives * max(1, self.length)


def _capped(alternatives: int, length: int) -> _Size:
    return _Size(min(CAP, alternatives), min(CAP, length))


def _size(node: Any) -> _Size:
    """Measure a part of a rule; anything that is no tree is one symbol."""
    if not hasattr(node, "children"):
        return _Size()
    children = list(node.children)
    if node.data == "expr":
        return _repeated(_size(children[0]), [str(child) for child in children[1:]])
    parts = [_size(child) for child in children]
    if node.data == "expansions":
        alternatives = sum(part.alternatives for part in parts)
        return _capped(alternatives, max(part.length for part in parts))
    if node.data == "expansion":
        length = sum(part.length for part in parts)
        return _capped(prod(part.alternatives for part in parts), length)
    if node.data == "maybe":
        return _capped(parts[0].alternatives + 1, parts[0].length)
    return parts[0]


def _repeated(part: _Size, operator: list[str]) -> _Size:
    if operator[0] != "~":
        return _capped(part.alternatives + 1, part.length)
    least, most = int(operator[1]), int(operator[-1])
    # Two alternatives repeated twelve times already are more than the cap.
    each = part.alternatives ** min(most, 12)
    return _capped(each * max(1, most - least + 1), part.length * most)


@dataclass(slots=True)
class _Terminals:
    """Counts the parts of terminals with everything that they name put in."""

    trees: Mapping[str, Any]
    known: dict[str, int] = field(default_factory=dict[str, int])

    def of(self, name: str) -> int:
        """Count the terminal of this name."""
        if name not in self.known:
            # Lark refuses a terminal that contains itself; here the count must only end.
            self.known[name] = 1
            self.known[name] = self.parts(self.trees[name])
        return self.known[name]

    def parts(self, node: Any) -> int:
        """Count a tree."""
        if hasattr(node, "children"):
            return min(CAP, sum(self.parts(child) for child in node.children))
        name = str(getattr(node, "name", ""))
        return self.of(name) if name in self.trees else 1

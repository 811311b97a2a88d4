"""Whether a Python fill reads: the function around the hole is parsed with the fill in it."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

LARGEST_BLOCK = 8_000
"""Characters around the hole; larger functions are not parsed, because a parse takes 1 ms/kB."""

_HEAD = re.compile(r"^[ \t]*(?:async[ ]+def|def)[ ]", re.MULTILINE)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The text of the innermost function around a hole, before and after the hole."""

    before: str
    after: str

    @classmethod
    def of(cls, prompt: str, suffix: str) -> Surroundings | None:
        """Find the function around the hole; None when there is none of a size that is parsed."""
        heads = list(_HEAD.finditer(prompt, max(0, len(prompt) - LARGEST_BLOCK)))
        for head in reversed(heads[-8:]):
            before = prompt[head.start() :]
            column = _indent(before)
            lines = before.split("\n")[1:]
            if any(line.strip() and _indent(line) <= column for line in lines):
                continue
            first, *rest = suffix[:LARGEST_BLOCK].split("\n")
            kept = [first]
            for line in rest:
                if line.strip() and _indent(line) <= column:
                    break
                kept.append(line)
            return cls(("if 1:\n" if column else "") + before, "\n".join(kept))
        return None

    def reads(self, fill: str) -> bool:
        """True when the function parses with this fill."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(self.before + fill + self.after + "\n")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True

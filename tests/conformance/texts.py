"""What is asked, and the only right answer to it.

A case is named in the first line of its prompt: `# case NAME of 8 lines of 32 characters`. The
answer is that many numbered lines, so that a reader can tell what is missing or came twice. What
follows the first line is the start of the answer that somebody else already wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

MARK = re.compile(r"# case (\S+) of (\d+) lines of (\d+) characters\n")
NUMBERED = re.compile(r"^(\S+) line (\d{6}) ", re.MULTILINE)
CHAT_END = "\n```\n"
"""What follows the code in the user message of our gateway's chat prompt."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text that belongs to one request."""

    name: str
    lines: int = 8
    width: int = 48

    @property
    def prompt(self) -> str:
        """What is asked."""
        return f"# case {self.name} of {self.lines} lines of {self.width} characters\n"

    @property
    def pieces(self) -> list[str]:
        """The answer, line by line."""
        starts = (f"{self.name} line {number:06} " for number in range(self.lines))
        return [start.ljust(self.width - 1, ".") + "\n" for start in starts]

    @property
    def whole(self) -> str:
        """The answer."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a model server reads it: its text and the pieces that are still to be said."""

    text: Text
    left: list[str]


def asked_in(prompt: str, *, chat: bool = False) -> Asked | None:
    """Read a prompt; None when it names no case, or begins with what is no part of the answer."""
    found = MARK.search(prompt)
    if found is None:
        return None
    text = Text(found[1], int(found[2]), int(found[3]))
    begun = prompt[found.end() :]
    if chat:
        begun = begun.rpartition(CHAT_END)[0]
    if not begun:
        return Asked(text, text.pieces)
    if not text.whole.startswith(begun):
        return None
    return Asked(text, text.whole[len(begun) :].splitlines(keepends=True))


class Judgement(StrEnum):
    """What a text is, compared with the only right one."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    REPEATED = "repeated"


def judge(text: Text, got: str) -> Judgement:
    """Compare. TRUNCATED: something is missing; REPEATED: something is there twice, or wrong."""
    whole = text.whole
    if got == whole:
        return Judgement.WHOLE
    if whole.startswith(got):
        return Judgement.TRUNCATED
    numbers = [int(number) for name, number in NUMBERED.findall(got) if name == text.name]
    right = set(text.pieces)
    in_order = all(earlier < later for earlier, later in pairwise(numbers))
    known = all(line in right for line in got.splitlines(keepends=True))
    return Judgement.TRUNCATED if in_order and known else Judgement.REPEATED

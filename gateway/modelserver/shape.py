"""What the text around a hole says about the fill: where it begins, and how it may end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.modelserver.tokenizer import encode, relate, split

JOINED_TOKENS = 6
"""Tokens of the suffix that a fill is judged by."""


class Ending(StrEnum):
    """How a fill may end.

    OPEN_LINE: at a line break that the suffix brings. CLOSED_LINE: with a line break of its own,
    before a suffix that begins at column 0 of a line. INSIDE: anywhere in the line, where the
    suffix goes on. FREE: there is no suffix; the block that was begun ends.
    """

    OPEN_LINE = "open_line"
    CLOSED_LINE = "closed_line"
    INSIDE = "inside"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Shape:
    """The hole as the model sees it.

    `tokens` lead up to the hole, `indent` is the indentation of the line that they end in.
    `stub` is the piece of a token that the prompt broke off: the first token written begins with
    it. `following` is the text that is expected after the fill.
    """

    tokens: tuple[str, ...]
    indent: str
    stub: str
    ending: Ending
    following: str

    @classmethod
    def of(cls, prompt: str, suffix: str) -> Shape:
        """Look at the text around a hole."""
        pieces = split(prompt)
        tokens, indent = relate(pieces[:-1])
        stub = pieces[-1] if pieces else ""
        ending = ending_of(prompt, suffix)
        following = "\n" + suffix if ending is Ending.CLOSED_LINE else suffix
        return cls(tuple(tokens), indent, stub, ending, following)

    def joint(self, indent: str) -> list[str]:
        """The first tokens of the suffix after a fill that ends in a line indented like this."""
        return encode(self.following[:400], indent)[:JOINED_TOKENS]


def ending_of(prompt: str, suffix: str) -> Ending:
    """Decide how a fill between these texts may end."""
    if not suffix.strip():
        return Ending.FREE
    if suffix.startswith("\n"):
        return Ending.OPEN_LINE
    return Ending.CLOSED_LINE if prompt.endswith("\n") else Ending.INSIDE

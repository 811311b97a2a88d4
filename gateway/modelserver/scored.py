"""How likely a text is in its place: each of its tokens, and each of its lines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.modelserver.blend import Blend
from gateway.modelserver.engine import Piece
from gateway.modelserver.shape import Shape
from gateway.modelserver.tokenizer import relate, split

TURN = 4
"""Tokens between two turns of other tasks."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A piece of a text and the 1-based line that it ends in."""

    piece: Piece
    line: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text that is not blank, with the log-probabilities of its tokens."""

    number: int
    logprobs: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean log-probability of a token."""
        return sum(self.logprobs) / len(self.logprobs)


async def scored(blend: Blend, shape: Shape, text: str) -> list[Scored]:
    """Score a text that stands in the hole; joined, the pieces are the text."""
    pieces = split(shape.stub + text)
    tokens, _ = relate(pieces, shape.indent)
    context = blend.context(shape.tokens)
    # The first token is the one that the prompt broke off, as when the text was written.
    broken_off, line = len(shape.stub), 1
    found: list[Scored] = []
    for index, (piece, token) in enumerate(zip(pieces, tokens, strict=True)):
        if index % TURN == 0:
            await asyncio.sleep(0)
        number = blend.number(token)
        logprob = blend.logprob(context, number)
        context = blend.extend(context, number)
        own = piece[broken_off:]
        broken_off = max(0, broken_off - len(piece))
        if own:
            line += own.count("\n")
            found.append(Scored(Piece(own, (logprob,)), line))
    return found


def lines_of(tokens: Sequence[Scored]) -> list[Line]:
    """Put the tokens of each line together; a line break counts for the line that it begins."""
    by_line: dict[int, list[Scored]] = {}
    for token in tokens:
        by_line.setdefault(token.line, []).append(token)
    return [
        Line(number, tuple(logprob for token in line for logprob in token.piece.logprobs))
        for number, line in by_line.items()
        if any(token.piece.text.strip() for token in line)
    ]

"""One hole being filled: stretches are searched for, one of each is chosen, and given out."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from gateway.core.candidate import FinishReason
from gateway.modelserver.blend import Blend
from gateway.modelserver.engine import Piece, Query
from gateway.modelserver.model import END
from gateway.modelserver.search import Search, Stretch, Text
from gateway.modelserver.shape import Ending, Shape
from gateway.modelserver.syntax import Surroundings

DEFAULT_MAX_TOKENS = 256
LINES_TRIED = 4
"""Lines written to reach a fill that parses, before the first one is given out as it is."""
PARSED = 8
"""Most texts of a search that are parsed."""

Part = tuple[list[Piece], FinishReason]
"""Pieces, and why the fill ended if nothing follows them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The text chosen. `whole`: it may end here. `reads`: it parses, or that was not asked."""

    text: Text
    whole: bool
    reads: bool = True


class Fill:
    """Writes the fill of one hole. `surroundings` is None when nothing is to be parsed.

    With `refused`, the first line is none that reads so, white space around it aside, and every
    line is drawn among the likeliest ones, at temperature 0 too: whoever asks again wants another
    text, and with another seed yet another.
    """

    def __init__(
        self,
        blend: Blend,
        shape: Shape,
        query: Query,
        width: int,
        surroundings: Surroundings | None,
        refused: str = "",
    ) -> None:
        self._blend = blend
        self._shape = shape
        self._sampling = query.sampling
        self._search = Search(blend, shape, query.sampling, width)
        self._surroundings = surroundings
        self._refused = refused
        self._rng = random.Random(f"{query.sampling.seed or 0}/{query.candidate}")

    async def parts(self) -> AsyncGenerator[Part]:
        """The fill, part by part."""
        most = self._sampling.max_tokens or DEFAULT_MAX_TOKENS
        if self._shape.ending is not Ending.FREE:
            yield await self._before_suffix(most)
            return
        async for part in self._block(most):
            yield part

    async def _before_suffix(self, left: int) -> Part:
        """A fill that the suffix ends: one line, or more where fewer do not parse."""
        text, stub, before = self._start(), self._shape.stub, ""
        pieces: list[Piece] = []
        first: Part | None = None
        for _ in range(LINES_TRIED):
            choice = await self._choose(text, stub, left, before)
            if choice is None:
                break
            pieces = [*pieces, *_pieces(choice.text)]
            if not choice.whole:
                return first or (pieces, FinishReason.LENGTH)
            whole = ([*pieces, *self._closing(choice.text)], FinishReason.STOP)
            if choice.reads:
                return whole
            first = first or whole
            left -= len(choice.text.pieces)
            before += choice.text.text
            stub = ""
            following = self._next_line(choice.text)
            if following is None or left <= 1:
                break
            text = following
        return first or (pieces, FinishReason.STOP)

    async def _block(self, left: int) -> AsyncGenerator[Part]:
        """A fill without a suffix: line after line, up to the end of the block it begins."""
        text, stub = self._start(), self._shape.stub
        column: int | None = None
        while left > 0:
            choice = await self._choose(text, stub, left, "")
            if choice is None:
                return
            stub = ""
            left -= len(choice.text.pieces)
            column = len(choice.text.indent) if column is None else column
            following = self._next_line(choice.text) if choice.whole else _emptied(choice.text)
            if following is None or len(following.indent) < column:
                yield [*_pieces(choice.text), *self._closing(choice.text)], FinishReason.STOP
                return
            yield _pieces(choice.text), FinishReason.LENGTH
            text = following

    def _start(self) -> Text:
        return Text(self._blend.context(self._shape.tokens), self._shape.indent)

    async def _choose(self, text: Text, stub: str, most: int, before: str) -> Choice | None:
        """Search one stretch and choose among what was found."""
        if self._refused:
            found = await self._search.beam(text, stub, most)
            ranked = self._shuffled(self._others(found.ended, stub), lambda ended: ended.score)
        elif self._sampling.temperature:
            found = await self._search.draw(text, stub, most, self._rng)
            ranked = self._shuffled(found.ended, lambda ended: ended.joint)
        else:
            found = await self._search.beam(text, stub, most)
            ranked = heapq.nlargest(PARSED, found.ended, key=lambda stretch: stretch.score)
        if not ranked:
            best = max(found.open, key=lambda text: text.score, default=None)
            return None if best is None else Choice(best, whole=False)
        if self._surroundings is None:
            return Choice(ranked[0].text, whole=True)
        for stretch in ranked:
            await asyncio.sleep(0)
            if self._surroundings.reads(before + stretch.text.text):
                return Choice(stretch.text, whole=True)
        return Choice(ranked[0].text, whole=True, reads=False)

    def _others(self, ended: list[Stretch], stub: str) -> list[Stretch]:
        """Leave out what is refused; only the first stretch has a stub."""
        return [one for one in ended if not stub or one.text.text.strip() != self._refused]

    def _shuffled(self, ended: list[Stretch], weight: Callable[[Stretch], float]) -> list[Stretch]:
        """Draw an order of the stretches by the logarithms of their weights."""
        temperature = self._sampling.temperature or 1.0
        keyed: list[tuple[float, int]] = []
        for index, stretch in enumerate(ended):
            noise = -math.log(-math.log(self._rng.random() or 0.5))
            keyed.append((weight(stretch) / temperature + noise, index))
        return [ended[index] for _, index in heapq.nlargest(PARSED, keyed)]

    def _next_line(self, text: Text) -> Text | None:
        """Begin the line after a text, or None when the model would end there."""
        for number, logprob in self._search.choices(text, "", len(self._blend.names())):
            if number == END:
                return None
            if self._search.is_end(number):
                return self._search.write(_emptied(text), number, logprob)
        return None

    def _closing(self, text: Text) -> list[Piece]:
        """The line break that the fill itself must bring."""
        if self._shape.ending is Ending.FREE and self._shape.stub[:1] != "\n":
            return []
        if self._shape.ending not in {Ending.FREE, Ending.CLOSED_LINE}:
            return []
        number = self._blend.number((self._shape.joint(text.indent) or ["\n+0"])[0])
        return [Piece("\n", (self._blend.logprob(text.context, number),))]


def _emptied(text: Text) -> Text:
    return Text(text.context, text.indent)


def _pieces(text: Text) -> list[Piece]:
    """The pieces of a text; a token that the prompt already had in full writes nothing."""
    pairs = zip(text.pieces, text.logprobs, strict=True)
    return [Piece(piece, (logprob,)) for piece, logprob in pairs if piece]

"""Writing one stretch of a fill: up to the end of a line, or to where the suffix goes on.

At temperature 0 a beam of the likeliest texts is kept. Above it texts are drawn by themselves, and
the one taken is drawn by how well it joins to the suffix (sampling-importance resampling; Rubin
1987), so that draws follow prefix and suffix both.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from dataclasses import dataclass, field

from gateway.core.hole import Sampling
from gateway.modelserver.blend import Blend
from gateway.modelserver.model import END
from gateway.modelserver.shape import Ending, Shape
from gateway.modelserver.tokenizer import is_break, place

LONGEST_STRETCH = 48
"""Tokens; a longer line is written in several stretches."""
CHOICES = 64
"""Most next tokens that a draw looks at."""
ENOUGH = 12
"""Texts that ended of which the best are wanted; no others are joined to the suffix."""
FEW = 24
"""Names of the file offered where the contexts seen offer fewer tokens than asked for."""


@dataclass(frozen=True, slots=True)
class Text:
    """A beginning of the stretch. `logprobs` has one natural logarithm for each piece."""

    context: tuple[int, ...]
    indent: str
    pieces: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    score: float = 0.0

    @property
    def text(self) -> str:
        """The pieces joined."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A text that may end here. `joint`: log-probability of the suffix's beginning after it."""

    text: Text
    joint: float

    @property
    def score(self) -> float:
        """Log-probability of the text and of the suffix's beginning together."""
        return self.text.score + self.joint


@dataclass(slots=True)
class Found:
    """What a search came upon: texts that may end, and texts that were still being written."""

    ended: list[Stretch] = field(default_factory=list[Stretch])
    open: list[Text] = field(default_factory=list[Text])


class Search:
    """Follows `width` texts through the next-token model of one request."""

    def __init__(self, blend: Blend, shape: Shape, sampling: Sampling, width: int) -> None:
        self._blend = blend
        self._shape = shape
        self._sampling = sampling
        self._width = width

    async def beam(self, start: Text, stub: str, most: int) -> Found:
        """Follow the likeliest texts together until none of them can overtake those that ended."""
        found = Found(open=[start])
        for _ in range(min(most, LONGEST_STRETCH)):
            grown: list[Text] = []
            for text in found.open:
                await asyncio.sleep(0)
                grown.extend(self._grow(text, stub, found))
            stub = ""
            found.open = heapq.nlargest(self._width, grown, key=lambda text: text.score)
            if not grown or self._settled(found):
                break
        else:
            self._close_open(found)
        return found

    async def draw(self, start: Text, stub: str, most: int, rng: random.Random) -> Found:
        """Draw texts, each by itself."""
        found = Found()
        for _ in range(self._width):
            text: Text | None = start
            left = stub
            for _ in range(min(most, LONGEST_STRETCH)):
                await asyncio.sleep(0)
                text = self._step(text, left, found, rng)
                left = ""
                if text is None:
                    break
            else:
                found.open.append(text)
        self._close_open(found)
        return found

    def _close_open(self, found: Found) -> None:
        if self._shape.ending is Ending.INSIDE:
            for text in found.open:
                self._end(text, found)

    def _settled(self, found: Found) -> bool:
        """True when open texts, joining as well as the best so far, would all score less."""
        if len(found.ended) < self._width:
            return False
        scores = heapq.nlargest(self._width, (stretch.score for stretch in found.ended))
        joint = max(stretch.joint for stretch in found.ended)
        return scores[self._width // 2] >= found.open[0].score + joint

    def _hopeless(self, text: Text, found: Found) -> bool:
        """True when no join could lift the text among the best: logarithms only go down."""
        if self._sampling.temperature or len(found.ended) < ENOUGH:
            return False
        scores = heapq.nlargest(ENOUGH, (stretch.score for stretch in found.ended))
        return text.score <= scores[-1]

    def _grow(self, text: Text, stub: str, found: Found) -> list[Text]:
        grown: list[Text] = []
        ended = not self._may_end(text, stub)
        if self._shape.ending is Ending.INSIDE and not ended:
            self._end(text, found)
            ended = True
        for number, logprob in self.choices(text, stub, self._width + 2):
            if not stub and self.is_end(number):
                if not ended:
                    # The suffix's first token pays for the break; without a suffix the break does.
                    free = self._shape.ending is Ending.FREE
                    self._end(text, found, logprob if free else 0.0)
                    ended = True
                continue
            new = self.write(text, number, logprob, stub)
            if new is not None:
                grown.append(new)
        return grown

    def _step(self, text: Text, stub: str, found: Found, rng: random.Random) -> Text | None:
        may_end = self._may_end(text, stub)
        if may_end and self._shape.ending is Ending.INSIDE:
            self._end(text, found)
        choices = self.choices(text, stub, self._sampling.top_k or CHOICES)
        if not may_end:
            choices = [choice for choice in choices if stub or not self.is_end(choice[0])]
        if not choices:
            return None
        number, logprob = self._pick(choices, rng)
        if not stub and self.is_end(number):
            if self._shape.ending is not Ending.INSIDE:
                self._end(text, found)
            return None
        return self.write(text, number, logprob, stub)

    def _pick(self, choices: list[tuple[int, float]], rng: random.Random) -> tuple[int, float]:
        temperature = self._sampling.temperature or 1.0
        highest = choices[0][1]
        weights = [math.exp((logprob - highest) / temperature) for _, logprob in choices]
        if self._sampling.top_p is not None:
            goal, kept = self._sampling.top_p * sum(weights), 0.0
            for index, weight in enumerate(weights):
                kept += weight
                if kept >= goal:
                    choices, weights = choices[: index + 1], weights[: index + 1]
                    break
        return rng.choices(choices, weights)[0]

    def _may_end(self, text: Text, stub: str) -> bool:
        return not stub and bool(text.text.strip())

    def is_end(self, number: int) -> bool:
        """True when this token is no part of the stretch."""
        if number == END:
            return True
        return self._shape.ending is not Ending.INSIDE and is_break(self._blend.token(number))

    def _end(self, text: Text, found: Found, joint: float = 0.0) -> None:
        if self._hopeless(text, found):
            return
        context = text.context
        for token in self._shape.joint(text.indent):
            number = self._blend.number(token)
            joint += self._blend.logprob(context, number)
            context = self._blend.extend(context, number)
        found.ended.append(Stretch(text, joint))

    def choices(self, text: Text, stub: str, most: int) -> list[tuple[int, float]]:
        """The likeliest next tokens with their log-probabilities, the likeliest first."""
        following = self._blend.after(text.context)
        chances = following.chances
        if stub or len(chances) < most:
            chances = dict(chances)
            for number in self._blend.names() if stub else self._blend.names()[:FEW]:
                chances.setdefault(number, following.rest * self._blend.alone(number))
        if stub:
            chances = {
                number: chance
                for number, chance in chances.items()
                if self._fits(number, text.indent, stub)
            }
        best = heapq.nlargest(most, chances.items(), key=lambda pair: (pair[1], -pair[0]))
        return [(number, math.log(chance)) for number, chance in best if chance > 0]

    def _fits(self, number: int, indent: str, stub: str) -> bool:
        placed = place(self._blend.token(number), indent) if number != END else None
        return placed is not None and placed[0].startswith(stub)

    def write(self, text: Text, number: int, logprob: float, stub: str = "") -> Text | None:
        """The text with one more token, or None where the token cannot stand."""
        placed = place(self._blend.token(number), text.indent)
        if placed is None or number == END:
            return None
        written, indent = placed
        return Text(
            self._blend.extend(text.context, number),
            indent,
            (*text.pieces, written[len(stub) :]),
            (*text.logprobs, logprob),
            text.score + logprob,
        )

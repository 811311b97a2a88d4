"""The n-gram engine: fills holes in code with what it read in a corpus and in the file at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from gateway.core.candidate import FinishReason, Usage
from gateway.modelserver.blend import Blend, BlendSettings
from gateway.modelserver.engine import End, ModelCard, Piece, Query
from gateway.modelserver.fill import Fill
from gateway.modelserver.model import Model
from gateway.modelserver.shape import Shape
from gateway.modelserver.stops import StopFilter
from gateway.modelserver.syntax import Surroundings
from gateway.modelserver.tokenizer import encode

PROMPT_WINDOW = 60_000
SUFFIX_WINDOW = 30_000
"""Characters read before and after the hole; what is farther away is not looked at."""


@dataclass(frozen=True, slots=True)
class NgramSettings:
    """`width` texts are followed at once; `parse` prefers those that parse as Python."""

    width: int = 1
    parse: bool = False
    blend: BlendSettings = field(default_factory=BlendSettings)


class NgramEngine:
    """Serves one trained model."""

    def __init__(self, model: Model, settings: NgramSettings, revision: str) -> None:
        self._model = model
        self._settings = settings
        self._card = ModelCard(revision)

    @property
    def card(self) -> ModelCard:
        """What is told about the model."""
        return self._card

    async def complete(self, query: Query) -> AsyncGenerator[Piece | End]:
        """Fill the hole; see `Engine`."""
        prompt, suffix = query.prompt[-PROMPT_WINDOW:], query.suffix[:SUFFIX_WINDOW]
        shape = Shape.of(prompt, suffix)
        await asyncio.sleep(0)
        following = encode(shape.following, shape.indent)
        await asyncio.sleep(0)
        blend = Blend(self._model, self._settings.blend)
        blend.learn([following, shape.tokens])
        await asyncio.sleep(0)
        python = self._settings.parse and query.language in {"", "python"}
        surroundings = Surroundings.of(prompt, shape.following) if python else None
        fill = Fill(blend, shape, query, self._settings.width, surroundings)
        stops = StopFilter(query.sampling.stop)
        written, finish = 0, FinishReason.STOP
        async for pieces, reason in fill.parts():
            finish = reason
            for piece in pieces:
                for clear in stops.feed(piece):
                    written += 1
                    yield clear
            if stops.met:
                finish = FinishReason.STOP
                break
        for clear in stops.flush():
            written += 1
            yield clear
        yield End(finish, Usage(len(shape.tokens) + 1 + len(following), written))

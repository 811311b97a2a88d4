"""The n-gram engine: fills holes in code with what it read in a corpus and in the file at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import grpc

from gateway.core.candidate import FinishReason, Usage
from gateway.core.constraint import VerdictStatus
from gateway.core.ports import Operation
from gateway.modelserver.blend import Blend, BlendSettings
from gateway.modelserver.checks import checks_of
from gateway.modelserver.engine import End, ModelCard, Piece, Query, Refusal
from gateway.modelserver.fill import DEFAULT_MAX_TOKENS, Fill, Part
from gateway.modelserver.model import Model
from gateway.modelserver.repair import Gap, gaps
from gateway.modelserver.review import critique
from gateway.modelserver.scored import Scored, scored
from gateway.modelserver.shape import Shape
from gateway.modelserver.stops import StopFilter
from gateway.modelserver.syntax import Surroundings
from gateway.modelserver.tokenizer import encode, split

PYTHON = "python"
"""What the model has learned, and so what code without a stated language is taken for."""
PROMPT_WINDOW = 60_000
SUFFIX_WINDOW = 30_000
"""Characters read before and after the hole; what is farther away is not looked at."""
LONGEST_DRAFT = 16_000
"""Characters of a draft that is criticised or repaired; scoring takes up to 0.15 s a kB."""
REPAIR_WIDTH = 8
"""Least number of texts followed at once for a repair, so that there are others to choose from."""

Said = AsyncGenerator[Piece | End]


@dataclass(frozen=True, slots=True)
class NgramSettings:
    """`width` texts are followed at once; `parse` prefers those that parse as Python."""

    width: int = 1
    parse: bool = False
    blend: BlendSettings = field(default_factory=BlendSettings)


@dataclass(frozen=True, slots=True)
class Place:
    """A hole with the next-token model of the file around it; `read` counts that file's tokens."""

    shape: Shape
    blend: Blend
    read: int


class NgramEngine:
    """Serves one trained model, which knows likely code and nothing of what code does."""

    def __init__(self, model: Model, settings: NgramSettings, revision: str) -> None:
        self._model = model
        self._settings = settings
        self._card = ModelCard(revision)

    @property
    def card(self) -> ModelCard:
        """What is told about the model."""
        return self._card

    async def complete(self, query: Query) -> Said:
        """Fill the hole, or criticise or repair the draft in it; see `Engine`."""
        draft = query.draft.text
        if len(draft) > LONGEST_DRAFT:
            words = f"the draft has more than the {LONGEST_DRAFT} characters that are read"
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, words)
        if query.operation is Operation.CRITIQUE:
            said = self._criticise(query)
        elif query.operation is Operation.REPAIR and draft.strip():
            said = self._repair(query)
        else:
            said = self._fill(query)
        async with aclosing(said):
            async for item in said:
                yield item

    async def _fill(self, query: Query) -> Said:
        place = await self._look(query)
        parts = self._parts(query, place, self._settings.width)
        async with aclosing(_given_out(parts, query, place.read)) as said:
            async for item in said:
                yield item

    async def _repair(self, query: Query) -> Said:
        """Write the draft with other lines where it is at fault.

        Raises Refusal when the model knows no other text for the hole.
        """
        place = await self._look(query)
        before = await scored(place.blend, place.shape, query.draft.text)
        text = await self._rewritten(query, before)
        pieces = [token.piece for token in await scored(place.blend, place.shape, text)]
        most = query.sampling.max_tokens or DEFAULT_MAX_TOKENS
        finish = FinishReason.STOP if len(pieces) <= most else FinishReason.LENGTH
        parts = _one((pieces[:most], finish))
        async with aclosing(_given_out(parts, query, place.read + len(before))) as said:
            async for item in said:
                yield item

    async def _criticise(self, query: Query) -> Said:
        """Say what is wrong with the draft; no sampling parameter changes it."""
        checks = await asyncio.to_thread(checks_of, query, query.language or PYTHON)
        verdicts = await asyncio.to_thread(checks.run, query.draft.text)
        place = await self._look(query)
        tokens = await scored(place.blend, place.shape, query.draft.text)
        text = critique(verdicts, tokens)
        yield Piece(text)
        yield End(FinishReason.STOP, Usage(place.read + len(tokens), len(split(text))))

    async def _rewritten(self, query: Query, tokens: list[Scored]) -> str:
        """Fill one gap of the draft after the other, until the text parses in its place."""
        bare = replace(query, constraints=())
        checks = await asyncio.to_thread(checks_of, bare, query.language or PYTHON)
        best = ""
        for gap in gaps(query, tokens):
            written = await self._written(gap)
            text = gap.before + written + gap.after
            if not written.strip() or text.strip() == query.draft.text.strip():
                continue
            best = best or text
            verdicts = await asyncio.to_thread(checks.run, text)
            if not any(verdict.status is VerdictStatus.FAILED for verdict in verdicts):
                return text
        if not best:
            words = "the model knows no other text for this hole"
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, words)
        return best

    async def _written(self, gap: Gap) -> str:
        place = await self._look(gap.query)
        width = max(self._settings.width, REPAIR_WIDTH)
        parts = self._parts(gap.query, place, width, gap.refused)
        return "".join([piece.text async for pieces, _ in parts for piece in pieces])

    def _parts(
        self, query: Query, place: Place, width: int, refused: str = ""
    ) -> AsyncGenerator[Part]:
        # A text that is asked for anew is worth a few parses in every profile.
        parse = self._settings.parse or bool(refused)
        python = parse and query.language in {"", PYTHON}
        prompt, following = query.prompt[-PROMPT_WINDOW:], place.shape.following
        surroundings = Surroundings.of(prompt, following) if python else None
        return Fill(place.blend, place.shape, query, width, surroundings, refused).parts()

    async def _look(self, query: Query) -> Place:
        """Look at the text around the hole and learn from it."""
        prompt, suffix = query.prompt[-PROMPT_WINDOW:], query.suffix[:SUFFIX_WINDOW]
        shape = Shape.of(prompt, suffix)
        await asyncio.sleep(0)
        following = encode(shape.following, shape.indent)
        await asyncio.sleep(0)
        blend = Blend(self._model, self._settings.blend)
        blend.learn([following, shape.tokens])
        await asyncio.sleep(0)
        return Place(shape, blend, len(shape.tokens) + 1 + len(following))


async def _one(part: Part) -> AsyncGenerator[Part]:
    yield part


async def _given_out(parts: AsyncGenerator[Part], query: Query, read: int) -> Said:
    """Give the pieces out, up to a stop string, and the End."""
    stops = StopFilter(query.sampling.stop)
    written, finish = 0, FinishReason.STOP
    async with aclosing(parts):
        async for pieces, reason in parts:
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
    yield End(finish, Usage(read, written))

"""Keeps to the constraints of a request by trying again: several fills, the best one is given out.

An n-gram model cannot be steered while it writes, so this asks for the fill up to `ROUNDS` times,
each time warmer, and stops at the first one that passes every check that can run here. When none
does, the one that failed the fewest required checks goes out: the caller checks it again anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from gateway.core.constraint import VerdictStatus
from gateway.core.ports import Operation
from gateway.modelserver.checks import checks_of
from gateway.modelserver.engine import End, Engine, ModelCard, Piece, Query
from gateway.validation.checks import Checks

ROUNDS = 8
WARMER = 0.15
"""Added to the temperature with every round."""
HOTTEST = 1.5


class ConstrainedEngine:
    """Tries an engine until its fill meets the request's constraints."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def card(self) -> ModelCard:
        """What is told about the model."""
        return self._engine.card

    async def complete(self, query: Query) -> AsyncGenerator[Piece | End]:
        """Fill the hole; see `Engine`. Text comes only once a fill is chosen."""
        if not query.constraints or query.operation is Operation.CRITIQUE:
            async for said in self._engine.complete(query):
                yield said
            return
        checks = await asyncio.to_thread(checks_of, query, query.language)
        best: list[Piece | End] = []
        fewest: int | None = None
        for number in range(ROUNDS):
            said = [item async for item in self._engine.complete(_warmer(query, number))]
            text = "".join(item.text for item in said if isinstance(item, Piece))
            failed = await asyncio.to_thread(_failed, checks, text)
            if fewest is None or failed < fewest:
                best, fewest = said, failed
            if not failed:
                break
        for item in best:
            yield item


def _failed(checks: Checks, text: str) -> int:
    """How many checks failed, required ones counting more than all advisory ones."""
    weights = [
        len(checks.checks) + 1 if verdict.required else 1
        for verdict in checks.run(text)
        if verdict.status is VerdictStatus.FAILED
    ]
    return sum(weights)


def _warmer(query: Query, number: int) -> Query:
    """The query of a round: the first as asked for, each later one warmer and drawn anew."""
    if not number:
        return query
    sampling = query.sampling
    temperature = min(HOTTEST, (sampling.temperature or 0.0) + WARMER * number)
    seed = (sampling.seed or 0) + 7919 * number
    return replace(query, sampling=replace(sampling, temperature=temperature, seed=seed))

"""A model trained on a few lines, in milliseconds."""

from __future__ import annotations

from functools import cache

from gateway.core.hole import NO_SAMPLING, Sampling
from gateway.modelserver.engine import End, Engine, Piece, Query
from gateway.modelserver.model import Model, train
from gateway.modelserver.ngram import NgramEngine, NgramSettings

LINES = """
def read(path):
    with open(path) as file:
        data = file.read()
    return data


def write(path, data):
    with open(path, "w") as file:
        file.write(data)
    return None


def close(file):
    if file is None:
        return None
    file.close()
    return None
"""


@cache
def tiny_model(depth: int = 5) -> Model:
    return train([LINES] * 3, depth, 10_000)


def tiny_engine(width: int = 4, *, parse: bool = True) -> NgramEngine:
    return NgramEngine(tiny_model(), NgramSettings(width, parse), "tiny")


async def fill(
    engine: Engine, prompt: str, suffix: str = "", sampling: Sampling = NO_SAMPLING
) -> tuple[str, list[Piece], End | None]:
    """The text, the pieces and the end of a completion."""
    pieces: list[Piece] = []
    end: End | None = None
    async for said in engine.complete(Query(prompt, suffix, sampling)):
        if isinstance(said, End):
            end = said
        else:
            pieces.append(said)
    return "".join(piece.text for piece in pieces), pieces, end

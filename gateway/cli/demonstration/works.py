"""Three requests that a chain alone does not serve: constraints, a refinement, a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ensemble.v1.gateway_service_pb2 import (
    GenerateResponse,
    PipelineResult,
    RefineHole,
    RefineResult,
)
from ensemble.v1.hole_pb2 import Constraint, ForbiddenText, HoleSpec, RegexPattern, UnitTests
from ensemble_client import AsyncClient, ConstraintsFailed, RequestFields

from gateway.cli.demonstration.asking import MAX_TOKENS
from gateway.cli.demonstration.holes import Cut, CutHole

PIPELINE = "draft_critique_repair"
HOLES = 3
"""Holes of the source that is refined, each of which needs the one before it."""

ROUNDS = 4
"""Most rounds of critique and repair."""

BEFORE = """def count_lines(text):
    return len(text."""
AFTER = "())\n"
CANDIDATES = 8

REQUIRED = (
    Constraint(name="a-name", regex=RegexPattern(pattern="[a-z]+"), priority=2),
    Constraint(name="no-encode", forbidden_text=ForbiddenText(texts=["encode"]), priority=1),
    Constraint(
        name="counts",
        unit_tests=UnitTests(
            cases=['assert count_lines("a\\nb") == 2', 'assert count_lines("abc") == 1']
        ),
    ),
)
"""What the one constrained fill must meet: an expression, a forbidden text and two tests."""

DRAFT_BEFORE = """def words(text):
    return text."""
DRAFT_AFTER = "()\n"


@dataclass(frozen=True, slots=True)
class Constrained:
    """The answer to the constrained hole; None when every candidate was refused, and then why."""

    answer: GenerateResponse | None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Works:
    """What came of the three. `cut` are the holes that were refined."""

    constrained: Constrained
    cut: tuple[CutHole, ...]
    refined: RefineResult
    run: PipelineResult


class TooFewHolesError(Exception):
    """The library of this machine offers no module with enough holes."""


async def perform_works(client: AsyncClient, holes: Sequence[CutHole]) -> Works:
    """Ask for the three. Raises TooFewHolesError, and EnsembleError as the client does."""
    cut = in_one_module(holes)
    return Works(
        await _constrained(client), cut, await _refined(client, cut), await _drafted(client)
    )


def in_one_module(holes: Sequence[CutHole]) -> tuple[CutHole, ...]:
    """Take the first lines that one module has enough of, in the order of its text.

    Lines that begin a block are left out: whether a fill parses hangs on the block too.
    """
    by_module: dict[str, list[CutHole]] = {}
    for hole in holes:
        if hole.cut is Cut.LINE and not hole.original.rstrip().endswith(":"):
            by_module.setdefault(hole.module, []).append(hole)
            if len(by_module[hole.module]) == HOLES:
                return tuple(sorted(by_module[hole.module], key=lambda one: one.start))
    raise TooFewHolesError(f"no module of the library offers {HOLES} holes")


def with_markers(holes: Sequence[CutHole]) -> str:
    """The module with a marker in the place of each hole, which must not overlap."""
    source, end = "", 0
    whole = holes[0].source
    for number, hole in enumerate(holes, 1):
        source += f"{whole[end : hole.start]}<<hole{number}>>"
        end = hole.end
    return source + whole[end:]


async def _constrained(client: AsyncClient) -> Constrained:
    try:
        answer = await client.generate(
            BEFORE,
            suffix=AFTER,
            language="python",
            kind="expression",
            constraints=REQUIRED,
            max_tokens=MAX_TOKENS,
            strategy="best_of_n",
            n=CANDIDATES,
            return_candidates=True,
        )
    except ConstraintsFailed as error:
        return Constrained(None, error.message)
    return Constrained(answer)


async def _refined(client: AsyncClient, holes: Sequence[CutHole]) -> RefineResult:
    asked = [
        RefineHole(
            id=f"hole{number}",
            hole=HoleSpec(),
            depends_on=[f"hole{number - 1}"] if number > 1 else [],
        )
        for number, _ in enumerate(holes, 1)
    ]
    stream = client.refine(with_markers(holes), asked, language="python", max_tokens=MAX_TOKENS)
    return await stream.finish()


async def _drafted(client: AsyncClient) -> PipelineResult:
    """Forbid the word that comes first, so that the draft has something to be mended.

    The rule is advisory: the best text is shown however the repairs end.
    """
    fields: RequestFields = {
        "suffix": DRAFT_AFTER,
        "language": "python",
        "kind": "expression",
        "max_tokens": MAX_TOKENS,
        "temperature": 0.0,
        "seed": 0,
        # Only one endpoint has it: else the draft's own fallback would find another word.
        "required_capabilities": ["high_quality"],
    }
    first = await client.generate(DRAFT_BEFORE, **_without("\t", fields))
    stream = client.run_pipeline(
        PIPELINE,
        DRAFT_BEFORE,
        parameters={"max_rounds": ROUNDS},
        **_without(first.text or "\t", fields),
    )
    return await stream.finish()


def _without(word: str, fields: RequestFields) -> RequestFields:
    """Ask for a name without `word`: as many rules each time, so that it routes alike."""
    rules = [
        Constraint(name="another-word", forbidden_text=ForbiddenText(texts=[word]), advisory=True),
        Constraint(name="a-name", regex=RegexPattern(pattern="[a-z]+"), advisory=True),
    ]
    return {**fields, "constraints": rules}

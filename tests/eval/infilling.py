"""Recorded holes with their recorded fills through a real gateway: byte for byte, and tested."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from ensemble.v1.gateway_service_pb2 import GenerateRequest
from ensemble.v1.hole_pb2 import Constraint, UnitTests
from ensemble.v1.result_pb2 import VerdictStatus
from ensemble_client import AsyncClient, ConstraintsFailed

from tests.eval.holes import SETS, RecordedHole, recorded
from tests.eval.recorded import DATA
from tests.eval.serving import Recording, Replayed, gateway_over
from tests.eval.table import Row

PART = "infilling"
IN_FLIGHT = 8
PASSED = VerdictStatus.VERDICT_STATUS_PASSED


def recording(hole: RecordedHole, text: str) -> Recording:
    """Make one line of the replay server's file."""
    return {"prompt": hole.prompt, "suffix": hole.suffix, "completions": [{"text": text}]}


def request_of(hole: RecordedHole) -> GenerateRequest:
    """Ask for a fill that passes the task's official test."""
    tests = UnitTests(code=hole.test, entry_point=hole.entry_point)
    return GenerateRequest(
        prompt=hole.prompt,
        suffix=hole.suffix,
        hole={"language": "python"},
        constraints=[Constraint(name="tests", unit_tests=tests)],
    )


async def measure() -> list[Row]:
    """Send every hole twice: to a model that knows the fill, and to one that leaves it empty."""
    holes = list(recorded(DATA))
    servers = [Replayed("known", [recording(hole, hole.fill) for hole in holes])]
    async with gateway_over(servers, case_s=10.0) as client:
        filled = await _all(client, holes)
    servers = [Replayed("empty", [recording(hole, "") for hole in holes])]
    async with gateway_over(servers, case_s=10.0) as client:
        empty = await _all(client, holes)
    return rows(holes, filled, empty)


async def _all(client: AsyncClient, holes: Sequence[RecordedHole]) -> list[tuple[bool, bool, bool]]:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(hole: RecordedHole) -> tuple[bool, bool, bool]:
        async with gate:
            return await ask(client, hole)

    return list(await asyncio.gather(*(one(hole) for hole in holes)))


async def ask(client: AsyncClient, hole: RecordedHole) -> tuple[bool, bool, bool]:
    """Say whether the fill came back exact, its test passed, and it passed as not empty."""
    try:
        answer = await client.generate(request_of(hole))
        text, verdicts = answer.text, answer.verdicts
    except ConstraintsFailed as error:
        assert error.best_candidate is not None
        text, verdicts = error.best_candidate.text, error.best_candidate.verdicts
    status = {verdict.constraint: verdict.status for verdict in verdicts}
    return text == hole.fill, status["tests"] == PASSED, status["non_empty"] == PASSED


def rows(
    holes: Sequence[RecordedHole],
    filled: Sequence[tuple[bool, bool, bool]],
    empty: Sequence[tuple[bool, bool, bool]],
) -> list[Row]:
    """Make the table's rows: the share of exact, tested fills of each set."""
    sent = Counter(hole.kind for hole in holes)
    right = Counter(
        hole.kind
        for hole, (exact, passed, _) in zip(holes, filled, strict=True)
        if exact and passed
    )
    found = [
        Row(
            PART,
            f"{kind}: exact and passing",
            right[kind] / max(1, sent[kind]),
            least=1.0,
            note=f"{right[kind]} of {sent[kind]} holes"
            + (f", 1/{share} of the set" if share > 1 else ""),
        )
        for kind, share in SETS.items()
    ]
    blank = [hole for hole in holes if not hole.fill.strip()]
    visible = sum(visible for _, _, visible in empty)
    visible += sum(
        visible
        for hole, (_, _, visible) in zip(holes, filled, strict=True)
        if not hole.fill.strip()
    )
    found.append(
        Row(
            PART,
            "empty fills PASSED as non_empty",
            float(visible),
            most=0.0,
            note=f"of {len(empty) + len(blank)}; {len(blank)} reference fills are blank themselves",
        )
    )
    return found

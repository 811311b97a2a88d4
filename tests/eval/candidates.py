"""Best-of-N on recorded candidates, as a caller gets it: through sockets and the sandbox.

Generated tests choose. A single draw of each task is a matter of luck: `selection` judges the same
choice over many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from statistics import fmean

from ensemble.v1.gateway_service_pb2 import GenerateRequest, GenerateResponse, Strategy
from ensemble.v1.hole_pb2 import Constraint, UnitTests

from tests.eval.recorded import Sampled, sampled
from tests.eval.serving import Recording, Replayed, gateway_over
from tests.eval.table import Row, mean_row

PART = "best-of-n"
DRAWN, WHOLE = "drawn", "whole"
"""One server draws among the recorded candidates by seed, the other hands out all in turn."""

DRAWS = {5: 4, 10: 2, 100: 1}
"""How often each N is played for each task."""

BARS = {5: 0.30, 10: 0.31, 100: 0.33}
IN_FLIGHT = 2
CANDIDATES_AT_ONCE = 16
CASE_S, WALL_S = 0.5, 4.0


def recordings(tasks: Sequence[Sampled]) -> list[Recording]:
    """Make the replay file: every candidate as often as it was drawn."""
    return [
        {"prompt": task.prompt, "completions": [{"text": text} for text in task.candidates]}
        for task in tasks
    ]


def request_of(task: Sampled, n: int, draw: int, *, tested: bool) -> GenerateRequest:
    """Ask for the best of n; generated tests are advisory, because some of them are wrong.

    For a few tasks the model wrote no test at all: there the choice is one without tests.
    """
    tests = Constraint(name="generated", unit_tests=UnitTests(cases=task.cases), advisory=True)
    return GenerateRequest(
        prompt=task.prompt,
        hole={"language": "python"},
        strategy=Strategy.STRATEGY_BEST_OF_N,
        n=n,
        sampling={"seed": 1_000 * draw + n},
        constraints=[tests] if tested and task.cases else [],
        endpoint_filter={"required_tags": [WHOLE if n == len(task.candidates) else DRAWN]},
        return_candidates=True,
    )


class Played:
    """What came of one N: per task the share of draws whose choice is right, and the calls."""

    def __init__(self) -> None:
        self.right: dict[str, list[float]] = {}
        self.random: dict[str, list[float]] = {}
        self.calls: list[int] = []

    def add(self, task: Sampled, answer: GenerateResponse) -> None:
        """Take an answer in."""
        texts = [candidate.text for candidate in answer.candidates]
        self.right.setdefault(task.task_id, []).append(float(answer.text in task.passing))
        self.random.setdefault(task.task_id, []).append(
            fmean(float(text in task.passing) for text in texts)
        )
        self.calls.append(len(answer.attempts))

    def per_task(self, values: dict[str, list[float]]) -> list[float]:
        """Means of the tasks, in their order."""
        return [fmean(values[task]) for task in sorted(values)]


async def measure() -> list[Row]:
    """Play every task, every N, with generated tests; and N = 10 without them."""
    tasks = sampled()
    servers = [
        Replayed(DRAWN, recordings(tasks), ("--choose", "seed", "--latency", "none")),
        Replayed(WHOLE, recordings(tasks), ("--latency", "none")),
    ]
    played = {n: Played() for n in DRAWS}
    plain = Played()
    async with gateway_over(
        servers, in_flight=CANDIDATES_AT_ONCE, case_s=CASE_S, wall_s=WALL_S
    ) as client:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one(task: Sampled, n: int, draw: int, into: Played, tested: bool) -> None:
            async with gate:
                request = request_of(task, n, draw, tested=tested)
                into.add(task, await client.generate(request))

        for n, draws in DRAWS.items():
            await asyncio.gather(
                *(one(task, n, draw, played[n], True) for task in tasks for draw in range(draws))
            )
        await asyncio.gather(
            *(one(task, 10, draw, plain, False) for task in tasks for draw in range(4))
        )
    return rows(tasks, played, plain)


def rows(tasks: Sequence[Sampled], played: dict[int, Played], plain: Played) -> list[Row]:
    """Make the table's rows."""
    single = [
        fmean(float(text in task.passing) for text in task.candidates)
        for task in sorted(tasks, key=lambda task: task.task_id)
    ]
    found = [mean_row(PART, "one candidate at random", single, note="all 100 recorded")]
    for n, one in played.items():
        drawn = fmean(one.per_task(one.random))
        found.append(
            mean_row(
                PART,
                f"N={n} by generated tests",
                one.per_task(one.right),
                least=BARS[n],
                note=f"{fmean(one.calls):.1f} calls of {n}; one of them at random {drawn:.3f}",
            )
        )
    ten, hundred = (fmean(played[n].per_task(played[n].right)) for n in (10, 100))
    found.append(Row(PART, "N=100 over N=10", hundred - ten, least=0.0))
    found.append(
        mean_row(
            PART,
            "N=10 without tests",
            plain.per_task(plain.right),
            note=f"a random one of those drawn {fmean(plain.per_task(plain.random)):.3f}",
        )
    )
    return found

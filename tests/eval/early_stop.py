"""What stopping at the first verified candidate saves against waiting for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from statistics import fmean

from ensemble.v1.gateway_service_pb2 import GenerateRequest, Strategy
from ensemble.v1.result_pb2 import AttemptStatus
from ensemble_client import AsyncClient, ConstraintsFailed

from tests.eval.cascade import CHEAP, by_task, prompt_of, request_of
from tests.eval.recorded import Problem, RecordedRun, problems, runs
from tests.eval.serving import Replayed, gateway_over
from tests.eval.table import Row, mean_row

PART = "early-stop"
N = 10
AT_ONCE = (10, 3)
"""Candidates asked for at once: all of them, and three with one more as each ends."""

SCALE = 0.1
"""Recorded seconds become tenths: at a smaller scale the sandbox would seem slow beside a model."""

IN_FLIGHT = 2
ANSWERED = frozenset({AttemptStatus.ATTEMPT_STATUS_OK, AttemptStatus.ATTEMPT_STATUS_REJECTED})


def best_of(problem: Problem) -> GenerateRequest:
    """Ask for the best of all recorded runs, with the official tests as a hard constraint."""
    request = request_of(problem, 0, tested=True)
    request.strategy = Strategy.STRATEGY_BEST_OF_N
    request.n = N
    return request


async def ask(client: AsyncClient, problem: Problem) -> tuple[bool, int, float]:
    """Say whether a candidate passed, how many calls were not cancelled, and the seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        answer = await client.generate(best_of(problem))
        passed, attempts = True, list(answer.attempts)
    except ConstraintsFailed as error:
        passed, attempts = False, list(error.attempts)
    finished = sum(attempt.status in ANSWERED for attempt in attempts)
    return passed, finished, (loop.time() - began) / SCALE


async def measure() -> list[Row]:
    """Race the ten recorded runs of each task, in a tenth of the recorded time."""
    tasks = problems()
    recorded: dict[str, list[RecordedRun]] = {task: [] for task in sorted(tasks)}
    for run in runs(CHEAP):
        recorded[run.task_id].append(run)
    passing = [float(any(run.passed for run in of)) for of in recorded.values()]
    waiting = fmean(max(run.latency_s for run in of) for of in recorded.values())
    found = [
        mean_row(
            PART,
            "pass rate, wait for all",
            passing,
            note=f"any of {N} recorded runs; {N} calls, {waiting:.1f} s all at once",
        )
    ]
    for at_once in AT_ONCE:
        found += await _raced(tasks, recorded, at_once, fmean(passing))
    return found


async def _raced(
    tasks: Mapping[str, Problem],
    recorded: Mapping[str, list[RecordedRun]],
    at_once: int,
    own: float,
) -> list[Row]:
    recordings = [
        {
            "prompt": prompt_of(tasks[task]),
            "suffix": "",
            "completions": [{"text": one.code, "latency_s": one.latency_s} for one in found],
        }
        for task, found in recorded.items()
    ]
    servers = [Replayed(CHEAP, recordings, ("--latency", f"recorded*{SCALE}"))]
    async with gateway_over(servers, in_flight=at_once, case_s=10.0) as client:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one(task: str) -> tuple[bool, int, float]:
            async with gate:
                return await ask(client, tasks[task])

        found = await asyncio.gather(*(one(task) for task in recorded))
    passed = by_task([(task, float(one[0])) for task, one in zip(recorded, found, strict=True)])
    calls = fmean(calls for _, calls, _ in found)
    seconds = fmean(seconds for _, _, seconds in found)
    return [
        mean_row(
            PART,
            f"pass rate, early stop, {at_once} at once",
            passed,
            least=round(own - 0.005, 4),
            most=round(own + 0.005, 4),
            note=f"{calls:.2f} of {N} calls answered, {seconds:.1f} s",
        )
    ]

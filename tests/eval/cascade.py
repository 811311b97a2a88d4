"""A cheap model, then a strong one when the check says so: real recorded runs, real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ensemble.v1.gateway_service_pb2 import GenerateRequest
from ensemble.v1.hole_pb2 import Constraint, UnitTests
from ensemble.v1.result_pb2 import Attempt, AttemptStatus
from ensemble_client import AsyncClient, EnsembleError

from tests.eval.recorded import Problem, RecordedRun, problems, runs
from tests.eval.serving import Recording, Replayed, gateway_over
from tests.eval.table import Row, mean_row

PART = "cascade"
CHEAP, STRONG = "gpt-3.5-turbo", "gpt-4"
SCALE = 0.01
"""Recorded seconds become hundredths."""

IN_FLIGHT = 8
SKIPPED = AttemptStatus.ATTEMPT_STATUS_SKIPPED


@dataclass(frozen=True, slots=True)
class Played:
    """One task and run through the gateway.

    `right` is the recorded verdict about the text that came back (of the best one, when all were
    refused), `accepted` the gateway's; `calls` and `latency_s` are those of the models asked.
    """

    task_id: str
    right: bool
    accepted: bool
    calls: int
    latency_s: float


class Book:
    """The recorded runs by task, run and model."""

    def __init__(self) -> None:
        self.problems = problems()
        self.runs = {
            (run.task_id, run.run, run.model): run
            for model in (CHEAP, STRONG)
            for run in runs(model)
        }
        self.keys = sorted({(task, run) for task, run, _ in self.runs})

    def recordings(self, model: str) -> list[Recording]:
        """Make the replay file of a model: runs of a task differ in the blank lines at the end."""
        return [
            {
                "prompt": prompt_of(self.problems[task]),
                "suffix": "\n" * run,
                "completions": [
                    {
                        "text": self.runs[task, run, model].code,
                        "latency_s": self.runs[task, run, model].latency_s,
                    }
                ],
            }
            for task, run in self.keys
        ]

    def mean(self, model: str) -> tuple[list[float], float]:
        """Per task the share of right runs, and the mean latency over all."""
        of = [run for run in self.runs.values() if run.model == model]
        return by_task([(run.task_id, float(run.passed)) for run in of]), fmean(
            run.latency_s for run in of
        )

    def perfect(self) -> list[float]:
        """Per task what a verifier that errs never makes of the two models."""
        return by_task(
            [
                (
                    task,
                    float(
                        self.runs[task, run, CHEAP].passed or self.runs[task, run, STRONG].passed
                    ),
                )
                for task, run in self.keys
            ]
        )


def prompt_of(problem: Problem) -> str:
    """The code before the hole: the recorded completions define the whole function anew."""
    return f"{problem.prompt}\n"


def by_task(values: Sequence[tuple[str, float]]) -> list[float]:
    """Mean of the values of each task."""
    found: dict[str, list[float]] = {}
    for task, value in values:
        found.setdefault(task, []).append(value)
    return [fmean(found[task]) for task in sorted(found)]


def request_of(problem: Problem, run: int, *, tested: bool) -> GenerateRequest:
    """Ask for a function; `tested` makes the official unit tests a hard constraint."""
    tests = UnitTests(code=problem.test, entry_point=problem.entry_point)
    return GenerateRequest(
        prompt=prompt_of(problem),
        suffix="\n" * run,
        hole={"language": "python"},
        constraints=[Constraint(name="tests", unit_tests=tests)] if tested else [],
    )


async def play(client: AsyncClient, book: Book, task: str, run: int, *, tested: bool) -> Played:
    """Send one task and look up what is recorded about what came of it."""
    request = request_of(book.problems[task], run, tested=tested)
    try:
        answer = await client.generate(request)
        attempts, endpoint, accepted = list(answer.attempts), answer.endpoint, True
    except EnsembleError as error:
        if error.best_candidate is None:
            raise
        attempts, endpoint, accepted = list(error.attempts), error.best_candidate.endpoint, False
    called = [_run_of(book, task, run, attempt) for attempt in attempts if _made(attempt)]
    return Played(
        task,
        book.runs[task, run, endpoint].passed,
        accepted,
        len(called),
        sum(one.latency_s for one in called),
    )


def _made(attempt: Attempt) -> bool:
    return attempt.status != SKIPPED


def _run_of(book: Book, task: str, run: int, attempt: Attempt) -> RecordedRun:
    return book.runs[task, run, attempt.endpoint]


async def measure() -> list[Row]:
    """Run the cascade verified by unit tests, by the prompt's examples, and by parsing alone."""
    book = Book()
    tested = await _played(book, tested=True, examples=False)
    shown = await _played(book, tested=False, examples=True)
    parsed = await _played(book, tested=False, examples=False)
    return rows(book, tested, shown, parsed)


async def _played(book: Book, *, tested: bool, examples: bool) -> list[Played]:
    flags = ("--latency", f"recorded*{SCALE}")
    servers = [Replayed(model, book.recordings(model), flags) for model in (CHEAP, STRONG)]
    async with gateway_over(servers, case_s=10.0, examples=examples) as client:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one(task: str, run: int) -> Played:
            async with gate:
                return await play(client, book, task, run, tested=tested)

        return list(await asyncio.gather(*(one(*key) for key in book.keys)))


def rows(
    book: Book, tested: Sequence[Played], shown: Sequence[Played], parsed: Sequence[Played]
) -> list[Row]:
    """Make the table's rows."""
    cheap, cheap_s = book.mean(CHEAP)
    strong, strong_s = book.mean(STRONG)
    perfect = book.perfect()
    own = fmean(perfect)
    right = by_task([(one.task_id, float(one.right)) for one in tested])
    accepted = [one for one in tested if one.accepted]
    refused = [one for one in tested if not one.accepted]
    wrong = fmean(not one.right for one in accepted) if accepted else 0.0
    lost = fmean(one.right for one in refused) if refused else 0.0
    return [
        mean_row(PART, CHEAP, cheap, note=f"alone; {cheap_s:.2f} s"),
        mean_row(PART, STRONG, strong, note=f"alone; {strong_s:.2f} s"),
        mean_row(PART, "recomputed, perfect verifier", perfect, note="from the recorded verdicts"),
        mean_row(
            PART,
            "unit tests as verifier",
            right,
            least=round(own - 0.01, 4),
            most=round(own + 0.01, 4),
            note=f"{fmean(one.calls for one in tested):.3f} calls",
        ),
        Row(
            PART,
            "mean latency, recorded s",
            fmean(one.latency_s for one in tested),
            most=round(strong_s, 4),
            note=f"the bar is {STRONG} alone",
        ),
        Row(PART, "accepted but wrong", wrong, note=f"of {len(accepted)} accepted"),
        Row(PART, "refused but right", lost, note=f"of {len(refused)} refused"),
        _contrast("the prompt's examples as verifier", shown),
        _contrast("accept if it parses", parsed),
    ]


def _contrast(what: str, played: Sequence[Played]) -> Row:
    calls, seconds = fmean(one.calls for one in played), fmean(one.latency_s for one in played)
    right = by_task([(one.task_id, float(one.right)) for one in played])
    return mean_row(PART, what, right, note=f"{calls:.3f} calls, {seconds:.2f} s; for contrast")

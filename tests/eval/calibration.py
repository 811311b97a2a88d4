"""Whether a confidence of .7 is right seven times of ten, on recorded outcomes of real models.

The weights of `gateway.ensemble.judge` are fitted on the tasks with an even number and judged here
on those with an odd one. Every outcome is scored by the product's own scorer; the examples in the
prompts are run in the product's own sandbox.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gateway.core.candidate import Candidate
from gateway.core.constraint import UnitTests
from gateway.core.running import Executor
from gateway.ensemble.choose import rate
from gateway.ensemble.judge import SCORERS, Line, Score, score
from gateway.validation.examples import example_cases
from gateway.validation.programs import compile_tests
from tests.eval.recorded import problems, rows
from tests.eval.selection import (
    DEFAULT,
    draws_of,
    in_order,
    judged,
    number_of,
    sampled_tasks,
    untested,
)

RUNS = "humaneval_runs_3models_x10.jsonl.gz"
RECORDINGS = "humaneval_94recordings.jsonl.gz"
STRONG, WEAK, MANY = "three instruct models", "codegen-16B", "94 recordings"
N, DRAWS = 10, 20
"""Candidates of the weak model among which agreement is counted, and how often they are drawn."""

BINS = 10
RUN_S = 600.0

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A recorded candidate, how many others behave like it, and whether it is right."""

    data: str
    task: int
    candidate: Candidate
    right: bool
    share: float | None = None

    def scored(self) -> Score:
        """Score it as the gateway does."""
        return DEFAULT(self.candidate, self.share)


@dataclass(frozen=True, slots=True)
class Bin:
    """Outcomes of a tenth of the scale: how many, their mean confidence, the share right."""

    low: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidences are from what came out, on the odd-numbered tasks.

    `ece`: the expected calibration error over ten bins of equal width; `brier`: the mean squared
    error. `ece_own_prior` is the ECE when the prior is moved to what fits the even-numbered tasks
    of the same data, so that it tells about the weights alone.
    """

    data: str
    method: str
    count: int
    right: float
    confidence: float
    ece: float
    brier: float
    ece_own_prior: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights that fit the even-numbered tasks best; see `gateway.ensemble.judge`."""

    prior: float
    parses: float
    tests: Line
    agreement: Line


async def outcomes(executor: Executor) -> list[Outcome]:
    """Read every recorded outcome, as each method of scoring sees it.

    The executor must let some 1,100 programs wait; those that it does not run have no behaviour.
    """
    return [*_many(), *_weak(), *await _strong(executor)]


def _many() -> Iterable[Outcome]:
    for row in rows(RECORDINGS):
        candidate = judged((), parses=row["verdict"] != "S")
        yield Outcome(MANY, number_of(row["task_id"]), candidate, row["passed"])


def _weak() -> Iterable[Outcome]:
    for task in sampled_tasks():
        for drawn in draws_of(task, N, DRAWS):
            right = [one.right for one in drawn]
            yield from _each_way(WEAK, task.number, in_order(drawn), right)


async def _strong(executor: Executor) -> list[Outcome]:
    """Count agreement among the ten runs of a model, as when one endpoint is asked ten times."""
    prompts = {name: problem.prompt for name, problem in problems().items()}
    runs = sorted(rows(RUNS), key=_of_one_race)
    passed = await asyncio.gather(
        *(_examples(executor, row["code"], prompts[row["task_id"]]) for row in runs)
    )
    found: list[Outcome] = []
    races = groupby(zip(runs, passed, strict=True), key=lambda pair: _of_one_race(pair[0]))
    for (task, _), race in races:
        pairs = list(race)
        candidates = [
            replace(judged(cases, parses=row["verdict"] != "S", name="hole.examples"), index=index)
            for index, (row, cases) in enumerate(pairs)
        ]
        right = [row["passed"] for row, _ in pairs]
        found += _each_way(STRONG, number_of(task), candidates, right)
    return found


def _of_one_race(row: dict[str, str]) -> tuple[str, str]:
    return row["task_id"], row["model"]


async def _examples(executor: Executor, code: str, prompt: str) -> tuple[bool, ...]:
    """Run the examples of a prompt on a recorded program."""
    cases = example_cases(prompt)
    if not cases:
        return ()
    check = compile_tests(UnitTests(cases=cases), "", "", "python", executor)
    return (await check.find(code, RUN_S)).behaviour


def _each_way(
    data: str, task: int, candidates: Sequence[Candidate], right: Sequence[bool]
) -> Iterable[Outcome]:
    """Tell of candidates as they look without tests, with them, and beside each other."""
    shares = _shares(candidates)
    for candidate, share, is_right in zip(candidates, shares, right, strict=True):
        yield Outcome(data, task, untested(candidate), is_right)
        if candidate.behaviour:
            yield Outcome(data, task, candidate, is_right)
        if share is not None:
            yield Outcome(data, task, candidate, is_right, share)


def _shares(candidates: Sequence[Candidate]) -> list[float | None]:
    """Learn from the choice itself with how many of the others each agrees."""
    shares: list[float | None] = []

    def noted(candidate: Candidate, share: float | None) -> Score:
        shares.append(share)
        return SCORERS["default"](candidate, share)

    rate(candidates, noted)
    return shares or [None] * len(candidates)


def calibrations(found: Sequence[Outcome]) -> list[Calibration]:
    """Compare confidences with what came out, for each data set and method."""
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in found:
        groups[one.data, one.scored().method].append(one)
    return [_calibration(data, method, group) for (data, method), group in groups.items()]


def _calibration(data: str, method: str, group: Sequence[Outcome]) -> Calibration:
    even, odd = ([one for one in group if one.task % 2 == rest] for rest in (0, 1))
    confidence, right = _values(odd)
    fit_confidence, fit_right = _values(even)
    offset = _logit(fit_confidence)
    (moved,) = _fit(np.ones((len(even), 1)), offset, fit_right, np.ones(len(even)))
    bins = reliability(confidence, right)
    own = reliability(_logistic(_logit(confidence) + moved), right)
    return Calibration(
        data,
        method,
        len(odd),
        float(right.mean()),
        float(confidence.mean()),
        expected_error(bins),
        float(((confidence - right) ** 2).mean()),
        expected_error(own),
        bins,
    )


def reliability(confidence: Vector, right: Vector) -> tuple[Bin, ...]:
    """Sort outcomes into ten bins of equal width; empty ones are left out."""
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(
            place / BINS,
            int(inside.sum()),
            float(confidence[inside].mean()),
            float(right[inside].mean()),
        )
        for place in range(BINS)
        if (inside := places == place).any()
    )


def expected_error(bins: Sequence[Bin]) -> float:
    """Return the mean distance between confidence and share right, weighted by count."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.confidence - one.right) for one in bins) / total


def fitted(found: Sequence[Outcome]) -> Fitted:
    """Fit the weights on the even-numbered tasks, both models counting alike.

    `tests` is fitted on candidates by themselves, with all other weights as they are, and
    `agreement` on what is left over beside it: most candidates are scored without others.
    """
    even = [one for one in found if one.task % 2 == 0]
    plain = [one for one in even if not one.candidate.behaviour and one.share is None]
    strong = [one.right for one in plain if one.data == STRONG]
    alone = [one for one in even if one.candidate.behaviour and one.share is None]
    beside = [one for one in even if one.candidate.behaviour and one.share is not None]
    tests = _line(alone, _without_tests, _share_of_cases)
    agreement = _line(
        beside, lambda one: DEFAULT(one.candidate, None).value, lambda one: (one.share or 0.0, 1.0)
    )
    return Fitted(float(_logit(np.array([np.mean(strong)]))[0]), _parses(plain), tests, agreement)


def _without_tests(one: Outcome) -> float:
    return score(one.candidate.completion, one.candidate.verdicts).value


def _share_of_cases(one: Outcome) -> tuple[float, float]:
    cases = len(one.candidate.behaviour)
    return sum(one.candidate.behaviour) / (cases + 1), cases / (cases + 1)


def _line(
    group: Sequence[Outcome],
    known: Callable[[Outcome], float],
    signal: Callable[[Outcome], tuple[float, float]],
) -> Line:
    """Fit slope x (share - even) beside what is `known`; a signal is (share, weight of even)."""
    shares = np.array([signal(one) for one in group])
    offset = _logit(np.array([known(one) for one in group]))
    right = np.array([one.right for one in group], dtype=float)
    sizes = {data: sum(one.data == data for one in group) for data in (STRONG, WEAK)}
    weights = np.array([1 / sizes[one.data] for one in group])
    slope, against = _fit(shares * [1.0, -1.0], offset, right, weights)
    return Line(float(slope), float(against / slope))


def _parses(plain: Sequence[Outcome]) -> float:
    """Return the log-odds that parsing adds: right texts all parse, of the wrong ones so many."""
    logs: list[float] = []
    for data in (STRONG, WEAK, MANY):
        wrong = [one for one in plain if one.data == data and not one.right]
        parsing = sum(all(v.status == "passed" for v in one.candidate.verdicts) for one in wrong)
        logs.append(-float(np.log(parsing / len(wrong))))
    return sum(logs) / len(logs)


def _fit(signals: Vector, offset: Vector, right: Vector, weights: Vector) -> Vector:
    """Fit a logistic regression beside fixed log-odds, by Newton's method."""
    found = np.zeros(signals.shape[1])
    for _ in range(50):
        expected = _logistic(signals @ found + offset)
        slope = signals.T @ (weights * (expected - right))
        bend = (signals * (weights * expected * (1 - expected))[:, None]).T @ signals
        step = np.linalg.solve(bend, slope)
        found -= step
        if np.abs(step).max() < 1e-9:
            break
    return found


def _values(group: Sequence[Outcome]) -> tuple[Vector, Vector]:
    confidence = np.array([one.scored().value for one in group])
    return confidence, np.array([one.right for one in group], dtype=float)


def _logit(values: Vector) -> Vector:
    return np.log(values / (1 - values))


def _logistic(values: Vector) -> Vector:
    return 1 / (1 + np.exp(-values))

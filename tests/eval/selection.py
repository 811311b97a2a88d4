"""The choice among candidates, replayed on recorded ones: how often the chosen one is right.

The data are 100 samples of one weak model for each task, with what each passes of the 60 tests
that the model itself wrote most often. What is right is what the official tests say. Everything
that chooses is the product's own; nothing is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean
from typing import Any

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.ensemble.choose import decided, rate
from gateway.ensemble.judge import SCORERS, _rank, best
from tests.eval.recorded import rows
from tests.eval.table import interval

SAMPLES = "codet_codegen16b_x100.jsonl.gz"
DRAWS = {5: 200, 10: 100, 100: 1}
"""How often each number of candidates is drawn for a task. With 20 and 10 the luck of the draw
alone moves the shares by .008 and .01 (one standard deviation); all 100 are the same each time."""

RACES = {5: 40, 10: 20, 100: 2}
"""How often each number is raced for the margin."""

MARGINS = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.0)
SEED = 2026
BUILT_IN = (Verdict("non_empty", VerdictStatus.PASSED), Verdict("syntax", VerdictStatus.PASSED))
BROKEN = (BUILT_IN[0], Verdict("syntax", VerdictStatus.FAILED))
GENERATED = "generated"
DEFAULT = SCORERS["default"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A recorded candidate as the ensemble judges it, and whether it is right."""

    candidate: Candidate
    right: bool


@dataclass(frozen=True, slots=True)
class SampledTask:
    """A task with its samples, repeated as often as they were drawn."""

    number: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """The share of right ones among those that a selector chose of `n`, and its 95% interval."""

    selector: str
    n: int
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Saved:
    """The mean calls of `n` that are made at a margin, and the share of right choices."""

    n: int
    margin: float
    calls: float
    right: float
    low: float
    high: float


def sampled_tasks() -> list[SampledTask]:
    """Read the tasks with their samples."""
    return [
        SampledTask(
            number_of(row["task_id"]),
            tuple(
                sample
                for entry in row["candidates"]
                for sample in [_sample(entry, len(row["generated_tests"]))] * entry["count"]
            ),
        )
        for row in rows(SAMPLES)
    ]


def number_of(task_id: str) -> int:
    """Tell the number of a task of HumanEval."""
    return int(task_id.rpartition("/")[2])


def judged(
    passed: Sequence[bool], *, parses: bool = True, name: str = GENERATED, text: str = ""
) -> Candidate:
    """Build a candidate with the verdicts and the behaviour that the gateway would find."""
    verdicts, behaviour = BUILT_IN if parses else BROKEN, tuple(passed)
    if not parses:
        behaviour = ()
    elif behaviour:
        status = VerdictStatus.PASSED if all(behaviour) else VerdictStatus.FAILED
        verdicts = (*verdicts, Verdict(name, status))
    return scored(Candidate(0, "recorded", Completion(text), verdicts, behaviour=behaviour))


def scored(candidate: Candidate) -> Candidate:
    """Rate a candidate by itself, as the gateway does when it comes."""
    found = DEFAULT(candidate, None)
    return candidate.rated(found.value, found.method)


def untested(candidate: Candidate) -> Candidate:
    """Forget the test cases."""
    return scored(replace(candidate, verdicts=candidate.verdicts[:2], behaviour=()))


def _sample(entry: Mapping[str, Any], tests: int) -> Sample:
    # No bits are recorded of a program that did not even load.
    bits = entry["tests_passed"] or "0" * tests
    passed = [bit == "1" for bit in bits]
    return Sample(judged(passed, parses=entry["error"] != "S"), entry["passed"])


def draws_of(task: SampledTask, n: int, draws: int, seed: int = SEED) -> Iterator[list[Sample]]:
    """Draw `n` samples without replacement, `draws` times, always the same ones."""
    random = Random(f"{seed} {task.number} {n}")
    for _ in range(draws):
        yield random.sample(task.samples, n)


def in_order(drawn: Sequence[Sample]) -> list[Candidate]:
    """Number the candidates as they came."""
    return [replace(one.candidate, index=index) for index, one in enumerate(drawn)]


def _random(drawn: Sequence[Sample]) -> float:
    return sum(one.right for one in drawn) / len(drawn)


def _most_tests(drawn: Sequence[Sample]) -> float:
    return max(drawn, key=lambda one: sum(one.candidate.behaviour)).right


def _agreement_and_tests(drawn: Sequence[Sample]) -> float:
    return _chosen(rate(in_order(drawn), DEFAULT), drawn)


def _without_tests(drawn: Sequence[Sample]) -> float:
    return _chosen(rate([untested(one) for one in in_order(drawn)], DEFAULT), drawn)


def _chosen(candidates: Sequence[Candidate], drawn: Sequence[Sample]) -> float:
    """Return the share right of the chosen one and those that only their place tells from it.

    The order of recorded samples is chance; counting the mean of equals takes it out.
    """
    *standing, _ = _rank(best(candidates))
    equals = [one.index for one in candidates if [*_rank(one)][:-1] == standing]
    return sum(drawn[index].right for index in equals) / len(equals)


def _oracle(drawn: Sequence[Sample]) -> float:
    return any(one.right for one in drawn)


SELECTORS: Mapping[str, Callable[[Sequence[Sample]], float]] = {
    "random": _random,
    "most tests passed": _most_tests,
    "agreement x tests": _agreement_and_tests,
    "without tests": _without_tests,
    "oracle": _oracle,
}
"""Random counts the mean of those drawn, which is what choosing at random comes to."""


def selection(
    tasks: Sequence[SampledTask], draws: Mapping[int, int] = DRAWS, seed: int = SEED
) -> list[Selected]:
    """Let every selector choose among the same draws."""
    found: list[Selected] = []
    for n, times in draws.items():
        drawn = [list(draws_of(task, n, times, seed)) for task in tasks]
        for name, select in SELECTORS.items():
            shares = [sum(map(select, each)) / times for each in drawn]
            found.append(Selected(name, n, fmean(shares), *interval(shares)))
    return found


def savings(
    tasks: Sequence[SampledTask],
    n: int,
    *,
    in_flight: int = 4,
    margins: Sequence[float] = MARGINS,
    seed: int = SEED,
) -> list[Saved]:
    """Let candidates come one by one and stop when the choice is decided, at each margin."""
    drawn = [list(draws_of(task, n, RACES[n], seed)) for task in tasks]
    found: list[Saved] = []
    for margin in margins:
        calls, shares = 0, []
        for each in drawn:
            ended = [_race(one, margin, in_flight) for one in each]
            calls += sum(made for made, _ in ended)
            shares.append(sum(right for _, right in ended) / len(ended))
        found.append(
            Saved(n, margin, calls / (len(drawn) * RACES[n]), fmean(shares), *interval(shares))
        )
    return found


def _race(drawn: Sequence[Sample], margin: float, in_flight: int) -> tuple[int, bool]:
    """Return the calls made when the race was over, and whether the chosen one is right."""
    candidates = in_order(drawn)
    n = len(candidates)
    came = next((came for came in range(1, n) if decided(candidates[:came], n - came, margin)), n)
    chosen = best(rate(candidates[:came], DEFAULT))
    return min(n, came - 1 + in_flight), drawn[chosen.index].right

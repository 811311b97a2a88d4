"""What the learned numbers are worth on recorded outcomes, without sockets.

`python -m tests.eval.learner` prints the table. No prompt is in training and in test at once, and
the settings are the defaults, the same for all data. APGR is the integral of the performance gap
recovered over all numbers of calls of the stronger model, by trapezoids; ties are broken by a
seeded random order.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.experience import Experience, Observation
from gateway.learning.experience import learn
from gateway.learning.head import train_head
from gateway.routing.gain import Estimate, estimate
from gateway.routing.matchers.head import LAYER as HEAD
from gateway.routing.matchers.knn import LAYER as KNN
from tests.eval.calibration import expected_error, reliability
from tests.eval.recorded import DATA
from tests.eval.routed import (
    SEED,
    Mask,
    Recorded,
    Vector,
    domain_splits,
    features_of,
    folds,
    livecodebench,
    mmlu,
    nine,
    task_splits,
)
from tests.eval.table import Row, keep, mean_row, show

PART = "learner"
DRAWS = 500
"""Of the bootstrap."""

STORED, CALLS, ROUNDS = 10_000, 1_000, 3
"""Observations, timed calls, and how often they are repeated: the round with the least counts."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions for the rows of a test set, and the best single endpoint of its training set."""

    test: Mask
    estimates: tuple[Estimate, ...]
    best: int

    @property
    def quality(self) -> Vector:
        """Predicted quality [rows, endpoints]."""
        return np.array([[quality for _, quality in one.quality] for one in self.estimates])

    def chosen(self, scores: Vector) -> Vector:
        """Score of the endpoint with the highest prediction, by row."""
        quality = self.quality
        return scores[self.test][np.arange(len(quality)), quality.argmax(axis=1)]

    def single(self, scores: Vector) -> Vector:
        """Score of the best single endpoint, by row."""
        return scores[self.test][:, self.best]


Teach = Callable[[Recorded, Mask], list[Observation]]


def predict(data: Recorded, tests: Iterable[Mask], teach: Teach) -> list[Predicted]:
    """Learn from all but each test set, and predict it."""
    found: list[Predicted] = []
    for test in tests:
        observations = teach(data, ~test)
        experience = learn(observations, head=train_head(observations), version=1)
        estimates = tuple(
            estimate(experience, data.features[row], data.endpoints)
            for row in np.flatnonzero(test).tolist()
        )
        found.append(Predicted(test, estimates, best_single(experience, data.endpoints)))
    return found


def best_single(experience: Experience, endpoints: Sequence[str]) -> int:
    """Say which endpoint had the highest mean in training."""
    means = dict(zip(experience.endpoints, experience.means.tolist(), strict=True))
    return max(range(len(endpoints)), key=lambda place: means[endpoints[place]])


def recovered(rank: Vector, scores: Vector) -> Vector:
    """Return the performance gap recovered after 0, 1, ... n calls of the stronger model."""
    ties = np.random.default_rng(SEED).random(len(rank))
    gains = (scores[:, 0] - scores[:, 1])[np.lexsort((ties, -rank))]
    return np.append(0.0, gains.cumsum()) / gains.sum()


def apgr(rank: Vector, scores: Vector) -> float:
    """Integrate it over the share of calls."""
    return float(np.trapezoid(recovered(rank, scores), dx=1.0 / len(rank)))


def cpt50(rank: Vector, scores: Vector) -> float:
    """Return the smallest share of calls that recovers half the gap."""
    return float(np.argmax(recovered(rank, scores) >= 0.5)) / len(rank)


def redrawn(measure: Callable[[Sequence[NDArray[np.intp]]], float], sizes: Sequence[int]) -> Vector:
    """Bound a number over one or several sets of rows: 2.5% and 97.5% of redrawn ones."""
    rng = np.random.default_rng(SEED)
    found = [measure([rng.integers(size, size=size) for size in sizes]) for _ in range(DRAWS)]
    return np.quantile(found, (0.025, 0.975))


def bounded(
    what: str,
    sets: Sequence[tuple[Vector, ...]],
    measure: Callable[..., float],
    *,
    least: float | None = None,
    most: float | None = None,
    note: str = "",
) -> Row:
    """Make the row of the mean, over sets of rows, of what is measured of the arrays of each."""

    def over(drawn: Sequence[NDArray[np.intp]]) -> float:
        return float(
            np.mean(
                [
                    measure(*(array[at] for array in one))
                    for one, at in zip(sets, drawn, strict=True)
                ]
            )
        )

    sizes = [len(one[0]) for one in sets]
    low, high = redrawn(over, sizes)
    value = over([np.arange(size) for size in sizes])
    return Row(PART, what, value, float(low), float(high), least, most, note)


def gain_of(predicted: Sequence[Predicted], data: Recorded) -> Vector:
    """Gather the predicted gains of all rows."""
    gains = np.zeros(len(data.scores))
    for one in predicted:
        quality = one.quality
        gains[one.test] = quality[:, 0] - quality[:, 1]
    return gains


def calibration_row(what: str, layer: str, predicted: Sequence[Predicted], data: Recorded) -> Row:
    """Say how far a layer's confidence is from how often its choice does as well as any other."""
    confidence: list[float] = []
    hits: list[float] = []
    for one in predicted:
        for found, scores in zip(one.estimates, data.scores[one.test], strict=True):
            said = next(each for each in found.layers if each.layer == layer)
            chosen = max(range(len(scores)), key=lambda place, of=said: of.quality[place][1])
            confidence.append(said.confidence)
            hits.append(float(scores[chosen] >= scores.max()))
    bins = reliability(np.array(confidence), np.array(hits))
    note = f"ECE; mean confidence {np.mean(confidence):.3f}, right {np.mean(hits):.3f}"
    return Row(PART, f"{what}: confidence of {layer}", expected_error(bins), note=note)


def lengths(data: Recorded) -> Vector:
    """Return the length of each prompt."""
    return np.array([one.length for one in data.features], float)


def pair_rows() -> list[Row]:
    """Judge the gain of a strong over a weak model."""
    data = mmlu()
    found: list[Row] = []
    for name, teach in (("", Recorded.observations), (", one outcome each", Recorded.singles)):
        predicted = predict(data, folds(data), teach)
        ranks = (gain_of(predicted, data), data.scores)
        barred = not name
        if barred:
            found += [calibration_row("MMLU pair", layer, predicted, data) for layer in (KNN, HEAD)]
        found += [
            bounded(f"MMLU pair: APGR{name}", [ranks], apgr, least=0.65 if barred else None),
            bounded(f"MMLU pair: CPT50{name}", [ranks], cpt50, most=0.30 if barred else None),
        ]
    length = lengths(data)
    found.append(bounded("MMLU pair: APGR of length alone", [(length, data.scores)], apgr))
    apart = [
        (one.quality[:, 0] - one.quality[:, 1], length[one.test], data.scores[one.test])
        for one in predict(data, domain_splits(data), Recorded.observations)
    ]
    note = f"mean of {len(apart)} splits"
    learned_apgr = [(gain, scores) for gain, _, scores in apart]
    by_length = [(size, scores) for _, size, scores in apart]
    return [
        *found,
        bounded("11 domains left out: APGR", learned_apgr, apgr, note=note),
        bounded("11 domains left out: APGR of length", by_length, apgr, note=note),
        bounded(
            "11 domains left out: APGR minus that of length",
            apart,
            lead,
            least=-0.01,
            note=note,
        ),
    ]


def lead(gain: Vector, length: Vector, scores: Vector) -> float:
    """Return by how much the APGR of a predicted gain exceeds that of the length."""
    return apgr(gain, scores) - apgr(length, scores)


def nine_rows(*, named: bool) -> list[Row]:
    """Judge the choice among nine models."""
    data = nine(named=named)
    way = "task named" if named else "task not named"
    found: list[Row] = []
    for name, teach in (("", Recorded.observations), (", one outcome each", Recorded.singles)):
        predicted = predict(data, folds(data), teach)
        chosen = np.concatenate([one.chosen(data.scores) for one in predicted])
        single = np.concatenate([one.single(data.scores) for one in predicted])
        least = None if name else 0.64 if named else 0.625
        note = f"best single {single.mean():.3f}"
        found.append(
            mean_row(PART, f"nine models, {way}{name}", chosen.tolist(), least=least, note=note)
        )
        if not name:
            found += [
                calibration_row(f"nine models, {way}", layer, predicted, data)
                for layer in (KNN, HEAD)
            ]
    apart = predict(data, task_splits(data), Recorded.observations)
    lost = {
        str(data.groups[one.test][0]): one.chosen(data.scores) - one.single(data.scores)
        for one in apart
    }
    worst = min(lost, key=lambda task: float(lost[task].mean()))
    found += [
        calibration_row(f"one task left out, {way}", layer, apart, data) for layer in (KNN, HEAD)
    ]
    hindsight = min(
        float(one.chosen(data.scores).mean() - data.scores[one.test].mean(axis=0).max())
        for one in apart
    )
    note = f"{worst}; beside the best in hindsight, worst {hindsight:+.3f}"
    what = f"one task left out, {way}: worst loss on the best single"
    found.append(mean_row(PART, what, lost[worst].tolist(), least=-0.01, note=note))
    return found


def cheaper_rows() -> list[Row]:
    """Judge whether it learns that the cheaper model is the better one."""
    data = livecodebench()
    chosen = np.concatenate(
        [one.chosen(data.scores) for one in predict(data, folds(data), Recorded.observations)]
    )
    better = float(data.scores.mean(axis=0).max())
    note = f"better single {better:.3f}"
    return [mean_row(PART, "LiveCodeBench pair", chosen.tolist(), least=better - 0.005, note=note)]


def timed(call: Callable[[int], object], times: int) -> Vector:
    """Return the milliseconds of this thread's CPU in each of several calls.

    So other work on the machine does not count.
    """
    found: list[float] = []
    for number in range(times):
        began = time.thread_time()
        call(number)
        found.append(1e3 * (time.thread_time() - began))
    return np.array(found)


def time_rows() -> list[Row]:
    """Time a decision's share of the learner: features of a long prompt, and all layers."""
    texts = [prompt[:1_500].ljust(1_500) for prompt in livecodebench().prompts]
    known = (*mmlu().features, *nine(named=True).features, *livecodebench().features)[-STORED:]
    rng = np.random.default_rng(SEED)
    found: list[Row] = []
    for count in (2, 9):
        names = tuple(f"endpoint-{number}" for number in range(count))
        outcomes = rng.integers(2, size=(len(known), count)).astype(float)
        observations = [
            Observation(one, tuple(zip(names, scores, strict=True)))
            for one, scores in zip(known, outcomes.tolist(), strict=True)
        ]
        head = train_head(observations)
        experience = learn(observations, head=head, version=1)
        learning = timed(lambda _, all_of=observations: learn(all_of, version=1), 5)
        rounds = [
            timed(
                lambda number, of=experience, to=names: estimate(
                    of, features_of(texts[number % len(texts)]), to
                ),
                CALLS,
            )
            for _ in range(ROUNDS)
        ]
        median, most = np.quantile(rounds, (0.5, 0.99), axis=1).min(axis=1).tolist()
        what = f"{count} endpoints, {len(known):,} observations: CPU ms"
        found += [
            Row(PART, f"{what} of a decision, median", median, most=2.0),
            Row(PART, f"{what} of a decision, p99", most, most=5.0),
            Row(PART, f"{what} of learning", float(np.median(learning)), most=1_000.0),
        ]
    return found


def measure() -> list[Row]:
    """Measure everything."""
    return [
        *pair_rows(),
        *nine_rows(named=True),
        *nine_rows(named=False),
        *cheaper_rows(),
        *time_rows(),
    ]


def main() -> int:
    """Print the table; return 0 when no bar was missed."""
    if not (DATA.parent / "routing").is_dir():
        print(f"learner skipped: no recorded data in {DATA.parent} (set ENSEMBLE_DATA)")
        return 0
    found = measure()
    keep(PART, found)
    show(found)
    return 1 if any(row.missed for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())

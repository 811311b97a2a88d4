"""Whether an arm of an experiment does harm, by a test that may be looked at after every outcome.

For each value that the control arm's mean may have, the outcomes of both arms are bet against "the
treatment is not worse than that by more than the margin". A stake c turns an outcome y that has a
mean of at most m into the factor 1 - c + c y / m, of mean at most 1; the product over outcomes is a
test supermartingale, and so are its mean over several stakes and the product of both arms'. The
least of these over all values is an e-value: without harm it ever reaches 1 / alpha with a
probability of at most alpha (Ville's inequality). See Waudby-Smith and Ramdas, Estimating means of
bounded random variables by betting, J. R. Stat. Soc. B 86 (2024), and Howard et al., Time-uniform,
nonparametric, nonasymptotic confidence sequences, Ann. Stat. 49 (2021).

The factors of different outcomes multiply in any order, so late outcomes are added when they come.
The guarantee needs that when an outcome becomes known does not depend on how good it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gateway.core.experiments import Arm, Experiment
from gateway.core.feedback import Reviewed, RoutingEvent
from gateway.core.value import value
from gateway.learning.rewards import is_possible, known_quality

CELLS = 100
"""The control arm's mean is told apart in as many steps; a step is 0.01."""

STAKES = (0.4, 0.2, 0.1, 0.05, 0.025)
"""Stakes that are bet at once: large ones find large harm soon, small ones small harm at all."""

LARGEST_LOG = 700.0
"""E-values are cut at e to this power, below the largest float."""

KEPT_BETS = 256
"""Outcomes whose factors are kept: most are 0, 1 or one of a few shares of tests."""

_STAKES = np.array(STAKES)
_EDGES = np.arange(CELLS + 1) / CELLS

Wealth = NDArray[np.float64]
"""Logarithm of the wealth for each cell of the control's mean and each stake: (CELLS, stakes)."""


class Verdict(StrEnum):
    """What to do with an arm."""

    CONTINUE = "continue"
    STOP_HARM = "stop_harm"


@dataclass(frozen=True, slots=True, eq=False)
class ArmCount:
    """What is known of one arm.

    `labelled` of its `exposures` have a known quality; `quality` is the sum of these and `failures`
    the number of those that are 0: the answer did not compile, passed no test, was refused or
    reverted. Of the `shadowed` decisions for which it only said what it would have chosen, it
    `agreed` with the choice made in so many.
    """

    exposures: int
    labelled: int
    quality: float
    failures: int
    shadowed: int
    agreed: int
    quality_wealth: Wealth
    failure_wealth: Wealth

    @property
    def mean_quality(self) -> float | None:
        """Mean quality of the known outcomes, None while there are none."""
        return self.quality / self.labelled if self.labelled else None


@value
class ArmVerdict:
    """What is thought of an arm: the e-value for harm, to be held against 1 / alpha, and words."""

    arm: str
    evidence: float
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class ExperimentCounts:
    """An experiment as it was when counting began, and its arms by name.

    `skipped`: decisions whose reported outcome was no quality within 0..1. An experiment with other
    margins is counted anew.
    """

    experiment: Experiment
    arms: Mapping[str, ArmCount]
    skipped: int = 0


def nothing_counted(experiment: Experiment) -> ExperimentCounts:
    """Start counting."""
    nothing = np.zeros((CELLS, len(STAKES)))
    count = ArmCount(0, 0, 0.0, 0, 0, 0, nothing, nothing)
    return ExperimentCounts(experiment, {arm.name: count for arm in experiment.arms})


def with_exposures(counts: ExperimentCounts, events: Iterable[RoutingEvent]) -> ExperimentCounts:
    """Count decisions, each of which must be handed over once, in any order."""
    arms = dict(counts.arms)
    for event in events:
        for name in _arms_of(event, counts):
            count = arms[name]
            arms[name] = replace(count, exposures=count.exposures + 1)
        for experiment, name, endpoint in event.shadows:
            if experiment == counts.experiment.name and name in arms:
                count = arms[name]
                arms[name] = replace(
                    count,
                    shadowed=count.shadowed + 1,
                    agreed=count.agreed + (endpoint == event.chosen),
                )
    return replace(counts, arms=arms)


def with_outcomes(counts: ExperimentCounts, rows: Iterable[Reviewed]) -> ExperimentCounts:
    """Count decisions of known outcome, each of which must be handed over once, in any order.

    A decision whose chosen endpoint has no known quality is passed over; it may come again.
    """
    arms, skipped = dict(counts.arms), counts.skipped
    control = counts.experiment.control
    for row in rows:
        names = _arms_of(row.event, counts)
        quality = known_quality(row, row.event.chosen)
        if not names or quality is None:
            continue
        if not is_possible(quality):
            skipped += 1
            continue
        for name in names:
            is_control = control is not None and name == control.name
            arms[name] = _with_quality(arms[name], quality, counts.experiment, control=is_control)
    return replace(counts, arms=arms, skipped=skipped)


def verdicts(counts: ExperimentCounts) -> tuple[ArmVerdict, ...]:
    """Hold every arm that answers requests against the control arm, one verdict for each.

    Each arm is tested at `alpha` of its own. Without a control arm there are no verdicts.
    """
    control = counts.experiment.control
    if control is None:
        return ()
    return tuple(
        _verdict(counts, arm, control)
        for arm in counts.experiment.arms
        if not (arm.control or arm.shadow)
    )


def _verdict(counts: ExperimentCounts, arm: Arm, control: Arm) -> ArmVerdict:
    rail = counts.experiment.guard_rail
    ours, theirs = counts.arms[arm.name], counts.arms[control.name]
    worse = _e_value(ours.quality_wealth, theirs.quality_wealth)
    failing = _e_value(ours.failure_wealth, theirs.failure_wealth)
    # The mean of two e-values is one: of both harms together, at the same alpha.
    evidence = (worse + failing) / 2
    if evidence < 1 / rail.alpha:
        words = f"no harm beyond doubt after {ours.labelled} and {theirs.labelled} known outcomes"
        return ArmVerdict(arm.name, evidence, Verdict.CONTINUE, words)
    if worse >= failing:
        harm = f"its quality is lower by more than {rail.margin:g}"
    else:
        harm = f"its share of failures is higher by more than {rail.failure_margin:g}"
    # So much evidence takes outcomes of both arms: without either, some cell earns nothing.
    numbers = f"{_described(ours)} against {_described(theirs)} of {control.name!r}"
    words = f"{harm}: {numbers} (e-value {evidence:.3g}, needed {1 / rail.alpha:g})"
    return ArmVerdict(arm.name, evidence, Verdict.STOP_HARM, words)


def _described(count: ArmCount) -> str:
    mean, failed = count.quality / count.labelled, count.failures / count.labelled
    return f"mean {mean:.3f}, {failed:.1%} failed, {count.labelled} known"


def _arms_of(event: RoutingEvent, counts: ExperimentCounts) -> list[str]:
    """Name the arms of the experiment that the request was in: one, or none."""
    return [
        name
        for experiment, name in event.arms
        if experiment == counts.experiment.name and name in counts.arms
    ]


def _with_quality(
    count: ArmCount, quality: float, experiment: Experiment, *, control: bool
) -> ArmCount:
    rail = experiment.guard_rail
    failed = quality == 0
    usable = 0.0 if failed else 1.0
    return replace(
        count,
        labelled=count.labelled + 1,
        quality=count.quality + quality,
        failures=count.failures + failed,
        quality_wealth=count.quality_wealth + _bets(quality, rail.margin, control=control),
        failure_wealth=count.failure_wealth + _bets(usable, rail.failure_margin, control=control),
    )


@lru_cache(maxsize=KEPT_BETS)
def _bets(outcome: float, margin: float, *, control: bool) -> Wealth:
    """Return the logarithm of each factor that an outcome adds.

    Within a cell the control's mean is at most its upper edge, and the treatment's, if it does no
    harm, at least the lower edge less the margin: both are taken at the end that earns least.
    """
    if control:
        return _log_factors(outcome / _EDGES[1:])
    return _log_factors((1 - outcome) / (1 - (_EDGES[:-1] - margin)))


def _log_factors(ratios: NDArray[np.float64]) -> Wealth:
    return np.log1p(_STAKES * (ratios[:, np.newaxis] - 1))


def _e_value(ours: Wealth, theirs: Wealth) -> float:
    least = float(np.min(_mixed(ours) + _mixed(theirs)))
    return float(np.exp(min(least, LARGEST_LOG)))


def _mixed(wealth: Wealth) -> NDArray[np.float64]:
    """Return the logarithm of the mean over all stakes, for each cell."""
    most = wealth.max(axis=1)
    return most + np.log(np.mean(np.exp(wealth - most[:, np.newaxis]), axis=1))

"""The adaptive policy: Thompson sampling among the endpoints that the rules allow.

For each class of requests and each endpoint a Beta distribution says how good its answers are. The
probability with which an endpoint is chosen is that of being the best by those distributions
(Thompson 1933; Chapelle and Li, An empirical evaluation of Thompson sampling, NeurIPS 2011), which
is computed first and then drawn from, so that it can be logged as the propensity.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from gateway.core.feedback import Reviewed, RoutingEvent
from gateway.core.value import value
from gateway.learning.rewards import is_possible, reward_of

FORGOTTEN = 1e-3
"""Evidence that has decayed to less is dropped."""


@value
class AdaptiveSettings:
    """How the adaptive policy learns and explores.

    `half_life_s`: age at which an outcome counts half. `prior_good` and `prior_bad`, above 0: what
    is believed of an endpoint without outcomes, as so many good and bad answers. An endpoint is
    warming up in a class until it has `min_evidence` decayed outcomes of mean reward `min_reward`
    or more there; all that warm up together get at most `warm_up_share` (A-04, L-14). The endpoint
    that the rules choose never warms up. `floor`, above 0, is spread evenly over all, so that each
    propensity is above 0. `draws` samples tell who is best.
    Of more than `max_classes` the ones with the most evidence are kept.
    """

    half_life_s: float = 7 * 86_400.0
    prior_good: float = 1.0
    prior_bad: float = 1.0
    min_evidence: float = 50.0
    min_reward: float = 0.0
    warm_up_share: float = 0.1
    floor: float = 0.02
    draws: int = 256
    max_classes: int = 1024


DEFAULT_ADAPTIVE = AdaptiveSettings()


@value
class Evidence:
    """Decayed sums over outcomes: of rewards, and of what they lack to 1."""

    good: float
    bad: float

    @property
    def amount(self) -> float:
        """How many outcomes of now it is worth."""
        return self.good + self.bad


NO_EVIDENCE = Evidence(0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class BanditState:
    """Evidence by class and endpoint, decayed to the time `at` in unix seconds.

    `skipped` counts the reports that taught nothing, because something in them was impossible.
    """

    at: float = 0.0
    classes: Mapping[str, Mapping[str, Evidence]] = field(
        default_factory=dict[str, Mapping[str, Evidence]]
    )
    skipped: int = 0


@value
class AdaptiveChoice:
    """An endpoint, and the probability with which each permitted one was drawn; together 1."""

    endpoint: str
    propensities: tuple[tuple[str, float], ...]


def class_of(event: RoutingEvent) -> str:
    """Name the class of a decision: the kind of task, or else the rule that matched."""
    return class_named(event.task, event.rule)


def class_named(task: str, rule: str) -> str:
    """Name a class, so that no task can be taken for a rule."""
    return f"task {task}" if task else f"rule {rule}"


def learned(
    state: BanditState,
    rows: Iterable[Reviewed],
    *,
    now: float,
    endpoints: Collection[str],
    settings: AdaptiveSettings = DEFAULT_ADAPTIVE,
) -> BanditState:
    """Decay what is known to `now`, unix seconds, and add outcomes, each of which comes once.

    Call it without rows, too: it is the only thing that lets evidence fade (A-04). Rows may come in
    any order. A report without a reward is passed over. One with an impossible reward or about
    none of `endpoints`, and one on a decision of no possible time, is skipped and counted; what
    seems to come from the future counts as of now.
    """
    at = max(now, state.at)
    faded = _decay(at - state.at, settings)
    sums = {
        name: {endpoint: [old.good * faded, old.bad * faded] for endpoint, old in known.items()}
        for name, known in state.classes.items()
    }
    skipped = state.skipped
    for row in rows:
        when = row.event.at
        for named, report in row.reports.items():
            reward, endpoint = reward_of(report), named or row.event.chosen
            if reward is None:
                continue
            if not (isfinite(when) and when >= 0 and endpoint in endpoints and is_possible(reward)):
                skipped += 1
                continue
            weight = _decay(at - when, settings)
            counts = sums.setdefault(class_of(row.event), {}).setdefault(endpoint, [0.0, 0.0])
            counts[0] += weight * reward
            counts[1] += weight * (1 - reward)
    return BanditState(at, _kept(sums, settings), skipped)


def choose(
    state: BanditState,
    kind: str,
    permitted: Sequence[str],
    rng: np.random.Generator,
    settings: AdaptiveSettings = DEFAULT_ADAPTIVE,
) -> AdaptiveChoice | None:
    """Choose among the permitted endpoints for a request of class `kind` (see `class_named`).

    `permitted` is in the order of the rules, its first being what they choose. Returns None while
    nothing is known of any of them in that class, or when there is no choice: the caller then keeps
    the rules' decision, so that a gateway without outcomes behaves as one without this policy.
    """
    known = state.classes.get(kind, {})
    if len(permitted) < 2 or not any(name in known for name in permitted):  # noqa: PLR2004 - a choice
        return None
    evidence = [known.get(name, NO_EVIDENCE) for name in permitted]
    shares = _shares(evidence, rng, settings)
    drawn = int(np.searchsorted(np.cumsum(shares)[:-1], rng.random(), side="right"))
    return AdaptiveChoice(permitted[drawn], tuple(zip(permitted, shares.tolist(), strict=True)))


def _shares(
    evidence: Sequence[Evidence], rng: np.random.Generator, settings: AdaptiveSettings
) -> NDArray[np.float64]:
    """Return the probability of each endpoint, the first being the rules' choice."""
    good = np.array([one.good for one in evidence]) + settings.prior_good
    bad = np.array([one.bad for one in evidence]) + settings.prior_bad
    count = len(evidence)
    best = rng.beta(good, bad, size=(settings.draws, count)).argmax(axis=1)
    shares = np.bincount(best, minlength=count) / settings.draws
    shares = (1 - settings.floor) * shares + settings.floor / count
    warming = np.array(
        [place > 0 and _warms_up(one, settings) for place, one in enumerate(evidence)]
    )
    allowed, taken = settings.warm_up_share, float(shares[warming].sum())
    if taken > allowed:
        shares[warming] *= allowed / taken
        shares[~warming] *= (1 - allowed) / (1 - taken)
    return shares / shares.sum()


def _warms_up(evidence: Evidence, settings: AdaptiveSettings) -> bool:
    """Tell whether an endpoint has too little evidence in a class, or too bad one, to take over."""
    amount = evidence.amount
    return amount < settings.min_evidence or evidence.good < settings.min_reward * amount


def _kept(
    sums: Mapping[str, Mapping[str, Sequence[float]]], settings: AdaptiveSettings
) -> dict[str, Mapping[str, Evidence]]:
    """Drop what has faded, then the classes that are too many, those with least evidence first."""
    classes: dict[str, Mapping[str, Evidence]] = {}
    for name, counts in sums.items():
        known = {one: Evidence(good, bad) for one, (good, bad) in counts.items()}
        known = {one: found for one, found in known.items() if found.amount > FORGOTTEN}
        if known:
            classes[name] = known
    if len(classes) <= settings.max_classes:
        return classes
    amounts = {
        name: sum(found.amount for found in known.values()) for name, known in classes.items()
    }
    ranked = sorted(classes, key=lambda name: (-amounts[name], name))
    return {name: classes[name] for name in ranked[: settings.max_classes]}


def _decay(elapsed_s: float, settings: AdaptiveSettings) -> float:
    """Return the weight of an outcome of that age; of the future, that of now."""
    return 0.5 ** (max(elapsed_s, 0.0) / settings.half_life_s)

"""Logged decisions of known outcome, as the estimators see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.core.feedback import Reviewed, RoutingEvent
from gateway.learning.policies import Distribution, Policy, distribution
from gateway.learning.rewards import is_possible, known_quality, report_on

GATEWAY_SOURCE = "gateway"
"""`OutcomeReport.source` of what the gateway reports of its own attempts.

It tries a second endpoint only when the first one failed, so decisions of which it knows several
answers are the hard ones: they are no full feedback.
"""

ROUNDING = 1e-6
"""Probabilities that sum up to 1 within this were rounded, not wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One decision and what came of it.

    `propensities` and `wanted`: the probability, above 0, with which the log and the policy choose
    each endpoint; `wanted` is empty where the policy cannot tell. `reward`: quality of the chosen
    endpoint's answer. `known`: quality of every endpoint that either might choose, where all were
    reported; else empty. `estimates`: predicted qualities that the decision logged.
    """

    task: str
    chosen: str
    reward: float
    propensities: Mapping[str, float]
    wanted: Mapping[str, float]
    known: Mapping[str, float]
    estimates: Mapping[str, float]
    costs: Mapping[str, int]

    @property
    def same(self) -> bool:
        """True where the policy decides as the log did, so that what came of it counts as it is."""
        names = self.propensities.keys() | self.wanted.keys()
        return all(
            abs(self.propensities.get(name, 0.0) - self.wanted.get(name, 0.0)) <= ROUNDING
            for name in names
        )

    @property
    def support(self) -> float:
        """Share of the policy's probability on endpoints that the log might have chosen."""
        if self.known:
            return 1.0
        return sum(share for name, share in self.wanted.items() if name in self.propensities)


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Cases, and how many decisions made none.

    `unknown`: their outcome is not known, or they only asked for clarification. `skipped`: their
    propensities are missing or impossible, or the reported quality is.
    """

    cases: tuple[Case, ...]
    unknown: int
    skipped: int


def cases_of(rows: Iterable[Reviewed], policy: Policy) -> Cases:
    """Make a case of each decision whose outcome is known."""
    cases: list[Case] = []
    unknown = skipped = 0
    for row in rows:
        event = row.event
        reward = known_quality(row, event.chosen)
        if event.clarification or reward is None:
            unknown += 1
        elif is_possible(reward) and _is_logged(event):
            cases.append(_case(row, reward, distribution(policy, event)))
        else:
            skipped += 1
    return Cases(tuple(cases), unknown, skipped)


def _is_logged(event: RoutingEvent) -> bool:
    """Tell whether the propensities are probabilities, that of what was chosen above 0."""
    shares = dict(event.propensities)
    possible = all(is_possible(share) for share in shares.values())
    return (
        possible and abs(sum(shares.values()) - 1) <= ROUNDING and shares.get(event.chosen, 0) > 0
    )


def _case(row: Reviewed, reward: float, wanted: Distribution) -> Case:
    event = row.event
    propensities = {name: share for name, share in event.propensities if share > 0}
    choices = {name: share for name, share in wanted if share > 0}
    return Case(
        event.task,
        event.chosen,
        reward,
        propensities,
        choices,
        _all_known(row, propensities.keys() | choices.keys()),
        {name: quality for name, quality in event.estimates if is_possible(quality)},
        dict(event.costs),
    )


def _all_known(row: Reviewed, names: Iterable[str]) -> dict[str, float]:
    """Return the quality of each endpoint if somebody reported on all of them; else nothing."""
    known: dict[str, float] = {}
    for name in names:
        report, quality = report_on(row, name), known_quality(row, name)
        if report is None or quality is None or report.source == GATEWAY_SOURCE:
            return {}
        if not is_possible(quality):
            return {}
        known[name] = quality
    return known

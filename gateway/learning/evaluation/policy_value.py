"""Judge a policy by logged decisions, and say so when the log cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gateway.core.feedback import Reviewed
from gateway.core.value import value
from gateway.learning.evaluation.cases import cases_of
from gateway.learning.evaluation.measured import Measured, measure
from gateway.learning.evaluation.verdict import answer, why_no_cases, why_not
from gateway.learning.policies import Policy

DEFAULT_LEVEL = 0.95

CANNOT = "the log cannot support an answer: "


@value
class PolicyValue:
    """What the log says about a policy; qualities are within 0..1.

    `decisions` are those of known outcome for which the policy can tell what it would choose;
    `undecided` those for which it cannot, `unknown` those of unknown outcome, `skipped` those whose
    record is impossible. `measured` is about the first, None without any. `support`: share of the
    policy's choices that the log might have made, where it cannot tell none. `known_share`: share
    of the decisions of which every answer was reported. Mean costs, in micros as logged, are None
    where a decision did not log them. `verdict` says it in words; `supported` is False when the log
    supports no answer, and the numbers then must not be taken for one.
    """

    decisions: int
    undecided: int
    unknown: int
    skipped: int
    measured: Measured | None
    support: float
    known_share: float
    cost_micros: float | None
    logged_cost_micros: float | None
    supported: bool
    verdict: str


def evaluate(
    rows: Sequence[Reviewed],
    policy: Policy,
    *,
    rng: np.random.Generator,
    level: float = DEFAULT_LEVEL,
) -> PolicyValue:
    """Estimate the mean quality that a policy would have had on logged decisions.

    `rng` only splits the decisions for cross-fitting; `level` is that of the intervals. Where every
    answer was reported nothing is weighted, and where the policy decides as the log did, what came
    of it counts as it is. Supposes that whether an outcome is known, given the request, does not
    depend on which endpoint answered or how well, and that decisions do not depend on each other.
    """
    found = cases_of(rows, policy)
    cases = tuple(case for case in found.cases if case.wanted)
    measured = measure(cases, rng, level) if cases else None
    support = sum(case.support for case in found.cases) / max(len(found.cases), 1)
    if measured is None:
        reason = why_no_cases(found)
    else:
        reason = why_not(cases, support, measured.effective_size)
    return PolicyValue(
        len(cases),
        len(found.cases) - len(cases),
        found.unknown,
        found.skipped,
        measured,
        support,
        sum(bool(case.known) for case in cases) / max(len(cases), 1),
        _mean_cost((case.wanted, case.costs) for case in cases),
        _mean_cost((case.propensities, case.costs) for case in cases),
        supported=not reason,
        verdict=CANNOT + reason if measured is None or reason else answer(measured, support),
    )


def _mean_cost(choices: Iterable[tuple[Mapping[str, float], Mapping[str, int]]]) -> float | None:
    """Average what each choice costs; None without any, or when a cost is not known."""
    total, count = 0.0, 0
    for shares, costs in choices:
        if not shares.keys() <= costs.keys():
            return None
        total += sum(share * costs[name] for name, share in shares.items())
        count += 1
    return total / count if count else None

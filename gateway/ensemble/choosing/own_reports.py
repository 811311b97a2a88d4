"""What the gateway itself found out about answers, by the unit tests that it ran."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.candidate import Candidate
from gateway.core.feedback import OutcomeReport
from gateway.core.snapshot import Snapshot
from gateway.learning.evaluation.cases import GATEWAY_SOURCE


def own_reports(
    decision_id: str, candidates: Iterable[Candidate], snapshot: Snapshot, at: float
) -> tuple[OutcomeReport, ...]:
    """Report the test cases of each endpoint's candidates, taken together, at `at` unix seconds.

    Other checks are not reported: of most texts they are only known to have passed or failed when
    they failed, so that the more an endpoint was asked the worse it would look.
    """
    groups = {
        replica.name: group for group, members in snapshot.replicas.items() for replica in members
    }
    cases: dict[str, list[bool]] = {}
    for candidate in candidates:
        if candidate.behaviour:
            endpoint = groups.get(candidate.endpoint, candidate.endpoint)
            cases.setdefault(endpoint, []).extend(candidate.behaviour)
    return tuple(
        OutcomeReport(
            decision_id,
            endpoint,
            at,
            tests_passed=sum(passed),
            tests_total=len(passed),
            source=GATEWAY_SOURCE,
        )
        for endpoint, passed in cases.items()
    )

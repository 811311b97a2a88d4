"""What an answer was worth, 0..1, as far as anybody reported it."""

from __future__ import annotations

from gateway.core.feedback import OutcomeReport, Reviewed, quality_of

SUCCESS_WEIGHT = 0.4
ACCEPTANCE_WEIGHT = 0.6
"""What success and acceptance add to a reward where both are known (A-03)."""


def report_on(row: Reviewed, endpoint: str) -> OutcomeReport | None:
    """Return the latest report about an endpoint's answer, also when it names the chosen as ""."""
    report = row.reports.get(endpoint)
    if report is None and endpoint == row.event.chosen:
        return row.reports.get("")
    return report


def known_quality(row: Reviewed, endpoint: str) -> float | None:
    """Return the reported quality of an endpoint's answer; None when nobody told."""
    report = report_on(row, endpoint)
    return None if report is None else quality_of(report)


def is_possible(quality: float) -> bool:
    """Tell whether it is a number within 0..1: anything else would poison every sum."""
    return 0 <= quality <= 1


def reward_of(report: OutcomeReport) -> float | None:
    """Say what an answer earned its endpoint (A-03); None when the report does not tell.

    A reported `quality` is the reward. Else it is 0.4 of success and 0.6 of acceptance where both
    are known, and the one that is known otherwise. Success: 0 for what did not compile, else the
    share of tests passed. Acceptance: 0 for what was refused or reverted, 1 - edit distance of what
    was kept. `quality_of` takes the first of these that is known, so both agree on a report that
    tells only one. As reported: it may be impossible.
    """
    if report.quality is not None:
        return report.quality
    success, acceptance = _success(report), _acceptance(report)
    if success is None or acceptance is None:
        return acceptance if success is None else success
    return SUCCESS_WEIGHT * success + ACCEPTANCE_WEIGHT * acceptance


def _success(report: OutcomeReport) -> float | None:
    if report.compiled is False:
        return 0.0
    if report.tests_passed is not None and report.tests_total:
        return report.tests_passed / report.tests_total
    return None


def _acceptance(report: OutcomeReport) -> float | None:
    if report.reverted or report.accepted is False:
        return 0.0
    if report.edit_distance is not None:
        return 1.0 - report.edit_distance
    return 1.0 if report.accepted else None

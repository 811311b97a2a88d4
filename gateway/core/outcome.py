"""Success, classified once: breaker, retry, metrics, budgets and learning all read this."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.candidate import NO_USAGE, Attempt, AttemptStatus, Usage
from gateway.core.faults import Fault, Reason

NO_WORK = frozenset(
    {
        Reason.UPSTREAM_UNREACHABLE,
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.UPSTREAM_OVERLOADED,
        Reason.UPSTREAM_REFUSED_REQUEST,
        Reason.UPSTREAM_AUTH,
        Reason.UPSTREAM_MODEL_UNKNOWN,
        Reason.DEADLINE_EXCEEDED,
    }
)
"""Reasons of calls that the endpoint did not take on, unless text came from it.

DEADLINE_EXCEEDED is the time that was over before the call: UPSTREAM_TIMEOUT is the other one.
"""


class Outcome(StrEnum):
    """How an attempt counts for its endpoint."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOT_COUNTED = "not_counted"


def outcome_of(fault: Fault | None) -> Outcome:
    """Classify the end of an attempt.

    Only faults of origin UPSTREAM count against the endpoint; a caller's bad request, a
    cancellation and our own limits count neither way. Nor does a call that was given less time
    than its endpoint needs as a rule: it ends with TOO_LITTLE_TIME, of origin US.
    """
    if fault is None:
        return Outcome.SUCCESS
    return Outcome.FAILURE if fault.against_endpoint else Outcome.NOT_COUNTED


def did_no_work(reason: str, received: int) -> bool:
    """True when a call that failed for `reason`, after so many characters, was not worked on."""
    return received == 0 and reason in NO_WORK


def usage_known(attempt: Attempt, received: int) -> Usage | None:
    """Tell what a finished attempt used: what was reported, or nothing where no work was done.

    None when it may have worked but did not tell: a timeout, a cut or cancelled answer, nonsense,
    or an answer without a usage report.
    """
    usage = attempt.usage
    if usage.prompt_tokens or usage.completion_tokens:
        return usage
    if attempt.status is AttemptStatus.SKIPPED or did_no_work(attempt.reason, received):
        return NO_USAGE
    return None

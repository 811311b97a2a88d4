"""Success, classified once: breaker, retry, metrics and learning all read this."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.faults import Fault


class Outcome(StrEnum):
    """How an attempt counts for its endpoint."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOT_COUNTED = "not_counted"


def outcome_of(fault: Fault | None) -> Outcome:
    """Classify the end of an attempt.

    Only faults of origin UPSTREAM count against the endpoint; a caller's bad request, a
    cancellation and our own limits count neither way.
    """
    if fault is None:
        return Outcome.SUCCESS
    return Outcome.FAILURE if fault.against_endpoint else Outcome.NOT_COUNTED

"""How a request ends that has no acceptable candidate: one fault for everything that happened."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.candidate import Candidate
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.ensemble.judge import best

FINAL_KINDS = frozenset({Kind.CANCELLED, Kind.INTERNAL})
FINAL_REASONS = frozenset({Reason.BUDGET_EXHAUSTED, Reason.DEADLINE_EXCEEDED})


def settle(candidates: Sequence[Candidate], faults: Sequence[Fault]) -> Candidate:
    """Return the best candidate that no required check refused, or raise why there is none."""
    if not candidates:
        raise no_answer(faults)
    chosen = best(candidates)
    if chosen.accepted:
        return chosen
    failed = ", ".join(verdict.constraint for verdict in chosen.verdicts if verdict.refuses)
    raise Fault(
        Kind.UNVERIFIED,
        Origin.UPSTREAM,
        Reason.ALL_CANDIDATES_REJECTED,
        f"all {len(candidates)} candidates failed a required check; the best one failed: {failed}",
    )


def no_answer(faults: Sequence[Fault]) -> Fault:
    """Sum up why no endpoint answered.

    A budget that ran out, and time that was over or too short for what was left to try, are named
    as such. When every endpoint refused the request itself, so do we; when every one was
    overloaded, the caller is told how long to wait. Everything else is UNAVAILABLE.
    """
    for fault in faults:
        if fault.reason is Reason.BUDGET_EXHAUSTED:
            return fault
    last = faults[-1]
    if last.kind is Kind.DEADLINE and last.origin is not Origin.UPSTREAM:
        return last
    kinds = {fault.kind for fault in faults}
    if kinds == {Kind.INVALID}:
        return faults[-1]
    waits = [fault.retry_after_s for fault in faults if fault.retry_after_s is not None]
    overloaded = kinds == {Kind.EXHAUSTED}
    return Fault(
        Kind.EXHAUSTED if overloaded else Kind.UNAVAILABLE,
        Origin.UPSTREAM,
        Reason.UPSTREAM_OVERLOADED if overloaded else Reason.ALL_ENDPOINTS_FAILED,
        f"no endpoint answered; {len(faults)} failed, the last one with: {faults[-1].message}",
        retry_after_s=min(waits, default=1.0),
    )


def truncated(fault: Fault) -> Fault:
    """Say that the stream broke after text was sent and nothing could go on from there.

    A caller who left stays one who left.
    """
    if fault.kind is Kind.CANCELLED and fault.origin is Origin.CALLER:
        return fault
    return Fault(
        Kind.DEADLINE if fault.kind is Kind.DEADLINE else Kind.TRUNCATED,
        fault.origin,
        Reason.STREAM_TRUNCATED,
        f"the answer broke off after text was sent: {fault.message}",
    )


def is_final(fault: Fault) -> bool:
    """True when no other endpoint can help: the caller left, the time or the budget is over."""
    return fault.kind in FINAL_KINDS or fault.reason in FINAL_REASONS

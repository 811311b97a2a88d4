"""What a trace says of the stages that decide. No text of the request is part of it."""

from __future__ import annotations

from gateway.core.decision import RoutingDecision
from gateway.core.hole import Hole
from gateway.core.matching import LayerStatus
from gateway.core.trace import StageStatus
from gateway.core.tracing import TraceRecorder
from gateway.routing.cascade import Ran
from gateway.validation.checks import Checks, Found

_STATUS = {
    LayerStatus.FAILED: StageStatus.FAILED,
    LayerStatus.LATE: StageStatus.FAILED,
    LayerStatus.SKIPPED: StageStatus.SKIPPED,
    LayerStatus.UNAVAILABLE: StageStatus.SKIPPED,
}


def about_spec(hole: Hole, checks: Checks) -> dict[str, object]:
    """Say what a hole is and what will be checked."""
    return {
        "kind": hole.spec.kind,
        "language": hole.spec.language,
        "prompt_chars": len(hole.prompt),
        "suffix_chars": len(hole.suffix),
        "constraints": len(hole.constraints),
        "checks": [named.name for named in checks.checks],
    }


def about_route(decision: RoutingDecision) -> dict[str, object]:
    """Say where a request goes and why."""
    learned = decision.learned
    return {
        "chain": list(decision.chain),
        "rule": decision.reason,
        "why": decision.detail,
        "complexity": decision.complexity,
        "capability": decision.capability,
        "excluded": [[one.endpoint, one.detail] for one in decision.excluded],
        "decided_by": "rules" if learned is None else learned.decided_by,
    }


def about_checks(found: Found) -> dict[str, object]:
    """Say what the checks of a text found."""
    return {
        # Names are the caller's: as keys, some would be taken for those of secrets.
        "verdicts": [[one.constraint, one.status] for one in found.verdicts],
        "reasons": [[one.constraint, one.reason] for one in found.verdicts if one.reason],
        "cases_run": len(found.behaviour),
        "cases_passed": sum(found.behaviour),
    }


def record_match(trace: TraceRecorder, ran: Ran) -> None:
    """Add a matcher that was asked: here, where every one passes, and nowhere else (T-05)."""
    began = ran.began or trace.clock()
    told: dict[str, object] = {"outcome": ran.status}
    if ran.error:
        told["error"] = ran.error
    if ran.proposal is not None:
        told |= {
            "endpoint": ran.proposal.endpoint,
            "confidence": ran.proposal.confidence,
            "topic": ran.proposal.topic,
            "why": ran.proposal.words,
        }
    status = _STATUS.get(ran.status, StageStatus.OK)
    trace.record(f"match[{ran.name}]", began, ran.elapsed_s, status, **told)


def record_cascade(trace: TraceRecorder, decision: RoutingDecision) -> None:
    """Add what the cascade made of each layer. Its time is that of the matchers, told there."""
    learned = decision.learned
    for record in () if learned is None else learned.layers:
        trace.record(
            f"cascade[{record.layer}]",
            trace.clock(),
            0.0,
            _STATUS.get(record.status, StageStatus.OK),
            outcome=record.status,
            confidence=record.confidence,
            threshold=record.threshold,
            endpoint=record.endpoint,
            why=record.reason,
            shadow=record.shadow,
        )

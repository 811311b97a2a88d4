"""Refinements on the wire."""

from __future__ import annotations

from collections import Counter

from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core.answer import Answer
from gateway.core.events import Event
from gateway.core.hole import NO_SPEC, Request
from gateway.core.refinement import (
    TEMPERATURES,
    FailureStrategy,
    HoleProgress,
    HoleStatus,
    RefinedHole,
    RefineHole,
    Refinement,
    RefineOptions,
    RefineReport,
    RefineStarted,
)
from gateway.wire.enums import FAILURE_STRATEGY_FROM, HOLE_STATUS
from gateway.wire.hole import constraint_from_wire, spec_from_wire
from gateway.wire.result import attempt_to_wire, duration, usage_to_wire, verdict_to_wire

LEFT_OPEN = frozenset({HoleStatus.SKIPPED, HoleStatus.NEEDS_HUMAN})


def refinement_from_wire(wire: pb.RefineRequest) -> Refinement:
    """Read the holes and options of a checked request."""
    options = wire.options
    return Refinement(
        tuple(map(_hole, wire.holes)),
        RefineOptions(
            options.max_iterations if options.HasField("max_iterations") else None,
            options.min_confidence if options.HasField("min_confidence") else None,
            options.parallel if options.HasField("parallel") else True,
            tuple(options.temperatures) or TEMPERATURES,
            FAILURE_STRATEGY_FROM.get(options.on_failure, FailureStrategy.RETRY_ALTERNATE),
        ),
    )


def _hole(wire: pb.RefineHole) -> RefineHole:
    return RefineHole(
        wire.id,
        wire.marker or f"<<{wire.id}>>",
        spec_from_wire(wire.hole) if wire.HasField("hole") else NO_SPEC,
        tuple(map(constraint_from_wire, wire.constraints)),
        tuple(wire.depends_on),
        FAILURE_STRATEGY_FROM.get(wire.on_failure),
    )


def refine_event_to_wire(event: Event, request_id: str) -> pb.RefineResponse | None:
    """Write one event of a refinement; None for others."""
    match event:
        case RefineStarted(waves):
            wire = pb.RefineStarted(
                waves=[pb.RefineWave(holes=wave) for wave in waves], request_id=request_id
            )
            return pb.RefineResponse(started=wire)
        case HoleProgress(hole, filled, total, iteration):
            progress = pb.HoleProgress(
                hole=_refined_to_wire(hole), filled=filled, total=total, iteration=iteration
            )
            return pb.RefineResponse(progress=progress)
        case _:
            return None


def _refined_to_wire(hole: RefinedHole) -> pb.RefinedHole:
    return pb.RefinedHole(
        id=hole.id,
        status=HOLE_STATUS[hole.status],
        fill=hole.fill,
        confidence=hole.confidence,
        confidence_method=hole.method,
        endpoint=hole.endpoint,
        model=hole.model,
        tries=hole.tries,
        temperature=hole.temperature,
        verdicts=[verdict_to_wire(verdict) for verdict in hole.verdicts],
        reason=hole.reason,
        parent=hole.parent,
        children=hole.children,
    )


def refine_done_to_wire(answer: Answer, request: Request, trace_id: str) -> pb.RefineResponse:
    """Write the result.

    Every hole is counted once, whether it was in the request or made by splitting; a model has the
    holes whose fill it wrote.
    """
    report = answer.report
    assert isinstance(report, RefineReport), "a refinement's answer has its report"  # noqa: S101
    count = Counter(hole.status for hole in report.holes)
    written = [
        hole for hole in report.holes if hole.status is HoleStatus.FILLED and not hole.children
    ]
    return pb.RefineResponse(
        done=pb.RefineResult(
            text=answer.chosen.completion.text,
            holes=[_refined_to_wire(hole) for hole in report.holes],
            complete=report.complete,
            needs_review=[
                hole.id for hole in report.holes if hole.status is HoleStatus.NEEDS_HUMAN
            ],
            iterations=report.iterations,
            verdicts=[verdict_to_wire(verdict) for verdict in answer.chosen.verdicts],
            filled=count[HoleStatus.FILLED],
            failed=count[HoleStatus.FAILED],
            skipped=sum(count[status] for status in LEFT_OPEN),
            blocked=count[HoleStatus.BLOCKED],
            mean_confidence=answer.chosen.confidence,
            model_usage=Counter(f"{hole.endpoint}/{hole.model}" for hole in written),
            usage=usage_to_wire(answer.usage),
            cost_micros=answer.cost_micros,
            attempts=[attempt_to_wire(attempt) for attempt in answer.attempts],
            elapsed=duration(answer.elapsed_s),
            request_id=request.request_id,
            trace_id=trace_id,
        )
    )

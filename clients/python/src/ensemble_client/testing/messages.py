"""The messages of the gateway that a fake one writes."""

from __future__ import annotations

from collections.abc import Iterator

from ensemble.v1.decision_pb2 import RoutingDecision, RoutingReason
from ensemble.v1.gateway_service_pb2 import (
    BatchFailure,
    GenerateRequest,
    GenerateResponse,
    GenerateStreamResponse,
    HoleStatus,
    PipelineResult,
    RefinedHole,
    RefineRequest,
    RefineResult,
    StepKind,
    StepNode,
    StepStatus,
    StreamDelta,
    StreamStarted,
)
from ensemble.v1.result_pb2 import Attempt, AttemptStatus, FinishReason

from ensemble_client.testing.answers import ENDPOINT, Failure, Reply
from ensemble_client.testing.script import Found

DECISION = RoutingDecision(
    primary=ENDPOINT,
    reason=RoutingReason.ROUTING_REASON_MEDIUM_DEFAULT,
    detail="the fake gateway has one endpoint",
    estimator="v2",
)
STEP = "draft"


def response_of(
    found: Reply | GenerateResponse, request: GenerateRequest, request_id: str
) -> GenerateResponse:
    """Write the answer to a hole; a whole message stays as it is, but for the ids left empty."""
    if isinstance(found, Reply):
        answer = GenerateResponse(
            text=found.text,
            finish_reason=FinishReason.FINISH_REASON_STOP,
            endpoint=found.endpoint,
            model=found.model,
            confidence=found.confidence,
            verdicts=found.verdicts,
            decision=DECISION,
            decision_id=found.decision_id,
            attempts=[attempt(found.endpoint)],
        )
        answer.decision.primary = found.endpoint
    else:
        answer = GenerateResponse()
        answer.CopyFrom(found)
    answer.request_id = answer.request_id or request_id
    if request.hole.HasField("hole_id"):
        answer.hole_id = request.hole.hole_id
    return answer


def attempt(endpoint: str) -> Attempt:
    """Write the one attempt of an answer."""
    return Attempt(endpoint=endpoint, try_number=1, status=AttemptStatus.ATTEMPT_STATUS_OK)


def pieces_of(found: Found) -> tuple[str, ...]:
    """What a stream hands out before its end."""
    if isinstance(found, Failure):
        return found.pieces
    return (found if isinstance(found, Reply) else Reply(found.text)).streamed()


def numbered(events: Iterator[GenerateStreamResponse]) -> Iterator[GenerateStreamResponse]:
    """Number the events of a stream from 0."""
    for sequence, event in enumerate(events):
        event.sequence = sequence
        yield event


def started(request_id: str) -> GenerateStreamResponse:
    """Write the first event of a stream."""
    return GenerateStreamResponse(started=StreamStarted(decision=DECISION, request_id=request_id))


def delta(text: str) -> GenerateStreamResponse:
    """Write a piece of a stream."""
    return GenerateStreamResponse(delta=StreamDelta(text=text, endpoint=ENDPOINT))


def done(answer: GenerateResponse) -> GenerateStreamResponse:
    """Write the last event of a stream, which has no text."""
    answer.text = ""
    return GenerateStreamResponse(done=answer)


def failed(failure: Failure, request_id: str) -> BatchFailure:
    """Write a failure that is part of an answer."""
    return BatchFailure(
        code=failure.status().value[0],
        message=failure.words(),
        detail=failure.details(request_id),
    )


def refined_hole(hole_id: str, found: Found) -> RefinedHole:
    """Write what became of one hole of a source."""
    if isinstance(found, Failure):
        status = HoleStatus.HOLE_STATUS_FAILED
        return RefinedHole(id=hole_id, status=status, tries=1, reason=found.words())
    return RefinedHole(
        id=hole_id,
        status=HoleStatus.HOLE_STATUS_FILLED,
        tries=1,
        fill=found.text,
        endpoint=found.endpoint,
        model=found.model,
        confidence=found.confidence,
    )


def refined(message: RefineRequest, holes: list[RefinedHole], request_id: str) -> RefineResult:
    """Put the fills into the source."""
    text = message.request.prompt
    markers = {hole.id: hole.marker or f"<<{hole.id}>>" for hole in message.holes}
    filled = [hole for hole in holes if hole.status == HoleStatus.HOLE_STATUS_FILLED]
    for hole in filled:
        text = text.replace(markers[hole.id], hole.fill)
    return RefineResult(
        text=text,
        holes=holes,
        complete=len(filled) == len(holes),
        iterations=1,
        filled=len(filled),
        failed=len(holes) - len(filled),
        request_id=request_id,
    )


def pipeline_step(answer: GenerateResponse) -> StepNode:
    """Write the one step of a run."""
    return StepNode(
        step=STEP,
        kind=StepKind.STEP_KIND_DRAFT,
        status=StepStatus.STEP_STATUS_OK,
        round=1,
        text=answer.text,
        endpoint=answer.endpoint,
        confidence=answer.confidence,
        verdicts=answer.verdicts,
    )


def pipeline_result(name: str, answer: GenerateResponse, step: StepNode) -> PipelineResult:
    """Write the end of a run."""
    return PipelineResult(response=answer, steps=[step], completed=1, pipeline=name)

"""What happens while a hole is filled, on the wire: the events of GenerateStream."""

from __future__ import annotations

from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core.answer import Answer
from gateway.core.events import AttemptFailed, Delta, Event, Failover, Judged, Started
from gateway.core.hole import Request
from gateway.wire.result import (
    answer_to_wire,
    attempt_to_wire,
    decision_to_wire,
    verdict_to_wire,
)


def event_to_wire(event: Event, request_id: str) -> pb.GenerateStreamResponse | None:
    """Write one event; None for those of a pipeline's steps, which RunPipeline tells."""
    match event:
        case Delta(text, candidate, endpoint):
            delta = pb.StreamDelta(text=text, candidate=candidate, endpoint=endpoint)
            return pb.GenerateStreamResponse(delta=delta)
        case Started(decision, decision_id):
            started = pb.StreamStarted(
                decision=decision_to_wire(decision), request_id=request_id, decision_id=decision_id
            )
            return pb.GenerateStreamResponse(started=started)
        case AttemptFailed(attempt):
            failed = pb.StreamAttemptFailed(attempt=attempt_to_wire(attempt))
            return pb.GenerateStreamResponse(attempt_failed=failed)
        case Failover(from_endpoint, to_endpoint, resumed_at):
            failover = pb.StreamFailover(
                from_endpoint=from_endpoint, to_endpoint=to_endpoint, resumed_at=resumed_at
            )
            return pb.GenerateStreamResponse(failover=failover)
        case Judged(verdict):
            return pb.GenerateStreamResponse(verdict=verdict_to_wire(verdict))
        case _:
            return None


def done_to_wire(answer: Answer, request: Request, trace_id: str) -> pb.GenerateStreamResponse:
    """Write the last event: the answer without its text, which the deltas carried."""
    done = answer_to_wire(answer, request, trace_id=trace_id, with_text=False)
    return pb.GenerateStreamResponse(done=done)

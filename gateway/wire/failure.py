"""A Fault on the wire: its gRPC status and the typed details that every error carries."""

from __future__ import annotations

from ensemble.v1 import gateway_service_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from gateway.core.candidate import Candidate
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind
from gateway.ensemble.judge import best
from gateway.wire.learned import clarification_to_wire
from gateway.wire.result import attempt_to_wire, candidate_to_wire, decision_to_wire, duration

DOMAIN = "ensemble-gateway"

CODES: dict[Kind, int] = {
    Kind.INVALID: Code.INVALID_ARGUMENT,
    Kind.INFEASIBLE: Code.FAILED_PRECONDITION,
    Kind.EXHAUSTED: Code.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: Code.UNAVAILABLE,
    Kind.TRUNCATED: Code.UNAVAILABLE,
    Kind.DEADLINE: Code.DEADLINE_EXCEEDED,
    Kind.CANCELLED: Code.CANCELLED,
    Kind.UNVERIFIED: Code.ABORTED,
    Kind.UNAUTHENTICATED: Code.UNAUTHENTICATED,
    Kind.DENIED: Code.PERMISSION_DENIED,
    Kind.NOT_FOUND: Code.NOT_FOUND,
    Kind.MALFORMED: Code.UNAVAILABLE,
    Kind.INTERNAL: Code.INTERNAL,
}

# Clients refuse trailers above 8 KiB by default; attempts and text share what is left of it.
MAX_TEXT_BYTES = 2048
MAX_ATTEMPTS = 16
MAX_DETAIL = 200


def detail_to_wire(
    fault: Fault, exchange: Exchange | None, request_id: str
) -> gateway_service_pb2.FailureDetail:
    """Write what the gateway knows about a failed request; bounded, so that it fits a trailer."""
    detail = gateway_service_pb2.FailureDetail(
        reason=fault.reason,
        request_id=request_id,
        violations=[
            gateway_service_pb2.FieldViolation(
                field=item.field, description=item.description[:MAX_DETAIL]
            )
            for item in fault.violations
        ],
    )
    if fault.retry_after_s is not None:
        detail.retry_after.CopyFrom(duration(fault.retry_after_s))
    if exchange is None:
        return detail
    for attempt in exchange.attempts[-MAX_ATTEMPTS:]:
        wire = attempt_to_wire(attempt)
        wire.detail = wire.detail[:MAX_DETAIL]
        detail.attempts.append(wire)
    if exchange.decision is not None:
        detail.decision.CopyFrom(decision_to_wire(exchange.decision, with_learned=False))
        del detail.decision.excluded[MAX_ATTEMPTS:]
        learned = exchange.decision.learned
        if learned is not None and learned.clarification is not None:
            detail.clarification.CopyFrom(clarification_to_wire(learned.clarification))
    detail.decision_id = exchange.decision_id
    detail.trace_id = exchange.trace_id
    detail.streamed_chars = sum(len(piece) for piece in exchange.streamed)
    if fault.kind is Kind.UNVERIFIED:
        _add_best(detail, exchange.candidates)
    return detail


def _add_best(detail: gateway_service_pb2.FailureDetail, candidates: list[Candidate]) -> None:
    wire = candidate_to_wire(best(candidates))
    if len(wire.text.encode()) > MAX_TEXT_BYTES:
        # A cut text would look like a whole one; BatchGenerate and advisory constraints carry it.
        wire.text = ""
    detail.best_candidate.CopyFrom(wire)


def status_to_wire(fault: Fault, exchange: Exchange | None, request_id: str) -> Status:
    """Write the rich status of a fault: ErrorInfo, RequestInfo, FailureDetail and its own kind."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=fault.reason,
            domain=DOMAIN,
            metadata={
                "kind": fault.kind,
                "origin": fault.origin,
                "category": fault.category,
            },
        ),
        error_details_pb2.RequestInfo(request_id=request_id),
        *_own_details(fault),
        detail_to_wire(fault, exchange, request_id),
    ]
    status = Status(code=CODES[fault.kind], message=fault.message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _own_details(fault: Fault) -> list[Message]:
    details: list[Message] = []
    match fault.kind:
        case Kind.INVALID:
            bad = error_details_pb2.BadRequest()
            for item in fault.violations:
                bad.field_violations.add(field=item.field, description=item.description)
            details.append(bad)
        case Kind.INFEASIBLE:
            failure = error_details_pb2.PreconditionFailure()
            for item in fault.violations:
                failure.violations.add(
                    type=fault.reason, subject=item.field, description=item.description
                )
            details.append(failure)
        case Kind.EXHAUSTED:
            quota = error_details_pb2.QuotaFailure()
            quota.violations.add(subject=fault.reason, description=fault.message)
            details.append(quota)
        case _:
            pass
    if fault.retry_after_s is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration(fault.retry_after_s)))
    return details

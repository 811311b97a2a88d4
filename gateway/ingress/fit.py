"""The details of a failure, small enough for the trailers that every client accepts."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from google.rpc.status_pb2 import Status

from gateway.core.candidate import Attempt, Candidate
from gateway.core.decision import RoutingDecision
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, FieldViolation
from gateway.ensemble.judge import best
from gateway.wire.failure import status_to_wire

# A gRPC client takes 8 KiB of trailers unless told otherwise, and refuses the whole answer above
# that: the caller would learn nothing. The message travels twice, once percent-encoded.
MAX_STATUS_BYTES = 5 * 1024
MAX_MESSAGE_BYTES = 1024
MAX_VIOLATIONS = 10
MAX_VERDICTS = 8
MAX_ATTEMPTS = 4
MAX_FIELD = 80
MAX_WORDS = 100


def fitted(fault: Fault, exchange: Exchange | None, request_id: str) -> Status:
    """Write the rich status of a fault, leaving out what does not fit.

    What goes first is what says least: words beyond the first violations, the text and the passed
    verdicts of the best candidate, the excluded endpoints, the decision, the first attempts.
    """
    fault = _shortened(fault)
    status = status_to_wire(fault, exchange, request_id)
    if status.ByteSize() <= MAX_STATUS_BYTES:
        return status
    fault = _narrowed(fault)
    if exchange is not None:
        exchange = _essence(exchange)
    status = status_to_wire(fault, exchange, request_id)
    if status.ByteSize() <= MAX_STATUS_BYTES or exchange is None:
        return status
    exchange.decision = _asking(exchange.decision)
    exchange.attempts = [_brief(attempt) for attempt in exchange.attempts[-MAX_ATTEMPTS:]]
    return status_to_wire(fault, exchange, request_id)


def _shortened(fault: Fault) -> Fault:
    """Bound the message as it is sent: percent-encoded."""
    message = fault.message
    if len(quote(message)) <= MAX_MESSAGE_BYTES:
        return fault
    while len(quote(message)) > MAX_MESSAGE_BYTES:
        message = message[: min(len(message), MAX_MESSAGE_BYTES) * 3 // 4]
    return _copy(fault, f"{message} ...", fault.violations)


def _narrowed(fault: Fault) -> Fault:
    """Keep the first violations, each in few words; the message says that there are more."""
    violations = tuple(
        FieldViolation(_clip(item.field, MAX_FIELD), _clip(item.description, MAX_WORDS))
        for item in fault.violations[:MAX_VIOLATIONS]
    )
    return _copy(fault, fault.message, violations)


def _copy(fault: Fault, message: str, violations: tuple[FieldViolation, ...]) -> Fault:
    return Fault(
        fault.kind,
        fault.origin,
        fault.reason,
        message,
        violations=violations,
        retry_after_s=fault.retry_after_s,
        retryable=fault.retryable,
    )


def _essence(exchange: Exchange) -> Exchange:
    """Copy an exchange without the text of candidates and without excluded endpoints."""
    decision = exchange.decision
    return replace(
        exchange,
        candidates=[_bare(best(exchange.candidates))] if exchange.candidates else [],
        decision=replace(decision, excluded=()) if decision is not None else None,
    )


def _asking(decision: RoutingDecision | None) -> RoutingDecision | None:
    """Keep of a decision only what the caller is asked; None where that is nothing."""
    learned = None if decision is None else decision.learned
    if decision is None or learned is None or learned.clarification is None:
        return None
    return replace(decision, fallbacks=(), detail="")


def _bare(candidate: Candidate) -> Candidate:
    refusals = [verdict for verdict in candidate.verdicts if verdict.refuses]
    return replace(
        candidate,
        completion=replace(candidate.completion, text=""),
        verdicts=tuple(
            replace(verdict, reason=_clip(verdict.reason, MAX_WORDS))
            for verdict in refusals[:MAX_VERDICTS]
        ),
    )


def _brief(attempt: Attempt) -> Attempt:
    return replace(attempt, detail=_clip(attempt.detail, MAX_WORDS))


def _clip(text: str, size: int) -> str:
    """Cut to so many bytes, between characters."""
    return text.encode()[:size].decode(errors="ignore")

"""Decisions, attempts, verdicts, candidates and answers on the wire."""

from __future__ import annotations

from ensemble.v1 import decision_pb2, gateway_service_pb2, result_pb2
from google.protobuf.duration_pb2 import Duration

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, Candidate, FinishReason, Usage
from gateway.core.constraint import Verdict
from gateway.core.decision import RoutingDecision
from gateway.core.hole import Request
from gateway.wire.enums import (
    ATTEMPT_STATUS,
    CAPABILITY,
    CHAIN_POLICY,
    FINISH,
    FINISH_FROM,
    REASON,
    VERDICT_STATUS,
)
from gateway.wire.learned import clarification_to_wire, learned_to_wire

NANOS = 1_000_000_000


def duration(seconds: float) -> Duration:
    """Write a span of time; negative spans count as 0."""
    wire = Duration()
    _set_duration(wire, seconds)
    return wire


def _set_duration(wire: Duration, seconds: float) -> None:
    # Messages inside a message are written in place: the runtime copies one that is handed to it
    # by serialising and parsing it again, and these are on every request's path.
    wire.seconds, wire.nanos = divmod(max(0, round(seconds * NANOS)), NANOS)


def finish_from_wire(number: int) -> FinishReason:
    """Read why generation ended; an unknown number counts as not stated."""
    return FINISH_FROM.get(number, FinishReason.UNSPECIFIED)


def usage_to_wire(usage: Usage) -> result_pb2.Usage:
    """Write token counts."""
    wire = result_pb2.Usage()
    _set_usage(wire, usage)
    return wire


def _set_usage(wire: result_pb2.Usage, usage: Usage) -> None:
    wire.prompt_tokens = usage.prompt_tokens
    wire.completion_tokens = usage.completion_tokens


def decision_to_wire(
    decision: RoutingDecision, *, with_learned: bool = True
) -> decision_pb2.RoutingDecision:
    """Write a decision; `with_learned` is False where there is little room."""
    learned = decision.learned if with_learned else None
    capability = CAPABILITY[decision.capability] if decision.capability else None
    return decision_pb2.RoutingDecision(
        primary=decision.primary,
        fallbacks=decision.fallbacks,
        reason=REASON[decision.reason],
        detail=decision.detail,
        capability=capability,
        complexity=decision.complexity,
        estimator=decision.estimator,
        chain_policy=CHAIN_POLICY[decision.chain_policy],
        excluded=[
            decision_pb2.ExcludedEndpoint(
                endpoint=item.endpoint, reason=item.reason.name, detail=item.detail
            )
            for item in decision.excluded
        ],
        snapshot_version=decision.snapshot_version,
        learned=None if learned is None else learned_to_wire(learned),
    )


def route_to_wire(decision: RoutingDecision, decision_id: str) -> gateway_service_pb2.RouteResponse:
    """Write where a hole would go."""
    wire = gateway_service_pb2.RouteResponse(
        decision=decision_to_wire(decision), decision_id=decision_id
    )
    learned = decision.learned
    if learned is not None and learned.clarification is not None:
        wire.clarification.CopyFrom(clarification_to_wire(learned.clarification))
    return wire


def verdict_to_wire(verdict: Verdict) -> result_pb2.Verdict:
    """Write a verdict."""
    wire = result_pb2.Verdict()
    _set_verdict(wire, verdict)
    return wire


def _set_verdict(wire: result_pb2.Verdict, verdict: Verdict) -> None:
    wire.constraint = verdict.constraint
    wire.status = VERDICT_STATUS[verdict.status]
    wire.reason = verdict.reason
    wire.required = verdict.required


def attempt_to_wire(attempt: Attempt) -> result_pb2.Attempt:
    """Write an attempt."""
    wire = result_pb2.Attempt()
    _set_attempt(wire, attempt)
    return wire


def _set_attempt(wire: result_pb2.Attempt, attempt: Attempt) -> None:
    wire.endpoint = attempt.endpoint
    wire.try_number = attempt.try_number
    wire.status = ATTEMPT_STATUS[attempt.status]
    wire.reason = attempt.reason
    wire.detail = attempt.detail
    wire.cost_micros = attempt.cost_micros
    wire.candidate = attempt.candidate
    if attempt.part:
        wire.part = attempt.part
    _set_duration(wire.elapsed, attempt.elapsed_s)
    _set_usage(wire.usage, attempt.usage)


def candidate_to_wire(candidate: Candidate) -> result_pb2.Candidate:
    """Write a candidate with its text."""
    logprobs = candidate.completion.logprobs
    return result_pb2.Candidate(
        index=candidate.index,
        endpoint=candidate.endpoint,
        model=candidate.completion.model,
        text=candidate.completion.text,
        finish_reason=FINISH[candidate.completion.finish_reason],
        confidence=candidate.confidence,
        verdicts=[verdict_to_wire(verdict) for verdict in candidate.verdicts],
        seed=candidate.seed,
        temperature=candidate.temperature,
        mean_logprob=sum(logprobs) / len(logprobs) if logprobs else None,
        usage=usage_to_wire(candidate.completion.usage),
        elapsed=duration(candidate.elapsed_s),
        check_time=duration(candidate.check_s),
        cases_run=len(candidate.behaviour),
        cases_passed=sum(candidate.behaviour),
        cluster=candidate.cluster,
        utility=candidate.utility,
    )


def answer_to_bytes(answer: Answer, request: Request, *, trace_id: str = "") -> bytes:
    """Write an answer as its message's bytes.

    Requests of the same traits share one decision, so its bytes are kept: in protobuf the fields
    of a message may be serialised apart and joined.
    """
    rest = answer_to_wire(answer, request, trace_id=trace_id, with_decision=False)
    return rest.SerializeToString() + _decision_bytes(answer.decision)


_KEPT: dict[int, tuple[RoutingDecision, bytes]] = {}
MAX_KEPT = 512


def _decision_bytes(decision: RoutingDecision) -> bytes:
    """Return field `decision` of a GenerateResponse; keyed by identity, for hashing costs more."""
    if decision.learned is not None:
        # Made for one request only.
        return _encoded(decision)
    kept = _KEPT.get(id(decision))
    if kept is not None:
        return kept[1]
    if len(_KEPT) >= MAX_KEPT:
        _KEPT.clear()
    encoded = _encoded(decision)
    # The decision is kept beside its bytes, so that its identity cannot be given to another.
    _KEPT[id(decision)] = (decision, encoded)
    return encoded


def _encoded(decision: RoutingDecision) -> bytes:
    wire = gateway_service_pb2.GenerateResponse(decision=decision_to_wire(decision))
    return wire.SerializeToString()


def answer_to_wire(
    answer: Answer,
    request: Request,
    *,
    trace_id: str = "",
    with_text: bool = True,
    with_decision: bool = True,
) -> gateway_service_pb2.GenerateResponse:
    """Write an answer; `with_text` is False for the last event of a stream."""
    chosen = answer.chosen
    completion = chosen.completion
    wire = gateway_service_pb2.GenerateResponse()
    if with_text:
        wire.text = completion.text
    wire.finish_reason = FINISH[completion.finish_reason]
    wire.endpoint = chosen.endpoint
    wire.model = completion.model
    wire.cost_micros = answer.cost_micros
    wire.confidence = chosen.confidence
    wire.confidence_method = chosen.method
    wire.request_id = request.request_id
    wire.trace_id = trace_id
    wire.decision_id = answer.decision_id
    wire.job_id = answer.job_id
    if answer.partial:
        wire.partial = True
    if request.hole.spec.hole_id is not None:
        wire.hole_id = request.hole.spec.hole_id
    _set_usage(wire.usage, answer.usage)
    _set_duration(wire.elapsed, answer.elapsed_s)
    if answer.cache_age_s is not None:
        wire.cached = True
        _set_duration(wire.cache_age, answer.cache_age_s)
    for verdict in chosen.verdicts:
        _set_verdict(wire.verdicts.add(), verdict)
    for attempt in answer.attempts:
        _set_attempt(wire.attempts.add(), attempt)
    if request.return_candidates:
        wire.candidates.extend([candidate_to_wire(one) for one in answer.candidates])
    if with_decision:
        wire.decision.CopyFrom(decision_to_wire(answer.decision))
    return wire

"""Messages about a hole as answers: its route, its fill."""

from __future__ import annotations

from ensemble.v1 import decision_pb2 as pb
from ensemble.v1 import result_pb2
from ensemble.v1.gateway_service_pb2 import GenerateResponse, RouteResponse

from gateway.cli.explaining import why
from gateway.cli.mcp_server import route_answers as answers
from gateway.cli.mcp_server.bounds import first
from gateway.cli.mcp_server.plain import ms, told, word

MOST_FILL = 100_000
"""Characters of a fill."""


def route_of(answer: RouteResponse) -> answers.Route:
    """Tell where a hole would go, and everything that the router went by."""
    decision = answer.decision
    asked = answer.HasField("clarification")
    return told(
        answers.Route,
        decision,
        why=why(answer),
        rule=word(pb.RoutingReason, "ROUTING_REASON", decision.reason),
        capability=word(pb.Capability, "CAPABILITY", decision.capability),
        chain_policy=word(pb.ChainPolicy, "CHAIN_POLICY", decision.chain_policy),
        excluded=[told(answers.Excluded, one) for one in first(decision.excluded)[0]],
        decision_id=answer.decision_id,
        clarification=told(answers.Questions, answer.clarification) if asked else None,
        learned=_learned(decision.learned) if decision.HasField("learned") else None,
    )


def _learned(found: pb.LearnedDecision) -> answers.Learned:
    return told(
        answers.Learned,
        found,
        layers=[
            told(
                answers.Layer,
                one,
                status=word(pb.LayerStatus, "LAYER_STATUS", one.status),
                elapsed_ms=one.elapsed_s * 1000,
            )
            for one in first(found.layers)[0]
        ],
        scores=[
            told(answers.Score, one, quality=one.quality if one.HasField("quality") else None)
            for one in first(found.scores)[0]
        ],
    )


def fill_of(answer: GenerateResponse) -> answers.Fill:
    """Tell a fill; its text is the model's, cut only where it is very long."""
    attempts, more = first(answer.attempts)
    return told(
        answers.Fill,
        answer,
        text=answer.text[:MOST_FILL],
        text_chars=len(answer.text),
        text_cut=len(answer.text) > MOST_FILL,
        finish_reason=word(result_pb2.FinishReason, "FINISH_REASON", answer.finish_reason),
        verdicts=[verdict_of(one) for one in first(answer.verdicts)[0]],
        attempts=[attempt_of(one) for one in attempts],
        omitted_attempts=more,
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        elapsed_ms=ms(answer.elapsed),
    )


def verdict_of(one: result_pb2.Verdict) -> answers.Verdict:
    """Tell what a check found."""
    status = word(result_pb2.VerdictStatus, "VERDICT_STATUS", one.status)
    return told(answers.Verdict, one, status=status)


def attempt_of(one: result_pb2.Attempt) -> answers.Attempt:
    """Tell a call to an endpoint."""
    status = word(result_pb2.AttemptStatus, "ATTEMPT_STATUS", one.status)
    return told(answers.Attempt, one, status=status, elapsed_ms=ms(one.elapsed))

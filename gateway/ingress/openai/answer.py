"""Answers of the core in the form of this API: choices, usage and what the gateway adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import json_format

from gateway.core.answer import Answer
from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.core.chat import ToolCall
from gateway.core.exchange import Exchange
from gateway.ingress.openai.wanted import Api, Wanted
from gateway.wire.result import answer_to_wire

FINISH: Mapping[FinishReason, str] = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
    # That API has no word for it, and the text is whole.
    FinishReason.UNSPECIFIED: "stop",
}
OBJECTS: Mapping[Api, str] = {Api.CHAT: "chat.completion", Api.COMPLETIONS: "text_completion"}
ID_PREFIXES: Mapping[Api, str] = {Api.CHAT: "chatcmpl-", Api.COMPLETIONS: "cmpl-"}

Done = tuple[Exchange, Answer]


def whole(
    wanted: Wanted, done: Sequence[Done], request_id: str, created: int, trace_id: str
) -> dict[str, Any]:
    """Write the answer to a call that is not streamed; `done` has one pair for each choice."""
    api = wanted.api
    return {
        "id": ID_PREFIXES[api] + request_id,
        "object": OBJECTS[api],
        "created": created,
        "model": done[0][1].chosen.endpoint,
        "choices": [_choice(wanted, index, answer) for index, (_, answer) in enumerate(done)],
        "usage": usage_of([answer for _, answer in done]),
        "ensemble": ensemble_of(wanted, done, trace_id),
    }


def _choice(wanted: Wanted, index: int, answer: Answer) -> dict[str, Any]:
    completion = answer.chosen.completion
    common: dict[str, Any] = {
        "logprobs": logprobs_of(wanted, index, completion),
        "finish_reason": finish_of(answer),
    }
    if wanted.api is Api.COMPLETIONS:
        return {"index": index, "text": completion.text, **common}
    calls = completion.tool_calls
    # What only calls tools has no content in that API.
    content = None if calls and not completion.text else completion.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if calls:
        message["tool_calls"] = [call_of(call) for call in calls]
    return {"index": index, "message": message, **common}


def call_of(call: ToolCall) -> dict[str, Any]:
    """Write a call of a tool."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def finish_of(answer: Answer) -> str:
    """Say why a text ended. One whose job was stopped is not whole."""
    if answer.partial:
        return FINISH[FinishReason.LENGTH]
    completion = answer.chosen.completion
    return "tool_calls" if completion.tool_calls else FINISH[completion.finish_reason]


def usage_of(answers: Sequence[Answer]) -> dict[str, int]:
    """Add up the tokens of all attempts of all choices."""
    usage: Usage = answers[0].usage
    for answer in answers[1:]:
        usage = usage.plus(answer.usage)
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def logprobs_of(wanted: Wanted, index: int, completion: Completion) -> dict[str, Any] | None:
    """Write the log-probabilities that were asked for; None where the endpoint tells none."""
    tokens, numbers = completion.tokens, completion.logprobs
    if not tokens or not wanted.requests[index].sampling.logprobs:
        return None
    if wanted.api is Api.CHAT:
        content = [
            {"token": token, "logprob": number, "bytes": list(token.encode()), "top_logprobs": []}
            for token, number in zip(tokens, numbers, strict=True)
        ]
        return {"content": content, "refusal": None}
    offsets: list[int] = []
    at = 0
    for token in tokens:
        offsets.append(at)
        at += len(token)
    return {
        "tokens": list(tokens),
        "token_logprobs": list(numbers),
        "top_logprobs": None,
        "text_offset": offsets,
    }


def ensemble_of(wanted: Wanted, done: Sequence[Done], trace_id: str) -> dict[str, Any]:
    """Tell how the answer came about; of several choices, each one's in `choices`."""
    if len(done) == 1:
        return about(wanted, done[0], trace_id)
    return {
        "attempts": sum(len(answer.attempts) for _, answer in done),
        "cost_micros": sum(answer.cost_micros for _, answer in done),
        "choices": [about(wanted, one, trace_id) for one in done],
    }


def about(wanted: Wanted, done: Done, trace_id: str) -> dict[str, Any]:
    """Tell how one choice came about.

    `response` is the GenerateResponse of the gRPC contract in JSON, for a caller who sent
    `ensemble`.
    """
    exchange, answer = done
    chosen, trace = answer.chosen, exchange.trace_id or trace_id
    told: dict[str, Any] = {
        "endpoint": chosen.endpoint,
        "model": chosen.completion.model,
        "attempts": len(answer.attempts),
        "confidence": chosen.confidence,
        "confidence_method": chosen.method,
        "verdicts": [
            {"constraint": one.constraint, "status": one.status, "required": one.required}
            for one in chosen.verdicts
        ],
        "reason": answer.decision.reason,
        "cost_micros": answer.cost_micros,
        "cached": answer.cache_age_s is not None,
        "cache_age_s": answer.cache_age_s,
        "trace_id": trace,
        "decision_id": answer.decision_id,
        "job_id": answer.job_id,
        "partial": answer.partial,
    }
    if wanted.extended:
        wire = answer_to_wire(answer, exchange.request, trace_id=trace, with_text=False)
        told["response"] = json_format.MessageToDict(wire, preserving_proto_field_name=True)
    return told

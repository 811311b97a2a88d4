"""Answers as a ModelInferResponse: texts in tensors, what is said of them in parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.core.answer import Answer
from gateway.core.faults import Fault
from gateway.core.hole import Request
from gateway.ingress.context import STATUS_CODES
from gateway.ingress.oip.inference import OUTPUTS, TEXT, VERSION, Inference
from gateway.wire.failure import CODES
from gateway.wire.oip.inference import ModelInferResponse, ModelStreamInferResponse
from gateway.wire.oip.parameters import CODE, FINAL, Value, set_values
from gateway.wire.oip.tensors import DECIMAL, set_decimals, set_texts

Answered = tuple[Request, Answer]

_READ: Mapping[str, Callable[[Request, Answer], str]] = {
    TEXT: lambda _, answer: answer.chosen.completion.text,
    "endpoint": lambda _, answer: answer.chosen.endpoint,
    "model": lambda _, answer: answer.chosen.completion.model,
    "finish_reason": lambda _, answer: answer.chosen.completion.finish_reason,
    "request_id": lambda request, _: request.request_id,
}


def response_of(asked: Inference, answered: Sequence[Answered]) -> ModelInferResponse:
    """Write one answer for each element, in the shape that was asked in."""
    wire = _named(asked)
    raws: list[bytes] | None = [] if asked.raw else None
    for name in asked.outputs or (TEXT,):
        tensor = wire.outputs.add(name=name, shape=asked.shape)
        if OUTPUTS[name] == DECIMAL:
            set_decimals(tensor, [answer.chosen.confidence for _, answer in answered], raws)
        else:
            set_texts(tensor, (_READ[name](*one) for one in answered), raws)
    wire.raw_output_contents.extend(raws or ())
    set_values(wire.parameters, _said(answered))
    return wire


def piece_of(asked: Inference, text: str, endpoint: str) -> ModelStreamInferResponse:
    """Write a piece of streamed text."""
    wire = _with_text(asked, text)
    set_values(wire.parameters, {"endpoint": endpoint, FINAL: False})
    return ModelStreamInferResponse(infer_response=wire)


def last_of(asked: Inference, answered: Answered, rest: str) -> ModelStreamInferResponse:
    """Write the last answer of a stream: the text that no piece carried, and what is said of all.

    It has the output, though mostly empty, so that a reader need not tell it from the others.
    """
    wire = _with_text(asked, rest)
    set_values(wire.parameters, {**_said([answered]), FINAL: True})
    return ModelStreamInferResponse(infer_response=wire)


def failure_of(model: str, key: str, fault: Fault, request_id: str) -> ModelStreamInferResponse:
    """Write why a request on a stream failed; `key` is what its caller knows it by."""
    wire = ModelInferResponse(model_name=model, id=key)
    code = STATUS_CODES[CODES[fault.kind]].name
    said = {CODE: code, "reason": fault.reason, "request_id": request_id, FINAL: True}
    set_values(wire.parameters, said)
    return ModelStreamInferResponse(error_message=fault.message, infer_response=wire)


def _named(asked: Inference) -> ModelInferResponse:
    return ModelInferResponse(model_name=asked.model, model_version=VERSION, id=asked.id)


def _with_text(asked: Inference, text: str) -> ModelInferResponse:
    wire = _named(asked)
    raws: list[bytes] | None = [] if asked.raw else None
    set_texts(wire.outputs.add(name=TEXT, shape=asked.shape), (text,), raws)
    wire.raw_output_contents.extend(raws or ())
    return wire


def _said(answered: Sequence[Answered]) -> dict[str, Value | None]:
    """Say what an answer cost, and of a single one where it came from."""
    usages = [answer.usage for _, answer in answered]
    sums: dict[str, Value | None] = {
        "prompt_tokens": sum(usage.prompt_tokens for usage in usages),
        "completion_tokens": sum(usage.completion_tokens for usage in usages),
        "cost_micros": sum(answer.cost_micros for _, answer in answered),
    }
    if len(answered) > 1:
        return sums
    ((request, answer),) = answered
    chosen = answer.chosen
    return {
        **sums,
        "endpoint": chosen.endpoint,
        "model": chosen.completion.model,
        "finish_reason": str(chosen.completion.finish_reason),
        "confidence": chosen.confidence,
        "request_id": request.request_id,
        "decision_id": answer.decision_id or None,
        "cached": answer.cache_age_s is not None,
    }

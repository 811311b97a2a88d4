"""The request of OpenAI-compatible calls: its body, and the headers that depend on the caller."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gateway.core.constraint import ConstraintBody, Grammar, GrammarSyntax, JsonSchema, Regex
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Hole, Sampling
from gateway.core.ports import Draft, Operation, Task
from gateway.upstreams.errors import UNSUPPORTED
from gateway.upstreams.headers import REQUEST_ID, outgoing
from gateway.upstreams.openai_chat import chat_fields, passed_through
from gateway.upstreams.openai_fim import FimTemplate
from gateway.upstreams.options import Dialect, OpenAiMode, UpstreamOptions
from gateway.upstreams.prompt import AUTHOR, REVIEWER, chat_prompt, review_prompt

PATHS: Mapping[OpenAiMode, str] = {
    OpenAiMode.CHAT: "/chat/completions",
    OpenAiMode.COMPLETIONS: "/completions",
}


def body_of(
    task: Task, endpoint: Endpoint, options: UpstreamOptions, *, stream: bool
) -> dict[str, Any]:
    """Build the body. Only what is set is sent: servers answer 500 to parameters they dislike.

    In chat, a conversation of the caller's goes on as it came, with its tools.

    The older call has no place for instructions: there a repair is a fill like the first one, drawn
    by another endpoint or with another seed, and a critique raises Fault.
    """
    hole = task.request.hole
    chat = options.openai_mode is OpenAiMode.CHAT
    critique = task.operation is Operation.CRITIQUE
    body: dict[str, Any] = {"model": endpoint.model}
    if chat:
        said = passed_through(task)
        body.update({"messages": _messages(task)} if said is None else chat_fields(said))
    elif critique:
        raise UNSUPPORTED.fault(endpoint)
    else:
        body.update(_around(hole.prompt + task.partial, hole.suffix, options.fim))
    body.update(_sampling(task.sampling, options.dialect, body.get("stop", ())))
    if options.logprobs or task.sampling.logprobs:
        # The older call takes the number of alternatives; 1 is the least that all servers accept.
        body["logprobs"] = True if chat else 1
    if not critique:
        body.update(steering(hole, options, tools="tools" in body))
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def headers_of(task: Task, options: UpstreamOptions) -> dict[str, str]:
    """Say what goes with the body: trace context, request id, authorization.

    llama.cpp's Python server answers 400, with no body, to a request id that is no UUID.
    """
    headers = dict(outgoing(task.request, options.authorization))
    named = headers.get(REQUEST_ID, "")
    if named and options.dialect is Dialect.LLAMACPP and not _is_uuid(named):
        del headers[REQUEST_ID]
    return headers


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _messages(task: Task) -> list[dict[str, str]]:
    hole, draft = task.request.hole, task.draft
    match task.operation:
        case Operation.GENERATE:
            system, user = AUTHOR, chat_prompt(hole, task.partial)
        case Operation.REPAIR:
            system, user = AUTHOR, chat_prompt(hole, task.partial, draft)
        case Operation.CRITIQUE:
            system, user = REVIEWER, review_prompt(hole, draft or Draft(""))
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _around(prefix: str, suffix: str, template: FimTemplate | None) -> dict[str, Any]:
    """Write the code on both sides of the hole, with what ends a fill where a template is used."""
    if not suffix:
        return {"prompt": prefix}
    if template is None:
        return {"prompt": prefix, "suffix": suffix}
    ends = {"stop": template.stop} if template.stop else {}
    return {"prompt": template.prompt(prefix, suffix), **ends}


def _sampling(sampling: Sampling, dialect: Dialect, ends: Sequence[str]) -> dict[str, Any]:
    fields = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        # Signed 64 bits there, unsigned here.
        "seed": None if sampling.seed is None else sampling.seed % 2**63,
        "stop": list(dict.fromkeys((*sampling.stop, *ends))) or None,
        "top_k": None if dialect is Dialect.OPENAI else sampling.top_k,
    }
    return {name: value for name, value in fields.items() if value is not None}


def steering(hole: Hole, options: UpstreamOptions, *, tools: bool = False) -> dict[str, Any]:
    """Choose the one constraint that the server is asked to keep to while decoding.

    Servers refuse more than one. The hole's own schema and grammar go first, then the constraints
    by priority; the first that the dialect can express is taken. Beside `tools` it is that of the
    API itself: llama.cpp refuses a grammar there, and one that is kept to leaves no room for calls.
    Every check runs here anyway.
    """
    own = (hole.spec.json_schema, hole.spec.grammar)
    ranked = sorted(hole.constraints, key=lambda item: (not item.required, -item.priority))
    for body in (*own, *(constraint.body for constraint in ranked)):
        fields = None if body is None else _fields(body, options)
        if fields and (not tools or "response_format" in fields):
            return fields
    return {}


def _fields(body: ConstraintBody, options: UpstreamOptions) -> dict[str, Any] | None:
    match body:
        case JsonSchema(text):
            return _schema_fields(_parsed(text), options)
        case Grammar() as grammar:
            return _grammar_fields(grammar, options.dialect)
        case Regex(pattern, flags="") if options.dialect is Dialect.VLLM:
            return {"guided_regex": pattern}
        case Regex(pattern, flags="") if options.dialect is Dialect.VLLM_STRUCTURED:
            return {"structured_outputs": {"regex": pattern}}
        case _:
            return None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Checked at the ingress; a caller in process may have skipped that, and it is a hint only.
        return None


def _schema_fields(schema: object, options: UpstreamOptions) -> dict[str, Any] | None:
    if schema is None:
        return None
    if options.openai_mode is OpenAiMode.CHAT:
        if options.dialect is Dialect.LLAMACPP:
            # The only form that both llama.cpp's server and its Python binding read.
            return {"response_format": {"type": "json_object", "schema": schema}}
        named = {"name": "fill", "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    match options.dialect:
        case Dialect.LLAMACPP:
            return {"json_schema": schema}
        case Dialect.VLLM:
            return {"guided_json": schema}
        case Dialect.VLLM_STRUCTURED:
            return {"structured_outputs": {"json": schema}}
        case _:
            return None


def _grammar_fields(grammar: Grammar, dialect: Dialect) -> dict[str, Any] | None:
    if not grammar.text:
        return None
    match dialect:
        case Dialect.LLAMACPP if grammar.syntax is GrammarSyntax.GBNF:
            return {"grammar": grammar.text}
        case Dialect.VLLM:
            return {"guided_grammar": grammar.text}
        case Dialect.VLLM_STRUCTURED:
            return {"structured_outputs": {"grammar": grammar.text}}
        case _:
            return None

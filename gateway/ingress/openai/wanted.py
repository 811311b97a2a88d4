"""From the body of a call to the requests that the core works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from gateway.core.chat import Chat
from gateway.core.composition import PipelineDefinition
from gateway.core.constraint import Constraint, JsonSchema
from gateway.core.faults import Fault, invalid
from gateway.core.hole import NO_SAMPLING, Hole, Request, Sampling, Strategy
from gateway.core.snapshot import Snapshot
from gateway.core.value import value
from gateway.ensemble.door import NOTHING_ASKED, Asked
from gateway.ensemble.selection import AUTO, select
from gateway.ingress.messages import check
from gateway.ingress.openai.body import CHAT, COMPLETIONS, MAX_CHOICES, Body, Reader, body_of
from gateway.ingress.openai.caller import Caller
from gateway.ingress.openai.extension import NAME, Extension, extension_of, renamed
from gateway.wire.request import request_from_wire

MAX_PROMPT_BYTES = 2 * 1024 * 1024
MAX_LABELS = 32
OPEN = (None,) * 5
MOST_BYTES_A_CHARACTER = 4
FORMAT = "response_format"
"""Name of the constraint that it becomes, and so of its verdict."""


class Api(StrEnum):
    """The two calls that fill a hole."""

    CHAT = "chat"
    COMPLETIONS = "completions"


@value
class Wanted:
    """What a call asks for: a request for each choice, and how it wants them answered.

    `model` is the word that the caller selected by. `extended`: it sent `ensemble`, and so gets all
    that is known in return. `name`: the id that it gave the request, which makes it idempotent.
    `timeout_s` is None where nothing but the gateway's own limit holds.
    """

    api: Api
    model: str
    requests: tuple[Request, ...]
    stream: bool = False
    include_usage: bool = False
    timeout_s: float | None = None
    extended: bool = False
    name: str = ""
    asked: Asked = NOTHING_ASKED


@value
class Known:
    """What the words of a request are looked up in."""

    snapshot: Snapshot
    pipelines: Mapping[str, PipelineDefinition]


def wanted_of(
    api: Api,
    document: Mapping[str, object],
    caller: Caller,
    known: Known,
    local: Callable[[], bool],
) -> Wanted:
    """Read a call. Raises Fault naming the field at fault in the caller's terms.

    `local` says whether the caller is on this machine; it is asked where that matters only.
    """
    body = body_of(document, _READERS[api])
    _contradictions(api, body)
    extension = None if body.extension is None else extension_of(body.extension)
    requests = [
        _selected(body, _request(api, body, hole, caller, extension), known)
        for hole in _holes(api, body)
    ]
    message = None if extension is None else extension.message
    asked = NOTHING_ASKED
    if message is not None or caller.trace_id:
        trace, detached = (message.trace, message.detached) if message else (False, False)
        asked = Asked(caller.trace_id, trace, trace and local(), detached)
    return Wanted(
        api,
        body.model or AUTO,
        _choices(requests, body.n),
        body.stream,
        body.include_usage,
        _timeout(body, caller, extension),
        extension is not None,
        "" if message is None else message.request_id,
        asked,
    )


_READERS: Mapping[Api, Mapping[str, Reader]] = {Api.CHAT: CHAT, Api.COMPLETIONS: COMPLETIONS}


def _contradictions(api: Api, body: Body) -> None:
    """Refuse fields that do not go together."""
    if api is Api.CHAT:
        if not body.messages:
            raise invalid("messages", "is missing")
        if body.top_logprobs and not body.logprobs:
            raise invalid("top_logprobs", "needs logprobs = true")
        if body.tool_choice and not body.tools:
            raise invalid("tool_choice", "needs tools")
    elif not body.prompts:
        raise invalid("prompt", "is missing")
    if body.n * max(1, len(body.prompts)) > MAX_CHOICES:
        raise invalid("n", f"there would be more than {MAX_CHOICES} choices in all")
    if body.best_of not in {None, body.n} and body.n > 1:
        raise invalid("best_of", "goes together with n = 1 only; ask for each choice by itself")
    if body.include_usage and not body.stream:
        raise invalid("stream_options", "needs stream = true")


def _holes(api: Api, body: Body) -> tuple[Hole, ...]:
    constraints = (Constraint(FORMAT, JsonSchema(body.schema)),) if body.schema else ()
    if api is Api.COMPLETIONS:
        return tuple(
            Hole(_bounded("prompt", prompt), _bounded("suffix", body.suffix, least=0))
            for prompt in body.prompts
        )
    transcript = Chat(body.messages).transcript
    return (Hole(_bounded("messages", transcript), constraints=constraints),)


def _bounded(field: str, text: str, least: int = 1) -> str:
    if len(text) < least:
        raise invalid(field, "must not be empty")
    # Encoding is for the few that may be too long.
    if len(text) * MOST_BYTES_A_CHARACTER > MAX_PROMPT_BYTES < len(text.encode()):
        raise invalid(field, f"must be at most {MAX_PROMPT_BYTES} bytes of text")
    return text


def _request(
    api: Api, body: Body, hole: Hole, caller: Caller, extension: Extension | None
) -> Request:
    chat = None
    if api is Api.CHAT:
        chat = Chat(body.messages, body.tools, body.tool_choice, body.parallel_tool_calls)
    sampling = _sampling(body)
    best_of = body.best_of if body.best_of != body.n else None
    if extension is not None:
        return _extended(body, hole, caller, extension, chat, sampling, best_of)
    return Request(
        hole,
        caller.request_id,
        sampling,
        None if best_of is None else Strategy.BEST_OF_N,
        best_of,
        labels=tuple(sorted(dict(body.labels).items())) if body.labels else (),
        trace_context=caller.trace_context,
        tenant=caller.tenant,
        chat=chat,
    )


def _sampling(body: Body) -> Sampling:
    stated = (body.max_tokens, body.temperature, body.top_p, None, body.seed)
    if stated == OPEN and not body.stop and not body.logprobs:
        return NO_SAMPLING
    return Sampling(*stated, body.stop, body.logprobs)


def _extended(
    body: Body,
    hole: Hole,
    caller: Caller,
    extension: Extension,
    chat: Chat | None,
    sampling: Sampling,
    best_of: int | None,
) -> Request:
    """Read the extension the way a gRPC request is read, and put what stands beside it in."""
    message = extension.message
    if message.suffix:
        raise invalid(f"{NAME}.suffix", "is for /v1/completions, where it stands beside `prompt`")
    if best_of is not None and (message.strategy or message.HasField("n")):
        raise invalid("best_of", f"says the same as {NAME}.strategy and {NAME}.n; give one of them")
    if not (message.request_id.isascii() and message.request_id.isprintable()):
        raise invalid(f"{NAME}.request_id", "must be printable ASCII: it is sent as a header")
    message.prompt, message.suffix = hole.prompt, hole.suffix
    try:
        check(message)
        read = request_from_wire(
            message,
            request_id=caller.request_id,
            trace_context=caller.trace_context,
            tenant=caller.tenant,
        )
    except Fault as fault:
        raise renamed(fault, "prompt" if chat is None else "messages") from None
    labels = {**dict(body.labels), **dict(read.labels)}
    if len(labels) > MAX_LABELS:
        raise invalid(f"{NAME}.labels", f"there are more than {MAX_LABELS} with `metadata`")
    constraints = (*read.hole.constraints, *hole.constraints)
    return replace(
        read,
        hole=replace(read.hole, constraints=constraints),
        sampling=replace(sampling, top_k=read.sampling.top_k),
        strategy=Strategy.BEST_OF_N if best_of is not None else read.strategy,
        n=best_of if best_of is not None else read.n,
        labels=tuple(sorted(labels.items())),
        chat=chat,
    )


def _selected(body: Body, request: Request, known: Known) -> Request:
    if not body.model:
        return request
    selected = select(request, body.model, known.snapshot, known.pipelines)
    if selected.strategy is Strategy.PIPELINE and request.strategy not in {
        None,
        Strategy.PIPELINE,
    }:
        raise invalid("model", f"{body.model!r} is a pipeline, which has no other strategy")
    return selected


def _choices(requests: list[Request], n: int) -> tuple[Request, ...]:
    """Make a request for each choice: those of one prompt stand together."""
    if n == len(requests) == 1:
        return (requests[0],)
    each = [(request, place) for request in requests for place in range(n)]
    return tuple(_numbered(request, place, index) for index, (request, place) in enumerate(each))


def _numbered(request: Request, place: int, index: int) -> Request:
    sampling = request.sampling
    if sampling.seed is not None:
        sampling = replace(sampling, seed=sampling.seed + place)
    return replace(request, request_id=f"{request.request_id}-{index}", sampling=sampling)


def _timeout(body: Body, caller: Caller, extension: Extension | None) -> float | None:
    """The shortest of what the caller says.

    The silence that its client bears is the whole time where nothing comes before the answer.
    """
    if extension is None and caller.timeout_s is None and caller.silence_s is None:
        return None
    given = (
        None if extension is None else extension.timeout_s,
        caller.timeout_s,
        None if body.stream else caller.silence_s,
    )
    return min((one for one in given if one is not None), default=None)

"""What real OpenAI-compatible servers were seen to do, and what becomes of it."""

from __future__ import annotations

import json

import pytest

from gateway.core.candidate import NO_USAGE, FinishReason
from gateway.core.faults import Kind, Origin, Reason
from tests.fakes.rig import Rig

pytestmark = pytest.mark.parametrize("rig", ["chat", "completions"], indirect=True)

LLAMA_OVERFLOW = {
    "message": "This model's maximum context length is 1024 tokens, however you requested 3026",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}
LLAMACPP_OVERFLOW = {
    "code": 400,
    "message": "request (4476 tokens) exceeds the available context size (4096 tokens)",
    "type": "exceed_context_size_error",
}
VLLM_OVERFLOW = {
    "message": "This model's maximum context length is 4096 tokens. However, you requested 5000",
    "type": "BadRequestError",
    "param": None,
    "code": 400,
}
LITELLM_OVERFLOW = {
    "message": "litellm.ContextWindowExceededError: litellm.BadRequestError: too much",
    "type": "invalid_request_error",
    "param": None,
    "code": "400",
}
TGI_OVERFLOW = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"
OVERFLOWS = {
    "llama-cpp-python": (400, {"error": LLAMA_OVERFLOW}),
    "llama.cpp": (400, {"error": LLAMACPP_OVERFLOW}),
    "llama.cpp, older": (500, {"error": LLAMACPP_OVERFLOW | {"type": "server_error"}}),
    "vllm": (400, {"error": VLLM_OVERFLOW}),
    "vllm, older": (400, {"object": "error", **VLLM_OVERFLOW}),
    "litellm": (400, {"error": LITELLM_OVERFLOW}),
    "tgi": (422, {"error": TGI_OVERFLOW, "error_type": "validation"}),
}


def answer(status: int, document: object) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def error(status: int, words: str, kind: str | None, code: str | None) -> bytes:
    return answer(status, {"error": {"message": words, "type": kind, "param": None, "code": code}})


@pytest.mark.parametrize("server", OVERFLOWS)
async def test_a_prompt_beyond_the_context_is_the_callers_and_said_to_be_too_large(
    rig: Rig, streamed: bool, server: str
) -> None:
    rig.server.raw = answer(*OVERFLOWS[server])
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)
    assert fault.reason is Reason.UPSTREAM_REFUSED_REQUEST
    assert "so large a request" in fault.message


VALIDATION = [
    "[{'type': 'literal_error', 'loc': ('body', 'messages', 0), 'msg': 'Input should be ...'}]",
    "1 validation error:\n  {'type': 'less_than_equal', 'loc': ('body', 'top_p'), 'msg': '...'}",
    "2 validation errors:\n  {'type': 'missing', 'loc': ('body', 'prompt'), 'msg': 'Field ...'}",
]


@pytest.mark.parametrize("words", VALIDATION)
async def test_a_parameter_that_a_server_fails_at_with_500_is_still_the_callers(
    rig: Rig, streamed: bool, words: str
) -> None:
    """Else a caller could open the breaker of a healthy endpoint."""
    rig.server.raw = error(500, words, "internal_server_error", None)
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)
    assert not fault.against_endpoint


@pytest.mark.parametrize(
    "words", ["", "CUDA error", "the prompt was: [{'type': 'a', 'loc': ('body', 'b')}]"]
)
async def test_any_other_500_is_the_endpoints(rig: Rig, streamed: bool, words: str) -> None:
    """Whatever the prompt says that its words may quote."""
    rig.server.raw = error(500, words, "internal_server_error", None)
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.reason) == (Kind.UNAVAILABLE, Reason.UPSTREAM_ERROR)
    assert fault.against_endpoint


NO_MODEL = "/chat/completions: Invalid model name passed in model=nope. Call `/v1/models` to view"
LITELLM = [
    (429, "throttling_error", "429", "litellm.RateLimitError: slow", Reason.UPSTREAM_OVERLOADED),
    (500, "internal_server_error", "500", "litellm.InternalServerError", Reason.UPSTREAM_ERROR),
    (400, "invalid_request_error", "400", "litellm.BadRequest", Reason.UPSTREAM_REFUSED_REQUEST),
    (400, "invalid_request_error", "400", NO_MODEL, Reason.UPSTREAM_MODEL_UNKNOWN),
    (400, "no_db_connection", "400", "No connected db.", Reason.UPSTREAM_AUTH),
    (401, "auth_error", "401", "Authentication Error", Reason.UPSTREAM_AUTH),
    (408, None, "408", "litellm.Timeout", Reason.UPSTREAM_TIMEOUT),
    (503, None, "503", "litellm.ServiceUnavailableError", Reason.UPSTREAM_UNAVAILABLE),
]  # fmt: skip


@pytest.mark.parametrize("row", LITELLM, ids=lambda row: f"{row[0]} {row[1]} {row[4]}")
async def test_the_errors_of_litellm_have_their_reasons(
    rig: Rig, streamed: bool, row: tuple[int, str, str, str, Reason]
) -> None:
    status, kind, code, words, reason = row
    rig.server.raw = error(status, words, kind, code)
    fault = await rig.fault(streamed)
    assert fault.reason is reason
    assert "litellm" not in repr(fault).lower()


async def test_an_error_of_litellm_within_a_stream_is_read_by_its_code(rig: Rig) -> None:
    event = {"error": {"message": "m", "type": "None", "param": "None", "code": "429"}}
    rig.server.raw = stream(event)
    assert (await rig.fault(streamed=True)).reason is Reason.UPSTREAM_OVERLOADED


def stream(*events: object) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return head + b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def piece(rig: Rig, text: str | None, **more: object) -> dict[str, object]:
    chat = rig.options.openai_mode == "chat"
    said = {"delta": {"content": text}} if chat else {"text": text}
    return {"choices": [{"index": 0, **said, **more}]}


async def test_number_of_choices_is_never_asked_for_since_servers_ignore_it(
    rig: Rig, streamed: bool
) -> None:
    """Each candidate is a call of its own."""
    await rig.ask(streamed, candidate=1)
    assert "n" not in rig.server.witness.asked[0].body


async def test_a_choice_that_was_not_asked_for_is_left_out(rig: Rig) -> None:
    other = piece(rig, "other")
    other["choices"][0]["index"] = 1
    rig.server.raw = stream(
        piece(rig, "a"), other, piece(rig, "b", finish_reason="stop"), "[DONE]"
    ).replace(b'"[DONE]"', b"[DONE]")
    assert (await rig.ask(streamed=True)).text == "ab"


async def test_a_stream_may_have_no_usage_null_text_and_empty_chunks(rig: Rig) -> None:
    """Whatever `stream_options` asked for; an empty chunk is half a character held back."""
    rig.server.raw = stream(
        piece(rig, None),
        piece(rig, ""),
        piece(rig, "\N{SNOWMAN}"),
        piece(rig, ""),
        piece(rig, None, finish_reason="length"),
    )
    completion = await rig.ask(streamed=True)
    assert rig.server.witness.asked[0].body["stream_options"] == {"include_usage": True}
    assert (completion.text, completion.usage) == ("\N{SNOWMAN}", NO_USAGE)
    assert completion.finish_reason is FinishReason.LENGTH
    assert rig.sent == ["\N{SNOWMAN}"]


async def test_a_model_goes_by_the_name_that_the_server_tells(rig: Rig, streamed: bool) -> None:
    """Some servers echo whatever name they are asked for: it proves nothing."""
    for told in ("tiny", "another-one"):
        rig.script.model = told
        assert (await rig.ask(streamed)).model == told


async def test_each_token_comes_with_its_text(rig: Rig, streamed: bool) -> None:
    completion = await rig.ask(streamed)
    assert completion.tokens == rig.script.pieces
    assert len(completion.tokens) == len(completion.logprobs)

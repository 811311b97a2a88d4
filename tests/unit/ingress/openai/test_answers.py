from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer import Answer
from gateway.core.candidate import (
    Attempt,
    AttemptStatus,
    Candidate,
    Completion,
    FinishReason,
    Usage,
)
from gateway.core.chat import ToolCall
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange
from gateway.ingress.openai.answer import FINISH, Done, whole
from gateway.ingress.openai.chunks import DONE, Chunks
from gateway.ingress.openai.wanted import Wanted
from tests.fakes.openai_door import chat, completion

DECISION = RoutingDecision(
    primary="a",
    fallbacks=(),
    reason=RoutingReason.FAST_MATCH,
    detail="",
    capability=None,
    complexity=0.0,
    estimator="v2",
    chain_policy=ChainPolicy.PREFER,
    excluded=(),
    snapshot_version=1,
)
CALL = ToolCall("c-1", "weather", '{"city": "Rome"}')
CALL_JSON = {
    "id": "c-1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
}


def done(wanted: Wanted, text: str = "hi", index: int = 0, **fields: Any) -> Done:
    """An answer to one choice; what no completion has goes to the answer."""
    of_answer = {name: fields.pop(name) for name in ("partial", "cache_age_s") if name in fields}
    made = Completion(text, **{"finish_reason": FinishReason.STOP, "model": "tiny", **fields})
    verdict = Verdict("non_empty", VerdictStatus.PASSED)
    candidate = Candidate(0, "a", made, (verdict,), 0.5, "validators")
    attempt = Attempt("a", 1, AttemptStatus.OK, usage=Usage(10, 5), cost_micros=7)
    answer = Answer(candidate, DECISION, (attempt,), (candidate,), 0.1, **of_answer)
    return Exchange(wanted.requests[index], Deadline(1.0)), answer


def answered(wanted: Wanted, *answers: Done) -> Any:
    """What the caller reads."""
    return whole(wanted, answers, "r", 5, "")


def test_a_chat_answer_has_the_form_of_that_api() -> None:
    wanted = chat()
    document = answered(wanted, done(wanted))
    told = document.pop("ensemble")
    assert document == {
        "id": "chatcmpl-r",
        "object": "chat.completion",
        "created": 5,
        "model": "a",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    assert (told["endpoint"], told["model"], told["attempts"]) == ("a", "tiny", 1)
    assert (told["cost_micros"], told["reason"], told["cached"]) == (7, "fast_match", False)
    assert "response" not in told


def test_a_completion_has_the_form_of_that_api() -> None:
    wanted = completion()
    document = answered(wanted, done(wanted))
    assert (document["id"], document["object"]) == ("cmpl-r", "text_completion")
    assert document["choices"] == [
        {"index": 0, "text": "hi", "logprobs": None, "finish_reason": "stop"}
    ]


def test_an_extended_caller_gets_the_whole_response_of_the_contract() -> None:
    wanted = chat(ensemble={"return_candidates": True})
    response = answered(wanted, done(wanted))["ensemble"]["response"]
    assert response["candidates"][0]["text"] == "hi"
    assert response["decision"]["reason"] == "ROUTING_REASON_FAST_MATCH"
    assert "text" not in response


@pytest.mark.parametrize("reason", FinishReason)
def test_every_finish_reason_has_a_word(reason: FinishReason) -> None:
    wanted = completion()
    choice = answered(wanted, done(wanted, finish_reason=reason))["choices"][0]
    assert choice["finish_reason"] == FINISH[reason]


def test_what_a_stopped_job_had_is_not_told_as_whole() -> None:
    wanted = chat()
    document = answered(wanted, done(wanted, partial=True))
    assert document["choices"][0]["finish_reason"] == "length"
    assert document["ensemble"]["partial"] is True


def test_calls_of_tools_take_the_place_of_the_content() -> None:
    wanted = chat()
    (choice,) = answered(wanted, done(wanted, "", tool_calls=(CALL,)))["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [CALL_JSON]
    (beside,) = answered(wanted, done(wanted, "so", tool_calls=(CALL,)))["choices"]
    assert beside["message"]["content"] == "so"


def test_several_choices_are_summed_up() -> None:
    wanted = chat(n=2)
    document = answered(wanted, done(wanted), done(wanted, "ho", 1))
    assert [choice["index"] for choice in document["choices"]] == [0, 1]
    assert document["usage"]["total_tokens"] == 30
    assert (document["ensemble"]["attempts"], document["ensemble"]["cost_micros"]) == (2, 14)
    assert [each["endpoint"] for each in document["ensemble"]["choices"]] == ["a", "a"]


TOLD = {"tokens": ("h", "é"), "logprobs": (-0.5, -1.0)}


def test_logprobs_of_chat_have_the_tokens_with_their_bytes() -> None:
    wanted = chat(logprobs=True)
    (choice,) = answered(wanted, done(wanted, "hé", **TOLD))["choices"]
    assert choice["logprobs"]["content"] == [
        {"token": "h", "logprob": -0.5, "bytes": [104], "top_logprobs": []},
        {"token": "é", "logprob": -1.0, "bytes": [195, 169], "top_logprobs": []},
    ]


def test_logprobs_of_completions_have_the_places_of_the_tokens() -> None:
    wanted = completion(logprobs=1)
    (choice,) = answered(wanted, done(wanted, "hé", **TOLD))["choices"]
    assert choice["logprobs"] == {
        "tokens": ["h", "é"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": None,
        "text_offset": [0, 1],
    }


def test_logprobs_are_null_where_not_asked_for_or_not_told() -> None:
    asked, unasked = chat(logprobs=True), chat()
    assert answered(asked, done(asked))["choices"][0]["logprobs"] is None
    assert answered(unasked, done(unasked, **TOLD))["choices"][0]["logprobs"] is None


def documents(raw: bytes) -> list[Any]:
    """Read events the way a client does: an event ends with an empty line."""
    assert raw.endswith(b"\n\n")
    events = raw.decode().removesuffix("\n\n").split("\n\n")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def chunks(wanted: Wanted) -> Chunks:
    return Chunks(wanted, "r", 5, "a")


def test_a_streamed_chat_says_its_role_its_text_and_why_it_ended() -> None:
    wanted = chat(stream=True)
    writes = chunks(wanted)
    raw = writes.role(0) + writes.text(0, "hi") + writes.end(0, done(wanted), "")
    first, text, last = documents(raw)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    common = {"id": "chatcmpl-r", "object": "chat.completion.chunk", "created": 5, "model": "a"}
    choice = {"index": 0, "delta": {"content": "hi"}, "logprobs": None, "finish_reason": None}
    assert text == {**common, "choices": [choice]}
    assert last["choices"][0]["delta"] == {}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["ensemble"]["endpoint"] == "a"
    assert writes.usage([done(wanted)[1]]) == b""


def test_a_streamed_completion_has_no_role() -> None:
    wanted = completion(stream=True)
    writes = chunks(wanted)
    assert writes.role(0) == b""
    text, last = documents(writes.text(0, "hi") + writes.end(0, done(wanted), ""))
    assert text["choices"] == [{"index": 0, "text": "hi", "logprobs": None, "finish_reason": None}]
    assert last["choices"][0]["text"] == ""


def test_usage_comes_last_without_a_choice_and_is_null_before() -> None:
    wanted = chat(stream=True, stream_options={"include_usage": True})
    writes = chunks(wanted)
    text, usage = documents(writes.text(0, "hi") + writes.usage([done(wanted)[1]]))
    assert text["usage"] is None
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 15


def test_calls_of_tools_are_streamed_before_the_end() -> None:
    wanted = chat(stream=True)
    calls, last = documents(chunks(wanted).end(0, done(wanted, "", tool_calls=(CALL,)), ""))
    assert calls["choices"][0]["delta"] == {"tool_calls": [{"index": 0, **CALL_JSON}]}
    assert last["choices"][0]["finish_reason"] == "tool_calls"


def test_logprobs_of_a_stream_come_with_its_end() -> None:
    wanted = chat(stream=True, logprobs=True)
    (last,) = documents(chunks(wanted).end(0, done(wanted, "hé", **TOLD), ""))
    assert len(last["choices"][0]["logprobs"]["content"]) == 2


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
def test_any_text_survives_its_frame(pieces: list[str]) -> None:
    writes = chunks(chat(stream=True))
    found = documents(b"".join(writes.text(0, piece) for piece in pieces))
    assert [one["choices"][0]["delta"]["content"] for one in found] == pieces


def test_the_end_mark_is_that_of_the_api() -> None:
    assert DONE == b"data: [DONE]\n\n"

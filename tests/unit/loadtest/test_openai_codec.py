from __future__ import annotations

import json

import pytest
from ensemble_loadtest.flights import Flight
from ensemble_loadtest.openai_codec import bodies, read_answer, read_event, word_of
from ensemble_loadtest.prompts import Asking, Prompt

HOLE = Prompt("def f():\n    ", "\n")


def raw(**document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_completion_has_the_suffix_and_a_chat_marks_the_hole() -> None:
    asking = Asking(model="m", max_tokens=5, temperature=0.0)
    (body,) = map(json.loads, bodies([HOLE], asking, stream=False))
    assert body == {
        "model": "m", "max_tokens": 5, "temperature": 0.0, "prompt": HOLE.prompt, "suffix": "\n",
    }  # fmt: skip
    (body,) = map(json.loads, bodies([HOLE], Asking(chat=True), stream=True))
    assert body["messages"][-1]["content"] == "def f():\n    <hole>\n"
    assert body["stream_options"] == {"include_usage": True}
    assert "temperature" not in body


def test_a_whole_answer_tells_its_tokens_and_the_gateways_additions() -> None:
    flight = Flight(0, 0.0)
    answer = raw(
        choices=[{"text": "x"}],
        usage={"prompt_tokens": 3, "completion_tokens": 4},
        ensemble={"endpoint": "fast", "cost_micros": 9, "cached": True},
    )
    assert read_answer(flight, answer) == ""
    told = (flight.prompt_tokens, flight.completion_tokens, flight.cost_micros, flight.endpoint)
    assert told == (3, 4, 9, "fast")
    assert flight.cached


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "MALFORMED_MESSAGE"),
        (b"[]", "MALFORMED_MESSAGE"),
        (raw(choices=[]), "NO_ANSWER"),
        (raw(), "NO_ANSWER"),
    ],
)
def test_what_is_no_answer_is_none(body: bytes, reason: str) -> None:
    assert read_answer(Flight(0, 0.0), body) == reason


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"[DONE]", (False, True, "")),
        (raw(choices=[{"delta": {"role": "assistant", "content": ""}}]), (False, False, "")),
        (raw(choices=[{"delta": {"content": None}}]), (False, False, "")),
        (raw(choices=[{"delta": {"content": "x"}}]), (True, False, "")),
        (raw(choices=[{"text": "x"}]), (True, False, "")),
        (raw(choices=[{"delta": {}, "finish_reason": "stop"}]), (False, True, "")),
        (raw(choices=[], usage={"completion_tokens": 3}), (False, False, "")),
        (raw(error={"code": "overloaded"}), (False, False, "STREAM_ERROR overloaded")),
        (raw(error="?"), (False, False, "STREAM_ERROR")),
        (b"x", (False, False, "MALFORMED_MESSAGE")),
    ],
)
def test_only_text_counts_as_a_piece_of_a_stream(
    data: bytes, found: tuple[bool, bool, str]
) -> None:
    assert read_event(Flight(0, 0.0), data) == found


def test_an_error_is_named_by_its_code_else_by_its_type() -> None:
    assert word_of({"error": {"code": "model_not_found", "type": "x"}}) == "model_not_found"
    assert word_of({"error": {"code": None, "type": "server_error"}}) == "server_error"
    assert word_of({"detail": "no"}) == word_of(None) == ""

from __future__ import annotations

import json

import pytest

from gateway.core.candidate import NO_USAGE, FinishReason, Usage
from gateway.upstreams.openai_answer import (
    NonsenseError,
    Part,
    ReportedError,
    document_of,
    part_of,
)
from gateway.upstreams.openai_stream import StreamedFill


def test_the_first_choice_counts_whatever_comes_first() -> None:
    choices = [{"index": 1, "text": "b"}, {"index": 0, "text": "a", "finish_reason": "length"}]
    part = part_of({"choices": choices, "model": "m"})
    assert part == Part("a", FinishReason.LENGTH, "m", has_choice=True)


def test_what_is_missing_or_null_is_empty() -> None:
    assert part_of({}) == Part()
    assert part_of({"choices": [{"message": {"content": None}, "finish_reason": None}]}) == Part(
        has_choice=True
    )
    nothing = {"choices": [{"delta": None, "text": None, "logprobs": {"content": None}}]}
    assert part_of(nothing) == Part(has_choice=True)


def test_a_reason_never_heard_of_still_ends_the_text() -> None:
    part = part_of({"choices": [{"text": "", "finish_reason": "tool_calls"}]})
    assert part.finish_reason is FinishReason.UNSPECIFIED


def test_logprobs_skip_tokens_without_one() -> None:
    part = part_of({"choices": [{"text": "", "logprobs": {"token_logprobs": [None, -1, -2.5]}}]})
    assert part.logprobs == (-1.0, -2.5)


@pytest.mark.parametrize(
    "document",
    [
        {"choices": {}},
        {"choices": ["x"]},
        {"choices": [{"text": 7}]},
        {"choices": [{"message": "x"}]},
        {"choices": [{"text": "\ud83d"}]},
        {"choices": [{"text": "", "logprobs": {"token_logprobs": ["x"]}}]},
        {"choices": [{"text": "", "logprobs": {"content": [7]}}]},
        {"usage": {"prompt_tokens": -1}},
        {"usage": {"prompt_tokens": 2**32}},
        {"usage": {"completion_tokens": "many"}},
        {"usage": 3},
        {"model": ["m"]},
    ],
)
def test_wrong_types_are_nonsense(document: dict[str, object]) -> None:
    with pytest.raises(NonsenseError):
        part_of(document)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b'"a"', b"[" * 100_000])
def test_documents_are_json_objects(raw: bytes) -> None:
    with pytest.raises(NonsenseError):
        document_of(raw)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"error": {"code": "c", "type": "t"}}, ("c", "t", None)),
        ({"error": "words"}, ()),
        ({"object": "error", "type": "t", "code": 400}, (400, "t", None)),
    ],
)
def test_errors_are_found_in_every_form(
    document: dict[str, object], names: tuple[object, ...]
) -> None:
    with pytest.raises(ReportedError) as caught:
        part_of(document)
    assert caught.value.names == names
    assert "words" not in str(caught.value)


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def test_a_fill_grows_and_ends() -> None:
    fill = StreamedFill(fenced=False)
    one = event(choices=[{"text": "a", "logprobs": {"token_logprobs": [-1]}}], model="m")
    assert list(fill.feed(one)) == ["a"]
    assert (fill.complete, fill.done, fill.size) == (False, False, 9)
    assert not list(fill.feed(event(choices=[{"text": "", "finish_reason": "stop"}])))
    assert (fill.complete, fill.done) == (True, False)
    list(fill.feed(event(usage={"prompt_tokens": 1, "completion_tokens": 2})))
    list(fill.feed(event(usage=None)))
    assert not list(fill.feed(b"data: [DONE]\n\n" + event(choices=[{"text": "late"}])))
    assert fill.done
    completion = fill.completion()
    assert (completion.text, completion.usage) == ("a", Usage(1, 2))
    assert (completion.model, completion.logprobs) == ("m", (-1.0,))
    assert not fill.finish()


def test_a_stream_without_usage_has_none() -> None:
    assert StreamedFill(fenced=True).completion().usage == NO_USAGE


def test_a_named_error_event_is_an_error_whatever_its_form() -> None:
    for data, names in ((b'{"type": "t"}', (None, "t", None)), (b'{"error": "x"}', ())):
        with pytest.raises(ReportedError) as caught:
            list(StreamedFill(fenced=False).feed(b"event: error\ndata: " + data + b"\n\n"))
        assert caught.value.names == names

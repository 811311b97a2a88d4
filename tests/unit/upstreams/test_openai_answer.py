from __future__ import annotations

import json

import pytest

from gateway.core.candidate import NO_USAGE, FinishReason, Usage
from gateway.core.chat import ToolCall
from gateway.upstreams.openai_answer import Part, ReportedError, Tokens, part_of
from gateway.upstreams.openai_chat import CallPart, calls_of
from gateway.upstreams.openai_json import NonsenseError, document_of
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
    part = part_of({"choices": [{"text": "", "finish_reason": "tired"}]})
    assert part.finish_reason is FinishReason.UNSPECIFIED


def logprobs(**fields: object) -> Tokens:
    return part_of({"choices": [{"text": "", "logprobs": fields}]}).tokens


def test_logprobs_skip_tokens_without_one() -> None:
    assert logprobs(token_logprobs=[None, -1, -2.5]) == Tokens((-1.0, -2.5))
    assert logprobs(token_logprobs=[None, -1], tokens=["a", "b"]) == Tokens((-1.0,), ("b",))


def test_the_text_of_each_token_stands_beside_its_logprob_in_both_forms() -> None:
    both = Tokens((-0.5, -1.0), ("re", "turn"))
    assert logprobs(token_logprobs=[-0.5, -1], tokens=["re", "turn"]) == both
    content = [{"token": "re", "logprob": -0.5}, {"token": "turn", "logprob": -1}]
    assert logprobs(content=content) == both


@pytest.mark.parametrize("texts", [["a"], ["a", None], ["a", 7], ["a", "\ud83d"]])
def test_texts_of_tokens_that_do_not_fit_are_left_out(texts: list[object]) -> None:
    assert logprobs(token_logprobs=[-1, -2], tokens=texts) == Tokens((-1.0, -2.0))


def test_logprobs_that_are_no_numbers_of_this_world_are_left_out_with_their_tokens() -> None:
    assert logprobs(token_logprobs=[-1, float("-inf")], tokens=["a", "b"]) == Tokens()


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
        {"choices": [{"message": {"tool_calls": ["x"]}}]},
        {"choices": [{"message": {"tool_calls": {}}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": -1}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 128}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": "f"}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {}}}]}}]},
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
        ({"error": "the prompt is too long: my words"}, ("context_length_exceeded",)),
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


def test_calls_of_tools_are_read_with_or_without_a_text() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"content": None, "tool_calls": [call, call | {"id": "c2"}]}
    part = part_of({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    assert (part.text, part.finish_reason) == ("", FinishReason.STOP)
    assert calls_of(part.calls) == (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))


def streamed_calls(*deltas: list[dict[str, object]]) -> tuple[ToolCall, ...]:
    fill = StreamedFill(fenced=False)
    for calls in deltas:
        assert not list(fill.feed(event(choices=[{"delta": {"tool_calls": calls}}])))
    return fill.completion().tool_calls


def added(arguments: str, **fields: object) -> dict[str, object]:
    name = {"name": fields.pop("name")} if "name" in fields else {}
    return {**fields, "function": {**name, "arguments": arguments}}


def test_calls_that_are_streamed_side_by_side_are_put_together_by_their_numbers() -> None:
    assert streamed_calls(
        [added("", index=0, id="a", name="f"), added("[", index=1, id="b", name="g")],
        [added("]", index=1)],
        [added("{", index=0), added("}", index=0)],
    ) == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]"))


def test_calls_without_numbers_come_one_after_the_other() -> None:
    deltas = ([added("{", id="a", name="f")], [added("}")], [added("[]", name="g")])
    assert streamed_calls(*deltas) == (ToolCall("a", "f", "{}"), ToolCall("", "g", "[]"))


def test_a_part_of_a_call_that_never_began_is_nonsense() -> None:
    with pytest.raises(NonsenseError):
        streamed_calls([added("}")])
    with pytest.raises(NonsenseError):
        calls_of([CallPart(name="f")] * 129)


def test_the_arguments_of_calls_count_towards_the_size() -> None:
    fill = StreamedFill(fenced=False)
    list(fill.feed(event(choices=[{"delta": {"tool_calls": [added("x" * 99, index=0)]}}])))
    assert fill.size == 100


def test_tokens_are_told_only_when_every_one_has_a_text() -> None:
    fill = StreamedFill(fenced=False)
    told = {"content": [{"token": "a", "logprob": -1}]}
    list(fill.feed(event(choices=[{"delta": {"content": "a"}, "logprobs": told}])))
    assert (fill.completion().logprobs, fill.completion().tokens) == ((-1.0,), ("a",))
    untold = {"content": [{"logprob": -1}]}
    list(fill.feed(event(choices=[{"delta": {"content": "b"}, "logprobs": untold}])))
    assert (fill.completion().logprobs, fill.completion().tokens) == ((-1.0, -1.0), ())


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

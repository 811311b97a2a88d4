"""Bodies that are refused, each by the field that is at fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.faults import Fault, Kind
from gateway.ingress.openai.body import CHAT, COMPLETIONS
from gateway.ingress.openai.params import named
from gateway.ingress.openai.wanted import Api, wanted_of
from tests.fakes.openai_door import ASKER, HELLO, KNOWN, WEATHER, param_at_fault

BAD_IN_BOTH = [
    ({"model": 5}, "model"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stream": True, "stream_options": {"more": True}}, "stream_options.more"),
    ({"stream": True, "stream_options": []}, "stream_options"),
    ({"n": 0}, "n"),
    ({"n": 17}, "n"),
    ({"n": True}, "n"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"temperature": 2.5}, "temperature"),
    ({"temperature": False}, "temperature"),
    ({"top_p": 0}, "top_p"),
    ({"seed": -1}, "seed"),
    ({"stop": [""]}, "stop"),
    ({"stop": 5}, "stop"),
    ({"stop": ["x"] * 17}, "stop"),
    ({"presence_penalty": 0.5}, "presence_penalty"),
    ({"frequency_penalty": 1}, "frequency_penalty"),
    ({"logit_bias": {"5": 1}}, "logit_bias"),
    ({"user": "x" * 513}, "user"),
    ({"user": 5}, "user"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"metadata": {str(k): "" for k in range(17)}}, "metadata"),
    ({"unheard_of": 1}, "unheard_of"),
    ({"ensemble": "all"}, "ensemble"),
    ({"ensemble": {"unheard_of": 1}}, "ensemble.unheard_of"),
    ({"ensemble": {"prompt": "x"}}, "ensemble.prompt"),
    ({"ensemble": {"sampling": {}}}, "ensemble.sampling"),
    ({"ensemble": {"suffix": "x"}}, "ensemble.suffix"),
    ({"ensemble": {"strategy": "worst"}}, "ensemble.strategy"),
    ({"ensemble": {"strategy": 2}}, "ensemble.strategy"),
    ({"ensemble": {"strategy": "STRATEGY_UNSPECIFIED"}}, "ensemble.strategy"),
    ({"ensemble": {"n": 200}}, "ensemble.n"),
    ({"ensemble": {"n": "5"}}, "ensemble.n"),
    ({"ensemble": {"n": 2**70}}, "ensemble"),
    ({"ensemble": {"repair": 1}}, "ensemble.repair"),
    ({"ensemble": {"language": 3}}, "ensemble.hole.language"),
    ({"ensemble": {"hole": 3}}, "ensemble.hole"),
    ({"ensemble": {"hole": 3, "language": "go"}}, "ensemble.hole"),
    ({"ensemble": {"kind": "huge"}}, "ensemble.hole.kind"),
    ({"ensemble": {"labels": {"a": 1}}}, "ensemble.labels.a"),
    ({"ensemble": {"labels": []}}, "ensemble.labels"),
    ({"ensemble": {"constraints": {}}}, "ensemble.constraints"),
    ({"ensemble": {"constraints": [5]}}, "ensemble.constraints[0]"),
    ({"ensemble": {"constraints": [{"name": "a"}]}}, "ensemble.constraints[0].body"),
    ({"ensemble": {"constraints": [{"name": 1}]}}, "ensemble.constraints[0].name"),
    (
        {"ensemble": {"constraints": [{"name": "a", "regex": {"pattern": ""}}]}},
        "ensemble.constraints[0].regex.pattern",
    ),
    (
        {"ensemble": {"constraints": [{"name": "a", "regex": {"pattern": "a"}, "grammar": {}}]}},
        "ensemble",
    ),
    ({"ensemble": {"timeout_s": 0}}, "ensemble.timeout_s"),
    ({"ensemble": {"budget": {"max_wall_time": -1}}}, "ensemble.budget.max_wall_time"),
    ({"ensemble": {"request_id": "café"}}, "ensemble.request_id"),
    ({"ensemble": {"session_id": "s" * 129}}, "ensemble.session_id"),
    ({"ensemble": {"objective": "fastest", "routing_mode": "rules"}}, "ensemble.objective"),
]
BAD_IN_CHAT = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": [5]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "x", "mood": "!"}]}, "messages[0].mood"),
    ({"messages": [{"role": "user", "content": "x", "name": 5}]}, "messages[0].name"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    (
        {"messages": [{"role": "tool", "content": "x", "tool_call_id": ""}]},
        "messages[0].tool_call_id",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages[0].content[0].type",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        "messages[0].content[0].type",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages[0].content[0].text",
    ),
    (
        {"messages": [{"role": "assistant", "content": "x", "audio": {"id": "y"}}]},
        "messages[0].audio",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"type": "custom"}]}]},
        "messages[0].tool_calls[0].type",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]},
        "messages[0].tool_calls[0].function",
    ),
    ({"prompt": "x"}, "prompt"),
    ({"suffix": "x"}, "suffix"),
    ({"max_tokens": 5, "max_completion_tokens": 6}, "max_completion_tokens"),
    ({"logprobs": 5}, "logprobs"),
    ({"top_logprobs": 5}, "top_logprobs"),
    ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
    ({"tools": [{"type": "custom"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
    ({"tools": [WEATHER] * 129}, "tools"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": {"type": "custom"}}, "tool_choice.type"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        "response_format.json_schema.schema",
    ),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"a": "x" * 300_000}},
            }
        },
        "response_format.json_schema.schema",
    ),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"functions": []}, "functions"),
    ({"function_call": "auto"}, "function_call"),
    ({"reasoning_effort": "high"}, "reasoning_effort"),
    ({"web_search_options": {"a": 1}}, "web_search_options"),
    ({"messages": [{"role": "user", "content": "x" * (2 * 1024 * 1024 + 1)}]}, "messages"),
]
BAD_IN_COMPLETIONS = [
    ({"prompt": None}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": [1, 2]}, "prompt"),
    ({"prompt": [[1, 2]]}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"suffix": 5}, "suffix"),
    ({"suffix": "é" * (1024 * 1024 + 1)}, "suffix"),
    ({"prompt": ["a"] * 9, "n": 2}, "n"),
    ({"best_of": 0}, "best_of"),
    ({"best_of": 4, "n": 2}, "best_of"),
    ({"best_of": 2, "ensemble": {"n": 3}}, "best_of"),
    ({"best_of": 2, "ensemble": {"strategy": "sequential"}}, "best_of"),
    ({"logprobs": 6}, "logprobs"),
    ({"logprobs": True}, "logprobs"),
    ({"echo": True}, "echo"),
    ({"messages": HELLO}, "messages"),
    ({"tools": [WEATHER]}, "tools"),
]


@pytest.mark.parametrize(("fields", "param"), BAD_IN_BOTH + BAD_IN_CHAT)
def test_a_chat_body_that_is_wrong_is_refused_by_the_field(fields: Any, param: str) -> None:
    assert param_at_fault(Api.CHAT, {"messages": HELLO, **fields}) == param


@pytest.mark.parametrize(("fields", "param"), BAD_IN_BOTH + BAD_IN_COMPLETIONS)
def test_a_completions_body_that_is_wrong_is_refused_by_the_field(fields: Any, param: str) -> None:
    assert param_at_fault(Api.COMPLETIONS, {"prompt": "x", **fields}) == param


def test_labels_of_both_places_are_bounded_together() -> None:
    labels = {str(number): "" for number in range(20)}
    more = {f"m{number}": "" for number in range(16)}
    body = {"messages": HELLO, "metadata": more, "ensemble": {"labels": labels}}
    assert param_at_fault(Api.CHAT, body) == "ensemble.labels"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "auto", "a", "text", "user", "best_of_n", "function", "tool"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "function", "name", "strategy", "hole", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(api=st.sampled_from(Api), data=st.data())
def test_any_body_is_a_request_or_names_what_is_wrong(api: Api, data: st.DataObject) -> None:
    readers = CHAT if api is Api.CHAT else COMPLETIONS
    names = st.sampled_from(sorted(readers)) | st.text(max_size=4)
    good = {"messages": HELLO} if api is Api.CHAT else {"prompt": "x"}
    body = data.draw(st.dictionaries(names, JSON, max_size=4))
    if data.draw(st.booleans()):
        body = {**body, **good}
    try:
        wanted = wanted_of(api, body, ASKER, KNOWN, lambda: True)
    except Fault as fault:
        assert fault.kind in {Kind.INVALID, Kind.NOT_FOUND}
        assert named(fault, None)[1] is not None or "" in body
    else:
        assert wanted.requests

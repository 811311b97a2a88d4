from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.core.chat import ChatMessage, ToolCall
from gateway.core.constraint import Constraint, ForbiddenText, JsonSchema
from gateway.core.endpoint import Capability
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import (
    NO_SAMPLING,
    Budget,
    CachePolicy,
    EndpointFilter,
    HoleKind,
    Objective,
    Priority,
    RoutingMode,
    Sampling,
    Strategy,
)
from gateway.ensemble.door import Asked
from gateway.ingress.openai.params import named
from gateway.ingress.openai.wanted import Api
from tests.fakes.openai_door import (
    WEATHER,
    asker,
    chat,
    completion,
    one,
    param_at_fault,
)

CALL = {"id": "c-1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def test_a_conversation_goes_on_as_it_came_with_its_transcript_as_the_prompt() -> None:
    messages = [
        {"role": "system", "content": "be brief", "name": "boss"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None},
        {"role": "tool", "content": "sunny", "tool_call_id": "c-1"},
    ]
    request = one(chat(messages=messages, tools=[WEATHER], tool_choice="auto"))
    assert request.chat is not None
    assert request.chat.messages == (
        ChatMessage("system", "be brief", "boss"),
        ChatMessage("user", "a\nb"),
        ChatMessage("assistant", "", "", (ToolCall("c-1", "weather", "{}"),)),
        ChatMessage("tool", "sunny", "", (), "c-1"),
    )
    assert request.hole.prompt == request.chat.transcript
    assert json.loads(request.chat.tools) == [WEATHER]
    assert json.loads(request.chat.tool_choice) == "auto"
    assert request.chat.parallel_tool_calls is None


def test_a_choice_of_a_tool_is_passed_on_as_json() -> None:
    choice = {"type": "function", "function": {"name": "weather"}}
    request = one(chat(tools=[WEATHER], tool_choice=choice, parallel_tool_calls=False))
    assert request.chat is not None
    assert json.loads(request.chat.tool_choice) == choice
    assert request.chat.parallel_tool_calls is False


def test_prompt_and_suffix_are_the_two_sides_of_a_hole() -> None:
    request = one(completion(prompt="def f(", suffix="):", user="ann"))
    assert (request.hole.prompt, request.hole.suffix) == ("def f(", "):")
    assert request.chat is None
    assert request.labels == (("user", "ann"),)


def test_what_is_left_open_stays_open() -> None:
    request = one(chat(model=None, temperature=None, tools=[], response_format={"type": "text"}))
    assert request.sampling is NO_SAMPLING
    assert (request.strategy, request.n, request.labels) == (None, None, ())
    assert request.endpoint_filter == EndpointFilter()
    assert request.hole.constraints == ()


def test_sampling_is_read() -> None:
    fields = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["a", "b"], "logprobs": True}
    request = one(chat(max_completion_tokens=9, top_logprobs=3, **fields))
    assert request.sampling == Sampling(9, 0.5, 0.9, None, 7, ("a", "b"), logprobs=True)
    assert one(completion(max_tokens=9, logprobs=0, stop="z")).sampling == Sampling(
        max_tokens=9, stop=("z",), logprobs=True
    )
    assert one(chat(max_tokens=9, max_completion_tokens=9)).sampling == Sampling(max_tokens=9)


@pytest.mark.parametrize(
    ("format_", "schema"),
    [
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"a": 1}}}, {"a": 1}),
    ],
)
def test_a_format_is_a_required_constraint(format_: Any, schema: Any) -> None:
    (constraint,) = one(chat(response_format=format_)).hole.constraints
    assert constraint.name == "response_format"
    assert constraint.required
    assert isinstance(constraint.body, JsonSchema)
    assert json.loads(constraint.body.text) == schema


def test_each_choice_is_a_request_of_its_own_with_a_seed_of_its_own() -> None:
    requests = chat(n=3, seed=5).requests
    assert [request.request_id for request in requests] == ["r-0", "r-1", "r-2"]
    assert [request.sampling.seed for request in requests] == [5, 6, 7]
    assert {request.sampling.seed for request in chat(n=2).requests} == {None}


def test_the_choices_of_each_prompt_stand_together() -> None:
    requests = completion(prompt=["a", "b"], n=2, seed=1).requests
    assert [request.hole.prompt for request in requests] == ["a", "a", "b", "b"]
    assert [request.sampling.seed for request in requests] == [1, 2, 1, 2]


def test_best_of_asks_for_the_best_of_so_many_candidates() -> None:
    request = one(completion(best_of=4))
    assert (request.strategy, request.n) == (Strategy.BEST_OF_N, 4)
    assert one(completion(best_of=1)).strategy is None
    assert [each.strategy for each in completion(best_of=2, n=2).requests] == [None, None]


@pytest.mark.parametrize(
    ("model", "selected"),
    [
        ("a", EndpointFilter(names=frozenset({"a"}))),
        ("b", EndpointFilter(names=frozenset({"b"}))),
        (
            "fast_inference",
            EndpointFilter(required_capabilities=frozenset({Capability.FAST_INFERENCE})),
        ),
        ("auto", EndpointFilter()),
    ],
)
def test_a_model_selects(model: str, selected: EndpointFilter) -> None:
    wanted = chat(model=model)
    assert wanted.model == model
    assert one(wanted).endpoint_filter == selected


def test_a_model_may_be_a_pipeline() -> None:
    request = one(completion(model="draft"))
    assert (request.strategy, request.pipeline) == (Strategy.PIPELINE, "draft")
    assert param_at_fault(Api.COMPLETIONS, {"prompt": "x", "model": "draft", "best_of": 2}) == (
        "model"
    )


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(Fault) as caught:
        chat(model="gpt-4")
    assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, Reason.UNKNOWN_ENDPOINT)
    assert named(caught.value, None)[1] == "model"


def test_hints_that_change_no_answer_are_passed_over() -> None:
    hints = {
        "store": True,
        "service_tier": "flex",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prediction": {"type": "content", "content": "x"},
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "logit_bias": {},
        "modalities": ["text"],
        "stream_options": {"include_obfuscation": False},
    }
    assert chat(**hints) == chat()


def test_labels_come_from_metadata_and_from_the_user() -> None:
    assert one(chat(metadata={"task": "t"}, user="ann")).labels == (("task", "t"), ("user", "ann"))


def test_the_extension_says_what_that_api_has_no_words_for() -> None:
    request = one(
        chat(
            response_format={"type": "json_object"},
            metadata={"b": "2"},
            temperature=0.5,
            ensemble={
                "strategy": "best_of_n",
                "n": 5,
                "language": "Python",
                "kind": "block",
                "constraints": [{"name": "no", "forbidden_text": {"texts": ["eval"]}}],
                "objective": "cheapest",
                "routing_mode": "ROUTING_MODE_AUTO",
                "endpoint_filter": {"required_tags": ["eu"]},
                "budget": {"max_attempts": 3, "max_wall_time": 2.5},
                "cache": "bypass",
                "session_id": "s",
                "labels": {"a": "1"},
                "repair": True,
                "return_candidates": True,
                "priority": "interactive",
                "top_k": 40,
                "hole": {"expected_type": "int"},
                "trace": None,
            },
        )
    )
    assert (request.strategy, request.n) == (Strategy.BEST_OF_N, 5)
    assert request.sampling == Sampling(temperature=0.5, top_k=40)
    spec = request.hole.spec
    assert (spec.language, spec.kind, spec.expected_type) == ("python", HoleKind.BLOCK, "int")
    assert request.hole.constraints[0] == Constraint("no", ForbiddenText(("eval",)))
    assert request.hole.constraints[1].name == "response_format"
    assert request.objective is Objective.CHEAPEST
    assert request.routing_mode is RoutingMode.AUTO
    assert request.endpoint_filter == EndpointFilter(required_tags=frozenset({"eu"}))
    assert request.budget == Budget(max_attempts=3, max_wall_s=2.5)
    assert request.cache_policy is CachePolicy.BYPASS
    assert (request.session_id, request.labels) == ("s", (("a", "1"), ("b", "2")))
    assert (request.repair, request.return_candidates) == (True, True)
    assert request.priority is Priority.INTERACTIVE
    assert request.chat is not None


def test_an_empty_extension_changes_the_answer_only() -> None:
    plain, extended = chat(), chat(ensemble={})
    assert (plain.extended, extended.extended) == (False, True)
    assert extended.requests == plain.requests


def test_an_extension_of_completions_keeps_the_hole() -> None:
    request = one(completion(suffix=")", best_of=2, ensemble={"language": "go"}))
    assert (request.hole.prompt, request.hole.suffix) == ("x = ", ")")
    assert (request.strategy, request.n) == (Strategy.BEST_OF_N, 2)


def test_the_shortest_time_that_a_caller_names_counts() -> None:
    assert chat().timeout_s is None
    assert chat(asker(x_request_timeout_s="7.5")).timeout_s == 7.5
    both = asker(x_request_timeout_s="7", x_stainless_read_timeout="5")
    assert chat(both).timeout_s == 5
    assert chat(both, ensemble={"timeout_s": 3}).timeout_s == 3


def test_the_silence_that_a_client_bears_is_no_limit_of_a_stream() -> None:
    patient = asker(x_stainless_read_timeout="5")
    assert chat(patient, stream=True).timeout_s is None
    assert chat(asker(x_stainless_read_timeout="soon")).timeout_s is None


def test_tracing_and_detachment_are_asked_for_by_the_extension() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    caller = asker(traceparent=f"00-{trace_id}-b7ad6b7169203331-01")
    assert chat(caller).asked == Asked(trace_id)
    traced = chat(caller, ensemble={"trace": True, "detached": True})
    assert traced.asked == Asked(trace_id, trace=True, local=True, detached=True)
    assert chat(ensemble={"trace": True}, local=False).asked.local is False
    assert one(traced).trace_context == (("traceparent", caller.trace_context[0][1]),)


def test_a_request_that_is_named_is_idempotent() -> None:
    wanted = chat(ensemble={"request_id": "mine"})
    assert (wanted.name, one(wanted).request_id) == ("mine", "mine")
    assert not chat(ensemble={}).name

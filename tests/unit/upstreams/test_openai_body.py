from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.chat import Chat, ChatMessage, ToolCall
from gateway.core.constraint import (
    Constraint,
    ForbiddenText,
    Grammar,
    GrammarRule,
    GrammarSyntax,
    JsonSchema,
    Regex,
)
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind
from gateway.core.hole import NO_SAMPLING, Hole, HoleSpec, Request, Sampling
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.ports import Draft, Operation, Task
from gateway.upstreams.openai_body import body_of, headers_of, steering
from gateway.upstreams.openai_fim import FimStyle, template_of
from gateway.upstreams.options import Dialect, OpenAiMode, UpstreamOptions
from gateway.upstreams.prompt import AUTHOR, REVIEWER

ENDPOINT = Endpoint("e", model="m")
COMPLETIONS = UpstreamOptions(openai_mode=OpenAiMode.COMPLETIONS)
SCHEMA = JsonSchema('{"type": "object"}')
PARSED = {"type": "object"}
GBNF = Grammar(GrammarSyntax.GBNF, 'root ::= "a"')
LARK = Grammar(GrammarSyntax.LARK, 'start: "a"')


DRAFT = Draft("eval(y)", ("no_eval: contains eval",))


def task_of(hole: Hole, sampling: Sampling = NO_SAMPLING, partial: str = "") -> Task:
    return Task(Request(hole, "r"), ENDPOINT, sampling, partial=partial)


def drafted(operation: Operation, hole: Hole) -> Task:
    return replace(task_of(hole), operation=operation, draft=DRAFT)


def test_a_bare_completion_sends_what_is_set_and_nothing_else() -> None:
    assert body_of(task_of(Hole("x = ")), ENDPOINT, COMPLETIONS, stream=False) == {
        "model": "m",
        "prompt": "x = ",
    }


def test_a_full_completion() -> None:
    sampling = Sampling(16, 0.0, 0.9, 40, 2**64 - 1, ("\n",))
    options = UpstreamOptions(openai_mode=OpenAiMode.COMPLETIONS, logprobs=True)
    body = body_of(task_of(Hole("x = ", "\n"), sampling, "1 +"), ENDPOINT, options, stream=True)
    assert body == {
        "model": "m",
        "prompt": "x = 1 +",
        "suffix": "\n",
        "max_tokens": 16,
        "temperature": 0.0,
        "top_p": 0.9,
        "seed": 2**63 - 1,
        "stop": ["\n"],
        "logprobs": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_chat_has_a_system_and_a_user_message() -> None:
    options = UpstreamOptions(dialect=Dialect.LLAMACPP, logprobs=True)
    body = body_of(task_of(Hole("x = "), Sampling(top_k=3)), ENDPOINT, options, stream=False)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "x = " in body["messages"][1]["content"]
    assert body["logprobs"] is True
    assert body["top_k"] == 3


CASES = [
    (Dialect.OPENAI, "chat", SCHEMA, {"response_format": {"type": "json_schema", "json_schema": {"name": "fill", "schema": PARSED}}}),  # noqa: E501
    (Dialect.OPENAI, "completions", SCHEMA, {}),
    (Dialect.OPENAI, "chat", GBNF, {}),
    (Dialect.OPENAI, "chat", Regex("a"), {}),
    (Dialect.LLAMACPP, "chat", SCHEMA, {"response_format": {"type": "json_object", "schema": PARSED}}),  # noqa: E501
    (Dialect.LLAMACPP, "completions", SCHEMA, {"json_schema": PARSED}),
    (Dialect.LLAMACPP, "chat", GBNF, {"grammar": GBNF.text}),
    (Dialect.LLAMACPP, "chat", LARK, {}),
    (Dialect.LLAMACPP, "chat", Regex("a"), {}),
    (Dialect.VLLM, "completions", SCHEMA, {"guided_json": PARSED}),
    (Dialect.VLLM, "chat", LARK, {"guided_grammar": LARK.text}),
    (Dialect.VLLM, "chat", Regex("a"), {"guided_regex": "a"}),
    (Dialect.VLLM, "chat", Regex("a", "i"), {}),
    (Dialect.VLLM_STRUCTURED, "completions", SCHEMA, {"structured_outputs": {"json": PARSED}}),
    (Dialect.VLLM_STRUCTURED, "chat", LARK, {"structured_outputs": {"grammar": LARK.text}}),
    (Dialect.VLLM_STRUCTURED, "chat", Regex("a"), {"structured_outputs": {"regex": "a"}}),
    (Dialect.VLLM, "chat", Grammar(rules=(GrammarRule("a", ("b",)),)), {}),
    (Dialect.VLLM, "chat", ForbiddenText(("x",)), {}),
    (Dialect.OPENAI, "chat", JsonSchema("{not json"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "mode", "body", "fields"), CASES)
def test_each_dialect_has_its_own_fields(
    dialect: Dialect, mode: str, body: object, fields: dict[str, object]
) -> None:
    options = UpstreamOptions(openai_mode=OpenAiMode(mode), dialect=dialect)
    assert steering(Hole("x", constraints=(Constraint("c", body),)), options) == fields


def test_only_one_constraint_steers() -> None:
    options = UpstreamOptions(dialect=Dialect.VLLM)
    low = Constraint("low", Regex("low"))
    high = Constraint("high", Regex("high"), priority=3)
    advisory = Constraint("advisory", Regex("advisory"), priority=9, required=False)
    assert steering(Hole("x", constraints=(low, advisory, high)), options) == {
        "guided_regex": "high"
    }
    own = HoleSpec(grammar=LARK)
    assert steering(Hole("x", "", own, (high,)), options) == {"guided_grammar": LARK.text}


def test_a_repair_is_asked_of_the_author_and_steered_like_a_fill() -> None:
    hole = Hole("x = ", constraints=(Constraint("c", SCHEMA),))
    body = body_of(drafted(Operation.REPAIR, hole), ENDPOINT, UpstreamOptions(), stream=False)
    system, user = body["messages"]
    assert system["content"] == AUTHOR
    assert "eval(y)" in user["content"]
    assert "- no_eval: contains eval" in user["content"]
    assert "response_format" in body


def test_a_critique_is_asked_of_a_reviewer_and_never_steered() -> None:
    """A schema of the fill would force the critique into it."""
    hole = Hole("x = ", spec=HoleSpec(json_schema=SCHEMA), constraints=(Constraint("c", GBNF),))
    for dialect in Dialect:
        options = UpstreamOptions(dialect=dialect)
        body = body_of(drafted(Operation.CRITIQUE, hole), ENDPOINT, options, stream=False)
        assert set(body) == {"model", "messages"}
    system, user = body["messages"]
    assert system["content"] == REVIEWER
    assert "eval(y)" in user["content"]


def test_a_draft_is_not_shown_to_a_model_that_is_to_generate() -> None:
    task = drafted(Operation.GENERATE, Hole("x = "))
    assert "eval" not in str(body_of(task, ENDPOINT, UpstreamOptions(), stream=False))


def test_a_repair_by_the_older_call_is_a_fill_like_the_first_one() -> None:
    task = drafted(Operation.REPAIR, Hole("x = ", "\n"))
    plain = body_of(task_of(Hole("x = ", "\n")), ENDPOINT, COMPLETIONS, stream=False)
    assert body_of(task, ENDPOINT, COMPLETIONS, stream=False) == plain


def test_the_older_call_offers_no_critique_which_counts_against_nobody() -> None:
    with pytest.raises(Fault) as caught:
        body_of(drafted(Operation.CRITIQUE, Hole("x = ")), ENDPOINT, COMPLETIONS, stream=False)
    assert caught.value.kind is Kind.INVALID
    assert not caught.value.retryable
    assert outcome_of(caught.value) is Outcome.NOT_COUNTED


CHAT = Chat(
    (
        ChatMessage("system", "be brief"),
        ChatMessage("user", "add", name="ada"),
        ChatMessage("assistant", tool_calls=(ToolCall("c1", "run", '{"a": 1}'),)),
        ChatMessage("tool", "2", tool_call_id="c1"),
        ChatMessage("assistant"),
    ),
    tools='[{"type": "function", "function": {"name": "run"}}]',
    tool_choice='"auto"',
    parallel_tool_calls=False,
)


def said(chat: Chat, **changes: object) -> Task:
    task = task_of(Hole(chat.transcript))
    return replace(task, request=replace(task.request, chat=chat), **changes)


def test_a_conversation_goes_on_as_it_came_with_its_tools() -> None:
    body = body_of(said(CHAT), ENDPOINT, UpstreamOptions(), stream=False)
    function = {"name": "run", "arguments": '{"a": 1}'}
    assert body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "add", "name": "ada"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            },
            {"role": "tool", "content": "2", "tool_call_id": "c1"},
            {"role": "assistant", "content": ""},
        ],
        "tools": [{"type": "function", "function": {"name": "run"}}],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
    }


def test_a_conversation_without_tools_mentions_none() -> None:
    chat = Chat((ChatMessage("user", "add"),))
    body = body_of(said(chat), ENDPOINT, UpstreamOptions(), stream=False)
    assert set(body) == {"model", "messages"}


def test_a_conversation_is_steered_like_a_hole() -> None:
    task = said(Chat((ChatMessage("user", "add"),)))
    hole = replace(task.request.hole, spec=HoleSpec(json_schema=SCHEMA))
    task = replace(task, request=replace(task.request, hole=hole))
    body = body_of(task, ENDPOINT, UpstreamOptions(), stream=False)
    assert body["response_format"]["json_schema"]["schema"] == PARSED


def test_beside_tools_a_schema_steers_and_a_grammar_does_not() -> None:
    """A grammar that is kept to leaves no room for a call, and llama.cpp refuses it."""
    hole = Hole("x", spec=HoleSpec(grammar=GBNF))
    options = UpstreamOptions(dialect=Dialect.LLAMACPP)
    assert steering(hole, options, tools=True) == {}
    hole = replace(hole, constraints=(Constraint("shape", SCHEMA),))
    assert steering(hole, options, tools=True) == {
        "response_format": {"type": "json_object", "schema": PARSED}
    }
    task = replace(said(CHAT), request=replace(said(CHAT).request, hole=hole))
    assert "grammar" not in body_of(task, ENDPOINT, options, stream=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"partial": "1 +"},
        {"operation": Operation.REPAIR, "draft": DRAFT},
        {"operation": Operation.CRITIQUE, "draft": DRAFT},
    ],
)
def test_what_the_caller_did_not_say_is_asked_in_our_words(changes: dict[str, object]) -> None:
    body = body_of(said(CHAT, **changes), ENDPOINT, UpstreamOptions(), stream=False)
    assert "tools" not in body
    assert body["messages"][0]["content"] in {AUTHOR, REVIEWER}
    assert "user: add" in body["messages"][1]["content"]


def test_the_older_call_gets_the_transcript() -> None:
    body = body_of(said(CHAT), ENDPOINT, COMPLETIONS, stream=False)
    assert body == {"model": "m", "prompt": CHAT.transcript}


@pytest.mark.parametrize("field", ["tools", "tool_choice"])
def test_tools_that_are_not_json_are_the_callers(field: str) -> None:
    with pytest.raises(Fault, match=f"chat.{field}: must be JSON") as caught:
        body_of(said(replace(CHAT, **{field: "{"})), ENDPOINT, UpstreamOptions(), stream=False)
    assert outcome_of(caught.value) is Outcome.NOT_COUNTED


@pytest.mark.parametrize(("options", "value"), [(UpstreamOptions(), True), (COMPLETIONS, 1)])
def test_a_request_may_ask_for_logprobs_itself(options: UpstreamOptions, value: object) -> None:
    asked = body_of(task_of(Hole("x"), Sampling(logprobs=True)), ENDPOINT, options, stream=False)
    assert asked["logprobs"] is value
    assert "logprobs" not in body_of(task_of(Hole("x")), ENDPOINT, options, stream=False)


def filled(style: FimStyle, hole: Hole, custom: str = "", **more: object) -> dict[str, object]:
    options = replace(COMPLETIONS, fim=template_of(style, custom))
    return body_of(task_of(hole, **more), ENDPOINT, options, stream=False)


def test_a_template_carries_the_suffix_where_the_server_has_no_field_for_it() -> None:
    body = filled(FimStyle.QWEN, Hole("a = ", "\nb"), sampling=Sampling(stop=("\n", "<|fim_pad|>")))
    assert body["prompt"] == "<|fim_prefix|>a = <|fim_suffix|>\nb<|fim_middle|>"
    assert body["stop"] == ["\n", "<|fim_pad|>", "<|endoftext|>", "<|repo_name|>", "<|file_sep|>"]
    assert "suffix" not in body


def test_a_template_is_not_used_without_a_suffix() -> None:
    assert filled(FimStyle.QWEN, Hole("a = ")) == {"model": "m", "prompt": "a = "}


def test_a_partial_answer_belongs_before_the_hole_of_a_template() -> None:
    body = filled(FimStyle.CODESTRAL, Hole("a = ", "\nb"), partial="1 +")
    assert body == {"model": "m", "prompt": "[SUFFIX]\nb[PREFIX]a = 1 +"}


UUID = "0af76519-16cd-43dd-8448-eb211c80319c"


@pytest.mark.parametrize(
    ("dialect", "named", "sent"),
    [
        (Dialect.LLAMACPP, "order 17", None),
        (Dialect.LLAMACPP, UUID, UUID),
        (Dialect.LLAMACPP, UUID.replace("-", ""), UUID.replace("-", "")),
        (Dialect.LLAMACPP, "", None),
        (Dialect.VLLM, "order 17", "order 17"),
    ],
)
def test_an_id_goes_where_it_is_taken(dialect: Dialect, named: str, sent: str | None) -> None:
    """Seen at llama.cpp's Python server: any id but a UUID is answered with 400."""
    task = Task(Request(Hole("x"), named), ENDPOINT, NO_SAMPLING)
    headers = headers_of(task, UpstreamOptions(secret="s", dialect=dialect))
    assert headers.get("x-request-id") == sent
    assert headers["authorization"] == "Bearer s"

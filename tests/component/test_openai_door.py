"""Calls through the OpenAI door of a gateway, to scripted servers, read byte by byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.ingress.listener import ListenError
from tests.fakes.gateways import settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_door import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    HELLO,
    WEATHER,
    RawCaller,
    ask,
    port_of,
    post_chat,
    post_completion,
)
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Failure, Script
from tests.fakes.served import UNCHECKED, Hold, Served

OPENAI = {"protocol": "openai", "model": "tiny", **UNCHECKED}
DOOR = {"port": 0}
CALL = {"id": "c-1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def chatting(script: Script, **tables: Any) -> Served:
    """A gateway with the door over one endpoint that is spoken to in chat."""
    return Served(FakeOpenAiServer(script), endpoint=[OPENAI], openai=DOOR, **tables)


def native(*scripts: Script | FakeModelServer, **tables: Any) -> Served:
    """A gateway with the door over native endpoints."""
    return Served(*scripts, openai=DOOR, **tables)


async def test_a_conversation_reaches_the_endpoint_as_it_came() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "sunny", "tool_call_id": "c-1"},
    ]
    fields = {"tools": [WEATHER], "tool_choice": "auto", "parallel_tool_calls": False}
    async with chatting(Script()) as served:
        reply = await ask(
            served.door, "POST", CHAT_PATH, {"messages": messages, "stop": "z", **fields}
        )
        (asked,) = served.models[0].witness.asked
    assert reply.status == 200
    assert reply.document["choices"][0]["message"]["content"] == Script().text
    assert asked.body["messages"] == messages
    assert {name: asked.body[name] for name in fields} == fields
    assert asked.body["stop"] == ["z"]


async def test_an_answer_tells_in_its_headers_how_it_came_about() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with chatting(Script()) as served:
        reply = await ask(
            served.door,
            "POST",
            CHAT_PATH,
            {"messages": HELLO},
            x_request_id="mine",
            traceparent=f"00-{trace_id}-b7ad6b7169203331-01",
        )
    told = {name: reply.headers[name] for name in reply.headers if name.startswith("x-")}
    assert told.pop("x-ensemble-decision")
    assert told == {
        "x-request-id": "mine",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "10000",
        "x-ratelimit-reset-requests": "0s",
        "x-ensemble-endpoint": "a",
        "x-ensemble-attempts": "1",
        "x-ensemble-cache": "miss",
        "x-ensemble-trace": trace_id,
    }
    assert reply.document["id"] == "chatcmpl-mine"
    assert reply.headers["content-type"] == "application/json"
    assert int(reply.headers["openai-processing-ms"]) >= 0


async def test_an_id_that_is_no_header_is_replaced() -> None:
    async with chatting(Script()) as served:
        reply = await ask(
            served.door, "POST", CHAT_PATH, {"messages": HELLO}, x_request_id="\tcaf\xe9"
        )
    assert reply.headers["x-request-id"].isalnum()


async def test_a_hole_is_filled_between_prompt_and_suffix() -> None:
    async with native(Script()) as served:
        reply = await post_completion(served.door, prompt="def f(", suffix="): pass", max_tokens=7)
        (asked,) = served.models[0].witness.asked
    assert reply.document["choices"][0]["text"] == Script().text
    assert (asked.before, asked.after) == ("def f(", "): pass")


async def test_a_tool_that_is_called_is_told_whole_and_streamed() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    raw = json.dumps({"model": "m", "choices": [choice]}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    async with chatting(Script()) as served:
        served.models[0].raw = head % len(raw) + raw
        whole = await post_chat(served.door, tools=[WEATHER])
        streamed = await post_chat(served.door, tools=[WEATHER], stream=True)
    assert whole.document["choices"][0]["message"]["tool_calls"] == [CALL]
    assert whole.document["choices"][0]["finish_reason"] == "tool_calls"
    role, calls, last, end = streamed.events
    assert role["choices"][0]["delta"]["role"] == "assistant"
    assert calls["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **CALL}]
    assert (last["choices"][0]["finish_reason"], end) == ("tool_calls", "[DONE]")


async def test_a_stream_comes_piece_by_piece_and_ends_with_its_mark() -> None:
    async with chatting(Script()) as served:
        reply = await post_chat(served.door, stream=True, stream_options={"include_usage": True})
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["x-ensemble-endpoint"] == "a"
    role, *pieces, last, usage, end = reply.events
    assert role["choices"][0]["delta"]["content"] == ""
    assert [piece["choices"][0]["delta"]["content"] for piece in pieces] == list(Script().pieces)
    assert last["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"] == {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    assert end == "[DONE]"


async def test_choices_are_asked_for_side_by_side_and_summed_up() -> None:
    async with chatting(Script()) as served:
        reply = await post_chat(served.door, n=3, seed=5, logprobs=True)
        seeds = sorted(asked.body["seed"] for asked in served.models[0].witness.asked)
    assert [choice["index"] for choice in reply.document["choices"]] == [0, 1, 2]
    assert all(choice["logprobs"]["content"] for choice in reply.document["choices"])
    assert seeds == [5, 6, 7]
    assert reply.document["usage"]["total_tokens"] == 3 * 14
    assert reply.headers["x-ensemble-attempts"] == "3"


async def test_streamed_choices_are_told_apart_by_their_index() -> None:
    async with chatting(Script()) as served:
        reply = await post_completion(served.door, n=2, stream=True)
    *events, end = reply.events
    for index in (0, 1):
        own = [one["choices"][0] for one in events if one["choices"][0]["index"] == index]
        assert "".join(one["text"] for one in own) == Script().text
        assert own[-1]["finish_reason"] == "stop"
    assert end == "[DONE]"


async def test_a_choice_that_fails_fails_the_request() -> None:
    async with native(Script(failure=Failure.UNAVAILABLE)) as served:
        reply = await post_completion(served.door, n=3)
        retried = await post_completion(served.door, n=3, stream=True)
    assert (reply.status, retried.status) == (503, 503)
    assert reply.error["ensemble"]["reason"] == "ALL_ENDPOINTS_FAILED"


async def test_an_answer_in_a_format_is_checked() -> None:
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object", "required": ["a"]}},
    }
    async with chatting(Script(pieces=('{"a": ', "1}"), logprobs=())) as served:
        good = await post_chat(served.door, response_format=wanted)
        (asked,) = served.models[0].witness.asked
        served.models[0].script.pieces = ("no", " json")
        bad = await post_chat(served.door, response_format=wanted)
    assert asked.body["response_format"]["type"] == "json_schema"
    verdicts = {one["constraint"]: one["status"] for one in good.document["ensemble"]["verdicts"]}
    assert verdicts["response_format"] == "passed"
    assert (bad.status, bad.error["code"]) == (409, "all_candidates_rejected")
    assert bad.headers["x-should-retry"] == "false"


async def test_a_broken_schema_is_named_as_its_caller_wrote_it() -> None:
    broken = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nothing"}}}
    async with chatting(Script()) as served:
        reply = await post_chat(served.door, response_format=broken)
    assert (reply.status, reply.error["param"]) == (400, "response_format.json_schema.schema")


async def test_a_stream_that_breaks_is_never_told_as_whole() -> None:
    script = Script(failure=Failure.BROKEN, failure_after=2)
    async with chatting(script) as served:
        reply = await post_chat(served.door, stream=True)
    assert reply.status == 200
    *events, last = reply.events
    assert last["error"]["code"] == "stream_truncated"
    assert last["error"]["ensemble"]["reason"] == "STREAM_TRUNCATED"
    assert all(one["choices"][0]["finish_reason"] is None for one in events)


async def test_a_stream_that_breaks_goes_on_elsewhere() -> None:
    broken, good = Script(cut=True, pieces=("a", "b")), Script(pieces=("c", "d"))
    async with native(broken, good) as served:
        reply = await post_completion(served.door, stream=True)
    assert "".join(one["choices"][0]["text"] for one in reply.events[:-1]) == "abcd"
    assert reply.events[-2]["ensemble"]["attempts"] == 2


@pytest.mark.parametrize(
    ("failure", "status"), [(Failure.OVERLOADED, 429), (Failure.UNAUTHENTICATED, 503)]
)
async def test_a_failure_before_the_first_text_has_a_status_of_its_own(
    failure: Failure, status: int
) -> None:
    async with chatting(Script(failure=failure, retry_after_s=7)) as served:
        reply = await post_chat(served.door, stream=True)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-ensemble-attempts"] == "1"
    if status == 429:
        assert (reply.headers["retry-after"], reply.headers["retry-after-ms"]) == ("7", "7000")
        assert reply.error["code"] == "rate_limit_exceeded"


async def test_who_sends_the_extension_is_told_all_about_a_failure() -> None:
    async with chatting(Script(failure=Failure.BROKEN)) as served:
        reply = await post_chat(served.door, ensemble={})
    (attempt,) = reply.error["ensemble"]["detail"]["attempts"]
    assert attempt["reason"] == "UPSTREAM_ERROR"


async def test_a_request_that_is_named_is_worked_on_once() -> None:
    body = {"messages": HELLO, "ensemble": {"request_id": "mine"}}
    async with chatting(Script()) as served:
        replies = [await ask(served.door, "POST", CHAT_PATH, body) for _ in range(2)]
        other = await ask(served.door, "POST", CHAT_PATH, {**body, "seed": 5})
        assert served.asked() == [1]
    assert [reply.headers["x-ensemble-cache"] for reply in replies] == ["miss", "replay"]
    assert {reply.headers["x-request-id"] for reply in replies} == {"mine"}
    assert (other.status, other.error["code"]) == (400, "request_id_reused")


async def test_a_trace_is_kept_for_who_asks_for_one() -> None:
    asking = {"ensemble": {"trace": True}}
    async with chatting(Script(), trace={"enabled": True}) as served:
        kept = await post_chat(served.door, **asking)
        streamed = await post_chat(served.door, stream=True, **asking)
    async with chatting(Script(), trace={"enabled": False}) as served:
        off = await post_chat(served.door, **asking)
    assert len(kept.headers["x-ensemble-trace"]) == 32
    assert kept.document["ensemble"]["trace_id"] == kept.headers["x-ensemble-trace"]
    assert streamed.events[-2]["ensemble"]["trace_id"] == streamed.headers["x-ensemble-trace"]
    assert (off.status, off.error["ensemble"]["reason"]) == (400, "TRACING_OFF")


async def test_detached_work_outlives_its_caller() -> None:
    async with native(FakeModelServer(Script())) as served:
        hold = served.models[0].hold = Hold()
        async with RawCaller(port_of(served.door)) as caller:
            body = {"prompt": "x = ", "ensemble": {"detached": True}}
            caller.ask("POST", COMPLETIONS_PATH, body)
            await served.models[0].witness.called(1)
        hold.release()
        await served.until(lambda counters: counters.succeeded == 1)


async def test_a_repeated_answer_comes_from_the_cache() -> None:
    async with chatting(Script()) as served:
        first = await post_chat(served.door, temperature=0)
        again = await post_chat(served.door, temperature=0)
        streamed = await post_chat(served.door, temperature=0, stream=True)
        assert served.asked() == [1]
    assert first.document["choices"] == again.document["choices"]
    assert again.headers["x-ensemble-cache"] == "hit"
    assert again.document["ensemble"]["cached"] is True
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in streamed.events[:-1])
    assert text == Script().text


async def test_a_pipeline_is_a_model() -> None:
    async with native(Script()) as served:
        whole = await post_completion(served.door, model="draft_only")
        streamed = await post_completion(served.door, model="draft_only", stream=True)
    assert whole.document["choices"][0]["text"] == Script().text
    assert "".join(one["choices"][0]["text"] for one in streamed.events[:-1]) == Script().text


async def test_the_models_are_all_words_that_select() -> None:
    async with native(Script()) as served:
        listed = (await ask(served.door, "GET", "/v1/models")).document
        one = await ask(served.door, "GET", "/v1/models/code_completion")
        none = await ask(served.door, "GET", "/v1/models/gpt-4")
        answers = [
            (await post_completion(served.door, model=model["id"])).status
            for model in listed["data"]
            if model["owned_by"] != "pipeline"
        ]
    owners = {model["id"]: model["owned_by"] for model in listed["data"]}
    assert owners["auto"] == "router"
    assert (owners["a"], owners["code_completion"]) == ("endpoint", "capability")
    assert owners["draft_only"] == "pipeline"
    assert one.document in listed["data"]
    assert (none.status, none.error["code"]) == (404, "model_not_found")
    assert set(answers) == {200}


async def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    async with native(Script()) as served:
        port = port_of(served.door)
        async with Gateway(settings_of("127.0.0.1:1", openai={"port": port})) as gateway:
            with pytest.raises(ListenError, match=r"openai\.port"):
                await gateway.start()


def test_a_missing_extra_is_one_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.http_listener.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"openai\.port.*ensemble-gateway\[http\]"):
        Gateway(settings_of("127.0.0.1:1", openai=DOOR))


async def test_nobody_listens_where_no_port_is_set() -> None:
    async with Served(Script()) as served:
        assert served.door.gateway is not None
        assert served.door.gateway.doors.openai_port is None


async def test_requests_are_timed_like_rpcs() -> None:
    async with native(Script(), admin={"port": 0}) as served:
        await post_completion(served.door)
        await post_completion(served.door, n=0)
        async with RawCaller(port_of(served.door)) as caller:
            caller.ask("GET", "/v1/models")
            await caller.reply()
        assert served.door.gateway is not None
        assert served.door.gateway.observability.page is not None
        page = (await served.door.gateway.observability.page("")).text
    if isinstance(page, bytes):
        page = page.decode()
    counts = [
        line for line in page.splitlines() if line.startswith("gateway_rpc_duration_seconds_count")
    ]
    found = sorted(line for line in counts if "openai/" in line)
    assert [('status_code="OK"' in line, line.rpartition(" ")[2]) for line in found] == [
        (False, "1.0"),
        (True, "1.0"),
        (True, "1.0"),
    ]
    assert 'method="openai/completions",status_code="INVALID_ARGUMENT"' in found[0]

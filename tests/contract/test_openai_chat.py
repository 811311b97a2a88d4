"""A caller's own conversation, with tools, through an endpoint that is spoken to in chat."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.core.candidate import FinishReason
from gateway.core.chat import Chat, ChatMessage, ToolCall
from gateway.core.faults import Kind, Reason
from gateway.core.ports import Draft, Operation
from tests.contract.test_openai_quirks import answer, stream
from tests.fakes.rig import Rig

pytestmark = pytest.mark.parametrize("rig", ["chat"], indirect=True)

FENCED = "```python\nx = 1\n```"
CHAT = Chat((ChatMessage("user", "write x = 1"),), tools='[{"type": "function"}]')


def saying(rig: Rig, chat: Chat = CHAT) -> dict[str, object]:
    return {"request": replace(rig.task().request, chat=chat)}


async def test_the_callers_words_arrive_and_the_answer_comes_back_untouched(
    rig: Rig, streamed: bool
) -> None:
    rig.script.pieces = (FENCED[:7], FENCED[7:])
    completion = await rig.ask(streamed, **saying(rig))
    assert completion.text == FENCED
    body = rig.server.witness.asked[0].body
    assert body["messages"] == [{"role": "user", "content": "write x = 1"}]
    assert body["tools"] == [{"type": "function"}]


async def test_a_repair_of_its_answer_is_asked_for_in_our_words_and_loses_its_fence(
    rig: Rig, streamed: bool
) -> None:
    rig.script.pieces = (FENCED,)
    draft = Draft("x = 2", ("line 1: wrong",))
    asked = saying(rig) | {"operation": Operation.REPAIR, "draft": draft}
    assert (await rig.ask(streamed, **asked)).text == "x = 1"
    assert "tools" not in rig.server.witness.asked[0].body


def call(index: int, arguments: str, **more: str) -> dict[str, object]:
    name = {"name": more.pop("name")} if "name" in more else {}
    return {"index": index, **more, "function": {**name, "arguments": arguments}}


CALLS = (ToolCall("c0", "look", '{"at": 1}'), ToolCall("c1", "run", "{}"))


async def test_calls_of_tools_without_a_text_are_an_answer(rig: Rig) -> None:
    calls = [call(0, '{"at": 1}', id="c0", name="look"), call(1, "{}", id="c1", name="run")]
    choice = {"message": {"content": None, "tool_calls": calls}, "finish_reason": "tool_calls"}
    rig.server.raw = answer(200, {"choices": [choice]})
    completion = await rig.ask(streamed=False, **saying(rig))
    assert (completion.text, completion.tool_calls) == ("", CALLS)
    assert completion.finish_reason is FinishReason.STOP


def deltas(*calls: list[dict[str, object]], finish: str | None = "tool_calls") -> bytes:
    events = [{"choices": [{"index": 0, "delta": {"tool_calls": one}}]} for one in calls]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    return stream(*events, last)


async def test_calls_of_tools_are_streamed_in_parts(rig: Rig) -> None:
    rig.server.raw = deltas(
        [call(0, "", id="c0", name="look"), call(1, "", id="c1", name="run")],
        [call(0, '{"at"')],
        [call(1, "{}")],
        [call(0, ": 1}")],
    )
    completion = await rig.ask(streamed=True, **saying(rig))
    assert (completion.text, completion.tool_calls, rig.sent) == ("", CALLS, [])
    assert completion.finish_reason is FinishReason.STOP


async def test_a_call_that_breaks_off_is_not_reported_complete(rig: Rig) -> None:
    rig.server.raw = deltas([call(0, '{"at"', id="c0", name="look")], finish=None)
    fault = await rig.fault(streamed=True, **saying(rig))
    assert (fault.kind, fault.reason) == (Kind.TRUNCATED, Reason.UPSTREAM_TRUNCATED)


async def test_calls_beyond_the_largest_size_are_malformed(rig: Rig) -> None:
    rig.server.raw = deltas(*[[call(0, "x" * 50_000, id="c0")] for _ in range(5)])
    assert (await rig.fault(streamed=True, **saying(rig))).kind is Kind.MALFORMED


async def test_tools_that_are_no_json_are_the_callers_and_no_call_is_made(
    rig: Rig, streamed: bool
) -> None:
    fault = await rig.fault(streamed, **saying(rig, replace(CHAT, tools="{")))
    assert fault.kind is Kind.INVALID
    assert rig.server.witness.asked == []


async def test_the_words_of_a_conversation_are_in_no_fault(rig: Rig, streamed: bool) -> None:
    words = json.dumps({"error": {"message": "no: write x = 1"}})
    rig.server.raw = answer(400, json.loads(words))
    assert "write" not in repr(await rig.fault(streamed, **saying(rig)))

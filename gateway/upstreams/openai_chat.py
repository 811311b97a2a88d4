"""A caller's own conversation on its way to an endpoint, and the calls of tools that come back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from gateway.core.chat import Chat, ChatMessage, ToolCall
from gateway.core.faults import invalid
from gateway.core.ports import Operation, Task
from gateway.core.value import value
from gateway.upstreams.openai_json import NonsenseError, list_in, object_in, text_in

MOST_CALLS = 128
"""Calls of tools in one answer; the OpenAI API knows no more tools than that."""


def passed_through(task: Task) -> Chat | None:
    """Return the conversation that is sent as it came, None where a prompt of ours is needed.

    That is so for a critique, for a repair, and to go on from the start of an answer.
    """
    if task.operation is not Operation.GENERATE or task.partial:
        return None
    return task.request.chat


def chat_fields(chat: Chat) -> dict[str, Any]:
    """Write the messages and the tools. Raises Fault for tools that are not JSON."""
    fields: dict[str, Any] = {"messages": [_written(message) for message in chat.messages]}
    for name in ("tools", "tool_choice"):
        text = cast("str", getattr(chat, name))
        if text:
            fields[name] = _parsed(name, text)
    if chat.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = chat.parallel_tool_calls
    return fields


def _written(message: ChatMessage) -> dict[str, Any]:
    calls = message.tool_calls
    # What only calls tools has no content in that API, which some servers tell from an empty one.
    content = None if calls and not message.content else message.content
    written: dict[str, Any] = {"role": message.role, "content": content}
    if message.name:
        written["name"] = message.name
    if message.tool_call_id:
        written["tool_call_id"] = message.tool_call_id
    if calls:
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ]
    return written


def _parsed(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(f"chat.{name}", "must be JSON in the form of the OpenAI API") from None


@value
class CallPart:
    """A call of a tool, or what one event adds to the call with this number, None if unnumbered."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""


def call_parts(message: Mapping[str, object]) -> tuple[CallPart, ...]:
    """Read the calls of a message or a delta. Raises NonsenseError."""
    return tuple(_part(object_in(call)) for call in list_in(message.get("tool_calls")))


def _part(call: Mapping[str, object]) -> CallPart:
    index, function = call.get("index"), call.get("function")
    if index is not None and not (isinstance(index, int) and 0 <= index < MOST_CALLS):
        raise NonsenseError("the number of a tool call is none")
    fields = {} if function is None else object_in(function)
    return CallPart(
        index,
        text_in(call.get("id")),
        text_in(fields.get("name")),
        text_in(fields.get("arguments")),
    )


class CallsBeingMade:
    """Collects the parts of calls; `size` is what they take, in characters."""

    def __init__(self) -> None:
        self._parts: dict[int, list[CallPart]] = {}
        self._last = -1
        self.size = 0

    def add(self, parts: Sequence[CallPart]) -> None:
        """Take the parts of one event, or all of a whole answer. Raises NonsenseError.

        A part without a number that names a call begins one; one that names none goes on with the
        last.
        """
        for part in parts:
            begins = bool(part.id or part.name)
            self._last = self._last + begins if part.index is None else part.index
            if not 0 <= self._last < MOST_CALLS:
                raise NonsenseError("a tool call is not to be told from the others")
            self._parts.setdefault(self._last, []).append(part)
            self.size += len(part.id) + len(part.name) + len(part.arguments) + 1

    def made(self) -> tuple[ToolCall, ...]:
        """Return the calls in the order of their numbers.

        Id and name come with the first part; servers that repeat them mean the same ones.
        """
        return tuple(_call(parts) for _, parts in sorted(self._parts.items()))


def _call(parts: Sequence[CallPart]) -> ToolCall:
    return ToolCall(
        next((part.id for part in parts if part.id), ""),
        next((part.name for part in parts if part.name), ""),
        "".join(part.arguments for part in parts),
    )


def calls_of(parts: Sequence[CallPart]) -> tuple[ToolCall, ...]:
    """Put the calls of a whole answer together. Raises NonsenseError."""
    made = CallsBeingMade()
    made.add(parts)
    return made.made()

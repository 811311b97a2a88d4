"""The messages and tools of a chat request, as the conversation that the core knows."""

from __future__ import annotations

from typing import cast

from pydantic_core import to_json

from gateway.core.chat import ChatMessage, ToolCall
from gateway.core.faults import invalid
from gateway.ingress.openai.fields import (
    Json,
    known_only,
    list_of,
    object_of,
    text_of,
    unsupported,
    word_of,
)

MAX_MESSAGES = 2048
MAX_TOOLS = 128
"""As in that API; the same for the calls of one message."""

MAX_TOOLS_BYTES = 256 * 1024
ROLES = ("system", "developer", "user", "assistant", "tool")
PAIR = 2
_PLAIN = frozenset({"system", "developer", "user", "assistant"})
CHOICES = ("none", "auto", "required")
PART_SEPARATOR = "\n"

_FIELDS = {
    **dict.fromkeys(("system", "developer", "user"), ("role", "content", "name")),
    "assistant": ("role", "content", "name", "tool_calls", "refusal", "audio", "annotations"),
    "tool": ("role", "content", "tool_call_id"),
}
_IDLE = ("refusal", "audio", "annotations", "function_call")
"""What clients send back of an answer, as null or empty."""


def messages_of(value: object) -> tuple[ChatMessage, ...]:
    """Read the conversation. Raises Fault naming the message and the field."""
    items = list_of("messages", value, MAX_MESSAGES)
    if not items:
        raise invalid("messages", "must have at least one message")
    return tuple([_plain(item) or _message(place, item) for place, item in enumerate(items)])


def _plain(item: object) -> ChatMessage | None:
    """Read a message as nearly all are, without a word about where it stands; else None."""
    if not isinstance(item, dict):
        return None
    fields = cast("dict[str, object]", item)
    role, content = fields.get("role"), fields.get("content")
    if len(fields) == PAIR and role in _PLAIN and isinstance(content, str):
        return ChatMessage(cast("str", role), content)
    return None


def _message(place: int, item: object) -> ChatMessage:
    path = f"messages[{place}]"
    fields = object_of(path, item)
    role = fields.get("role")
    if role == "function":
        raise unsupported(f"{path}.role", "use `tool` with a tool_call_id")
    role = word_of(f"{path}.role", role, ROLES)
    said = {name: one for name, one in fields.items() if one or name not in _IDLE}
    known_only(path, said, _FIELDS[role])
    for name in _IDLE:
        if name in said:
            raise unsupported(f"{path}.{name}", "only text is passed on")
    calls = _calls(f"{path}.tool_calls", said.get("tool_calls"))
    content = said.get("content")
    if content is None and not calls:
        raise invalid(f"{path}.content", "must be a string or a list of text parts")
    answers = said.get("tool_call_id")
    if role == "tool" and not answers:
        raise invalid(f"{path}.tool_call_id", "must name the call that this answers")
    return ChatMessage(
        role,
        "" if content is None else _content(f"{path}.content", content),
        text_of(f"{path}.name", said.get("name") or ""),
        calls,
        text_of(f"{path}.tool_call_id", answers or ""),
    )


def _content(path: str, value: object) -> str:
    """Read a text, or join the parts of one."""
    if isinstance(value, str):
        return value
    parts: list[str] = []
    for place, item in enumerate(list_of(path, value, MAX_MESSAGES)):
        part = object_of(f"{path}[{place}]", item)
        kind = part.get("type")
        if kind != "text":
            raise unsupported(f"{path}[{place}].type", "only parts of type `text` are passed on")
        parts.append(text_of(f"{path}[{place}].text", part.get("text")))
    return PART_SEPARATOR.join(parts)


def _calls(path: str, value: object) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    return tuple(
        _call(f"{path}[{place}]", object_of(f"{path}[{place}]", item))
        for place, item in enumerate(list_of(path, value, MAX_TOOLS))
    )


def _call(path: str, fields: Json) -> ToolCall:
    if fields.get("type", "function") != "function":
        raise unsupported(f"{path}.type", "only functions can be called")
    function = object_of(f"{path}.function", fields.get("function"))
    return ToolCall(
        text_of(f"{path}.id", fields.get("id")),
        text_of(f"{path}.function.name", function.get("name")),
        text_of(f"{path}.function.arguments", function.get("arguments")),
    )


def tools_of(value: object) -> str:
    """Check the tools and return them as JSON text, empty for none."""
    items = list_of("tools", value, MAX_TOOLS)
    for place, item in enumerate(items):
        path = f"tools[{place}]"
        tool = object_of(path, item)
        if tool.get("type") != "function":
            raise unsupported(f"{path}.type", "only tools of type `function` are passed on")
        function = object_of(f"{path}.function", tool.get("function"))
        if not text_of(f"{path}.function.name", function.get("name")):
            raise invalid(f"{path}.function.name", "must not be empty")
    return _json_text("tools", items) if items else ""


def tool_choice_of(value: object) -> str:
    """Check which tool is to be called and return that as JSON text."""
    if isinstance(value, str):
        word_of("tool_choice", value, CHOICES)
    else:
        choice = object_of("tool_choice", value)
        if choice.get("type") != "function":
            raise unsupported("tool_choice.type", "only functions can be called")
        function = object_of("tool_choice.function", choice.get("function"))
        text_of("tool_choice.function.name", function.get("name"))
    return _json_text("tool_choice", value)


def _json_text(field: str, value: object) -> str:
    encoded = to_json(value)
    if len(encoded) > MAX_TOOLS_BYTES:
        raise invalid(field, f"must be at most {MAX_TOOLS_BYTES} bytes of JSON")
    return encoded.decode()

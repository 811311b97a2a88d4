"""A conversation as its caller wrote it, for endpoints that are spoken to in chat."""

from __future__ import annotations

from gateway.core.value import value


@value
class ToolCall:
    """A function that a model wants called; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@value
class ChatMessage:
    """One message. `role`: system, developer, user, assistant or tool.

    `content` is its text, empty for an assistant's that only calls tools; `tool_call_id` names the
    call that a tool's message answers.
    """

    role: str
    content: str = ""
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@value
class Chat:
    """What goes to an endpoint in the place of a prompt of ours.

    `tools` and `tool_choice` are JSON texts in the form of the OpenAI API, passed on as they came;
    empty = none, or left to the endpoint. `parallel_tool_calls` is None when not stated.
    """

    messages: tuple[ChatMessage, ...]
    tools: str = ""
    tool_choice: str = ""
    parallel_tool_calls: bool | None = None

    @property
    def transcript(self) -> str:
        """The conversation as one text: for endpoints that take a prompt, and for routing."""
        if len(self.messages) == 1:
            return self.messages[0].content
        parts = [f"{message.role}: {_said(message)}" for message in self.messages if _said(message)]
        return "\n\n".join((*parts, "assistant: "))


def _said(message: ChatMessage) -> str:
    if message.content:
        return message.content
    return "\n".join(f"calls {call.name}({call.arguments})" for call in message.tool_calls)

"""A conversation as one text."""

from __future__ import annotations

from gateway.core.chat import Chat, ChatMessage, ToolCall


def test_a_lone_message_is_its_own_transcript() -> None:
    assert Chat((ChatMessage("user", "def f(): "),)).transcript == "def f(): "


def test_a_transcript_says_who_said_what_and_asks_for_the_next_words() -> None:
    chat = Chat(
        (
            ChatMessage("system", "Be short."),
            ChatMessage("user", "Add 1 and 2."),
            ChatMessage("assistant", tool_calls=(ToolCall("c1", "add", '{"a": 1}'),)),
            ChatMessage("tool", "3", tool_call_id="c1"),
            ChatMessage("assistant"),
        )
    )
    assert chat.transcript == (
        "system: Be short.\n\nuser: Add 1 and 2.\n\n"
        'assistant: calls add({"a": 1})\n\ntool: 3\n\nassistant: '
    )

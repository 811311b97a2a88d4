"""The events of a streamed answer, as that API writes them.

For each choice: its role first, then its text piece by piece, then why it ended. Then, if asked
for, the usage; then `[DONE]`, which stands for a whole answer only.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from gateway.core.answer import Answer
from gateway.ingress.openai.answer import (
    ID_PREFIXES,
    Done,
    about,
    call_of,
    finish_of,
    logprobs_of,
    usage_of,
)
from gateway.ingress.openai.wanted import Api, Wanted

DONE = b"data: [DONE]\n\n"


def event_of(document: bytes) -> bytes:
    """Frame a JSON document as one event; JSON has no line breaks of its own."""
    return b"data: " + document + b"\n\n"


class Chunks:
    """Writes the events of one call, in the order in which its methods are called."""

    def __init__(self, wanted: Wanted, request_id: str, created: int, model: str) -> None:
        """`model` is what all chunks say wrote them."""
        self._wanted = wanted
        chat = wanted.api is Api.CHAT
        self._chat = chat
        self._common: dict[str, Any] = {
            "id": ID_PREFIXES[wanted.api] + request_id,
            "object": "chat.completion.chunk" if chat else "text_completion",
            "created": created,
            "model": model,
        }
        # With usage asked for, that of every other chunk is null.
        self._usage: dict[str, Any] = {"usage": None} if wanted.include_usage else {}
        self._frames = [self._frame(index) for index in range(len(wanted.requests))]

    def role(self, index: int) -> bytes:
        """Say who speaks; completions do not."""
        if not self._chat:
            return b""
        return self._event(index, {"role": "assistant", "content": "", "refusal": None})

    def text(self, index: int, text: str) -> bytes:
        """Add a piece of text. On the path of every piece: only the text itself is encoded."""
        before, after = self._frames[index]
        return before + to_json(text) + after

    def end(self, index: int, done: Done, trace_id: str) -> bytes:
        """Say what tools are called, if any, and why the text ended."""
        _, answer = done
        calls = answer.chosen.completion.tool_calls
        first = b""
        if calls and self._chat:
            numbered = [{"index": place, **call_of(call)} for place, call in enumerate(calls)]
            first = self._event(index, {"tool_calls": numbered})
        logprobs = logprobs_of(self._wanted, index, answer.chosen.completion)
        told = {"ensemble": about(self._wanted, done, trace_id)}
        return first + self._event(index, {}, finish_of(answer), logprobs, told)

    def usage(self, answers: list[Answer]) -> bytes:
        """Tell the usage, in an event without a choice; nothing where it was not asked for."""
        if not self._wanted.include_usage:
            return b""
        return event_of(to_json({**self._common, "choices": [], "usage": usage_of(answers)}))

    def _event(
        self,
        index: int,
        delta: dict[str, Any],
        finish: str | None = None,
        logprobs: dict[str, Any] | None = None,
        told: dict[str, Any] | None = None,
    ) -> bytes:
        said = {"delta": delta} if self._chat else {"text": delta.get("content", "")}
        choice = {"index": index, **said, "logprobs": logprobs, "finish_reason": finish}
        return event_of(
            to_json({**self._common, "choices": [choice], **self._usage, **(told or {})})
        )

    def _frame(self, index: int) -> tuple[bytes, bytes]:
        """Write what stands before and behind each piece of a choice's text."""
        mark = "\0"
        before, _, after = self._event(index, {"content": mark}).partition(to_json(mark))
        return before, after

"""A streamed OpenAI-compatible answer as it grows; bytes in, text out, no I/O."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.candidate import NO_USAGE, Completion, FinishReason
from gateway.upstreams.fence import FenceStripper
from gateway.upstreams.openai_answer import ReportedError, Tokens, names_in, part_of
from gateway.upstreams.openai_chat import CallsBeingMade
from gateway.upstreams.openai_json import document_of
from gateway.upstreams.sse import ServerEvent, SseParser

DONE_MARKER = "[DONE]"
LOGPROB_BYTES = 8


class StreamedFill:
    """Collects the events of one stream.

    `done` turns true with the end marker; `complete` says that the text was ended by the server,
    by the marker or by a finish reason.
    """

    def __init__(self, *, fenced: bool) -> None:
        self._events = SseParser()
        self._fence = FenceStripper() if fenced else None
        self._pieces: list[str] = []
        self._logprobs: list[float] = []
        self._tokens: list[str] = []
        self._calls = CallsBeingMade()
        self._finish: FinishReason | None = None
        self._model = ""
        self._usage = NO_USAGE
        self._size = 0
        self.done = False

    @property
    def size(self) -> int:
        """What the collected parts take, in characters."""
        return self._size + self._calls.size

    @property
    def complete(self) -> bool:
        """True when nothing of the text is missing."""
        return self.done or self._finish is not None

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Take bytes and yield each piece of text; exhaust it before the next call.

        Raises BrokenStreamError, NonsenseError, or ReportedError when the server reports an error
        in the stream. What follows the end marker is ignored.
        """
        for event in self._events.feed(chunk):
            if self.done:
                return
            text = self._read(event)
            if text:
                yield text

    def finish(self) -> str:
        """Return the text that was held back, at the end of a complete stream."""
        return self._keep(self._fence.finish()) if self._fence else ""

    def completion(self) -> Completion:
        """Return what was collected."""
        told = len(self._tokens) == len(self._logprobs)
        return Completion(
            text="".join(self._pieces),
            finish_reason=self._finish or FinishReason.UNSPECIFIED,
            model=self._model,
            usage=self._usage,
            logprobs=tuple(self._logprobs),
            tokens=tuple(self._tokens) if told else (),
            tool_calls=self._calls.made(),
        )

    def _read(self, event: ServerEvent) -> str:
        if event.data.strip() == DONE_MARKER:
            self.done = True
            return ""
        document = document_of(event.data)
        if event.name == "error":
            raise ReportedError(names_in({"error": document, **document}) or ())
        part = part_of(document)
        self._finish = part.finish_reason or self._finish
        self._model = part.model or self._model
        self._usage = self._usage if part.usage == NO_USAGE else part.usage
        self._count(part.tokens)
        self._calls.add(part.calls)
        return self._keep(self._fence.feed(part.text) if self._fence else part.text)

    def _count(self, tokens: Tokens) -> None:
        self._logprobs.extend(tokens.logprobs)
        self._tokens.extend(tokens.texts)
        self._size += LOGPROB_BYTES * len(tokens.logprobs) + sum(map(len, tokens.texts))

    def _keep(self, text: str) -> str:
        if text:
            self._pieces.append(text)
            self._size += len(text)
        return text

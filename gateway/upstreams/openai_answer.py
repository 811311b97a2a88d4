"""The answers of OpenAI-compatible calls, whole ones and the events of streams.

Real servers vary: `content` may be null, a stream may begin with a chunk without text, `usage` may
be missing although asked for, `n` may be ignored. Whatever has the wrong type raises NonsenseError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from gateway.core.candidate import NO_USAGE, FinishReason, Usage
from gateway.core.value import value
from gateway.upstreams.errors import finite
from gateway.upstreams.errors_text import marks_in
from gateway.upstreams.openai_chat import CallPart, call_parts
from gateway.upstreams.openai_json import NonsenseError, count_in, list_in, object_in, text_in

FINISH: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    # That tools are called is told by the calls themselves.
    "tool_calls": FinishReason.STOP,
    "function_call": FinishReason.STOP,
}


class ReportedError(Exception):
    """The document is an error object; `names` are its code, type and status, as far as given."""

    def __init__(self, names: tuple[object, ...]) -> None:
        super().__init__("the endpoint reported an error")
        self.names = names


@value
class Tokens:
    """The log-probability of each token, and its text where every token has one."""

    logprobs: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()


NO_TOKENS = Tokens()


@value
class Part:
    """What one document says. `finish_reason` is None while the text goes on."""

    text: str = ""
    finish_reason: FinishReason | None = None
    model: str = ""
    usage: Usage = NO_USAGE
    tokens: Tokens = NO_TOKENS
    calls: tuple[CallPart, ...] = ()
    has_choice: bool = False


def names_in(document: Mapping[str, object]) -> tuple[object, ...] | None:
    """Find the names of an error object in its known forms; None when there is no error."""
    error = document.get("error")
    if isinstance(error, dict):
        return _names(cast("dict[str, object]", error))
    if error is not None:
        return marks_in(error)
    return _names(document) if document.get("object") == "error" else None


def part_of(document: Mapping[str, object]) -> Part:
    """Read a whole answer or one event. Raises ReportedError, NonsenseError."""
    names = names_in(document)
    if names is not None:
        raise ReportedError(names)
    model = text_in(document.get("model"))
    usage = _usage(document.get("usage"))
    for choice in list_in(document.get("choices")):
        fields = object_in(choice)
        # Only the first choice was asked for; a server may send more.
        if fields.get("index", 0) == 0:
            message = _message(fields)
            return Part(
                text=text_in(fields.get("text") if message is None else message.get("content")),
                finish_reason=_finish(fields.get("finish_reason")),
                model=model,
                usage=usage,
                tokens=tokens_of(fields.get("logprobs")),
                calls=() if message is None else call_parts(message),
                has_choice=True,
            )
    return Part(model=model, usage=usage)


def _names(error: Mapping[str, object]) -> tuple[object, ...]:
    named = (error.get("code"), error.get("type"), error.get("status"))
    return (*marks_in(error.get("message")), *named)


def _message(choice: Mapping[str, object]) -> dict[str, object] | None:
    for name in ("message", "delta"):
        if choice.get(name) is not None:
            return object_in(choice[name])
    return None


def _finish(value: object) -> FinishReason | None:
    word = text_in(value)
    return FINISH.get(word, FinishReason.UNSPECIFIED) if word else None


def _usage(value: object) -> Usage:
    if value is None:
        return NO_USAGE
    fields = object_in(value)
    return Usage(count_in(fields.get("prompt_tokens")), count_in(fields.get("completion_tokens")))


def tokens_of(value: object) -> Tokens:
    """Read `logprobs` in the form of either call. Raises NonsenseError."""
    if value is None:
        return NO_TOKENS
    fields = object_in(value)
    if fields.get("token_logprobs") is None:
        entries = [object_in(token) for token in list_in(fields.get("content"))]
        numbers = [entry.get("logprob") for entry in entries]
        texts = [entry.get("token") for entry in entries]
    else:
        numbers, texts = list_in(fields["token_logprobs"]), list_in(fields.get("tokens"))
    told = len(texts) == len(numbers) and all(map(_is_text, texts))
    # The first token of a prompt that is echoed has no log-probability.
    places = [place for place, number in enumerate(numbers) if number is not None]
    found = finite(tuple(_number(numbers[place]) for place in places))
    return Tokens(found, tuple(text_in(texts[place]) for place in places) if told and found else ())


def _is_text(value: object) -> bool:
    """Tell what can be sent on; half a character, or a token's number, spoils no answer."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise NonsenseError("a log-probability is not a number")
    return float(value)

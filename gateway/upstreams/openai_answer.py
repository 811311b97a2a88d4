"""The answers of OpenAI-compatible calls, whole ones and the events of streams.

Real servers vary: `content` may be null, a stream may begin with a chunk without text, `usage` may
be missing although asked for, `n` may be ignored. Whatever has the wrong type raises NonsenseError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from gateway.core.candidate import NO_USAGE, FinishReason, Usage
from gateway.core.value import value
from gateway.upstreams.errors import finite

FINISH: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class NonsenseError(ValueError):
    """The document is not what the protocol says."""


class ReportedError(Exception):
    """The document is an error object; `names` are its code, type and status, as far as given."""

    def __init__(self, names: tuple[object, ...]) -> None:
        super().__init__("the endpoint reported an error")
        self.names = names


@value
class Part:
    """What one document says. `finish_reason` is None while the text goes on."""

    text: str = ""
    finish_reason: FinishReason | None = None
    model: str = ""
    usage: Usage = NO_USAGE
    logprobs: tuple[float, ...] = ()
    has_choice: bool = False


def document_of(raw: str | bytes) -> dict[str, object]:
    """Parse a JSON object. Raises NonsenseError."""
    try:
        return _object(cast("object", json.loads(raw)))
    except (ValueError, RecursionError):
        raise NonsenseError("not a JSON object") from None


def names_in(document: Mapping[str, object]) -> tuple[object, ...] | None:
    """Find the names of an error object in its known forms; None when there is no error."""
    error = document.get("error")
    if isinstance(error, dict):
        return _names(cast("dict[str, object]", error))
    if error is not None:
        return ()
    return _names(document) if document.get("object") == "error" else None


def part_of(document: Mapping[str, object]) -> Part:
    """Read a whole answer or one event. Raises ReportedError, NonsenseError."""
    names = names_in(document)
    if names is not None:
        raise ReportedError(names)
    model = _text(document.get("model"))
    usage = _usage(document.get("usage"))
    for choice in _list(document.get("choices")):
        fields = _object(choice)
        # Only the first choice was asked for; a server may send more.
        if fields.get("index", 0) == 0:
            return Part(
                text=_choice_text(fields),
                finish_reason=_finish(fields.get("finish_reason")),
                model=model,
                usage=usage,
                logprobs=_logprobs(fields.get("logprobs")),
                has_choice=True,
            )
    return Part(model=model, usage=usage)


def _names(error: Mapping[str, object]) -> tuple[object, ...]:
    return (error.get("code"), error.get("type"), error.get("status"))


def _choice_text(choice: Mapping[str, object]) -> str:
    for name in ("message", "delta"):
        if choice.get(name) is not None:
            return _text(_object(choice[name]).get("content"))
    return _text(choice.get("text"))


def _finish(value: object) -> FinishReason | None:
    word = _text(value)
    return FINISH.get(word, FinishReason.UNSPECIFIED) if word else None


def _usage(value: object) -> Usage:
    if value is None:
        return NO_USAGE
    fields = _object(value)
    return Usage(_count(fields.get("prompt_tokens")), _count(fields.get("completion_tokens")))


def _logprobs(value: object) -> tuple[float, ...]:
    if value is None:
        return ()
    fields = _object(value)
    numbers = fields.get("token_logprobs")
    if numbers is None:
        numbers = [_object(token).get("logprob") for token in _list(fields.get("content"))]
    found = [number for number in _list(numbers) if number is not None]
    if not all(isinstance(number, int | float) for number in found):
        raise NonsenseError("a log-probability is not a number")
    return finite(tuple(float(cast("float", number)) for number in found))


def _count(value: object) -> int:
    if value is None:
        return 0
    # Token counts leave as unsigned 32 bits.
    if not isinstance(value, int) or not 0 <= value < 2**32:
        raise NonsenseError("a token count is not a count")
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NonsenseError("a text is not a string")
    try:
        # JSON can spell half a surrogate pair, which nothing downstream can send.
        value.encode()
    except UnicodeEncodeError:
        raise NonsenseError("a text is not Unicode") from None
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise NonsenseError("a list is missing")
    return cast("list[object]", value)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise NonsenseError("an object is missing")
    return cast("dict[str, object]", value)

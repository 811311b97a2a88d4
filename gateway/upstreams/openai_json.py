"""Reading foreign JSON: what is missing or null is empty, what has another type is nonsense."""

from __future__ import annotations

import json
from typing import cast


class NonsenseError(ValueError):
    """The document is not what the protocol says."""


def document_of(raw: str | bytes) -> dict[str, object]:
    """Parse a JSON object. Raises NonsenseError."""
    try:
        return object_in(cast("object", json.loads(raw)))
    except (ValueError, RecursionError):
        raise NonsenseError("not a JSON object") from None


def count_in(value: object) -> int:
    """Take a count of tokens. Raises NonsenseError."""
    if value is None:
        return 0
    # Token counts leave as unsigned 32 bits.
    if not isinstance(value, int) or not 0 <= value < 2**32:
        raise NonsenseError("a token count is not a count")
    return value


def text_in(value: object) -> str:
    """Take a text. Raises NonsenseError."""
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


def list_in(value: object) -> list[object]:
    """Take a list. Raises NonsenseError."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise NonsenseError("a list is missing")
    return cast("list[object]", value)


def object_in(value: object) -> dict[str, object]:
    """Take an object. Raises NonsenseError."""
    if not isinstance(value, dict):
        raise NonsenseError("an object is missing")
    return cast("dict[str, object]", value)

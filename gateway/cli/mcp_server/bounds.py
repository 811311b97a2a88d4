"""What may leave in an answer: no secret, no text without end.

The gateway redacts what it keeps; an answer is redacted again, for it also has names, addresses and
labels, and goes to a model that may repeat them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from gateway.core.sanitise import REDACTED, Json, cut, is_secret

Item = TypeVar("Item")

MOST_CHARS = 2000
"""Of one text."""

MOST_ANSWER = 200_000
"""Characters of all texts of an answer; behind them each text is cut to the first few."""

FEW_CHARS = 40
MOST_ITEMS = 200
"""Of a list; answers say how many were left out."""


def bounded(document: dict[str, Json], most: int = MOST_ANSWER) -> dict[str, Json]:
    """Redact and cut the texts of a document; its shape stays.

    Lists are bounded by whoever made them. A text that is cut says how long it was.
    """
    return cast("dict[str, Json]", _Walk(most).value(document))


def first(items: Sequence[Item], most: int = MOST_ITEMS) -> tuple[list[Item], int]:
    """Return the first items and how many are left out."""
    return list(items[:most]), max(len(items) - most, 0)


class _Walk:
    __slots__ = ("_left",)

    def __init__(self, most: int) -> None:
        self._left = most

    def value(self, value: Json, key: str = "") -> Json:
        match value:
            case str():
                return self._text(value, key)
            case list():
                return [self.value(item, key) for item in value]
            case dict():
                return {cut(name, 200): self.value(item, name) for name, item in value.items()}
            case _:
                return value

    def _text(self, text: str, key: str) -> str:
        # Attributes of a trace are texts, numbers too: `prompt_tokens` is a count.
        if is_secret(key, 0 if text.isdecimal() else text):
            return REDACTED if text else ""
        kept = cut(text, MOST_CHARS if self._left > 0 else FEW_CHARS)
        if REDACTED in text:
            # What the gateway has redacted is taken for a value up to its bracket.
            kept = kept.replace(f"{REDACTED}]", REDACTED)
        self._left -= len(kept)
        return kept

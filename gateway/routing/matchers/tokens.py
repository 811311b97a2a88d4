"""Words of a text: whole words in lower case, and identifiers also in parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import normalize

from gateway.core.value import value

KEPT = 32
"""Texts of which the words are kept: several matchers read those of one request."""

_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that put no space between words: each character counts as a word."""

_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")

_ASCII = {number: " " for number in range(128) if not (chr(number).isalnum() or chr(number) == "_")}
"""Everything in ASCII that parts words: most texts need no more, and so no search."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a new word begins within camelCase or an HTTPServer."""


@value
class Words:
    """The words of a text in order.

    `parts` has identifiers split at underscores and capitals. `joined` has those that were split in
    one piece, without underscores: by where they begin in `parts`, the word and where it ends. So
    `GraphQL` and `graph_ql` are `graph`, `ql` and also `graphql`. `distinct` has each word of
    `parts` once.
    """

    parts: tuple[str, ...]
    joined: Mapping[int, tuple[str, int]]
    distinct: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def whole(self) -> tuple[str, ...]:
        """The words with every identifier in one piece."""
        found: list[str] = []
        at = 0
        while at < len(self.parts):
            word, at = self.joined.get(at, (self.parts[at], at + 1))
            found.append(word)
        return tuple(found)


@lru_cache(maxsize=KEPT)
def words_of(text: str) -> Words:
    """Read the words of a text, casefolded, in time linear in its length.

    Everything but letters, digits and underscores parts words, so `C++` reads as `c`.
    """
    if text.isascii():
        text = text.translate(_ASCII)
        raw, lowered = text.split(), text.lower()
        if lowered == text and "_" not in text:
            return Words(tuple(raw), {}, frozenset(raw))
        unlike = {word for word, low in zip(raw, lowered.split(), strict=True) if word != low} | {
            word for word in raw if "_" in word
        }
    else:
        raw = _WORD.findall(normalize("NFC", text))
        unlike = {word for word in raw if "_" in word or word != word.lower() or not word.isascii()}
    odd = {word: _pieces(word) for word in unlike}
    parts: list[str] = []
    joined: dict[int, tuple[str, int]] = {}
    for word in raw:
        if word in odd:
            pieces = odd[word]
            start = len(parts)
            parts += pieces
            if len(pieces) > 1:
                joined[start] = ("".join(pieces), len(parts))
        else:
            parts.append(word)
    return Words(tuple(parts), joined, frozenset(parts))


def _pieces(word: str) -> list[str]:
    pieces = [piece.casefold() for part in word.split("_") for piece in _HUMP.split(part)]
    return list(filter(None, pieces))

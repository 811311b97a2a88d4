"""Which phrases occur among words: word by word, never within one (X-04)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from gateway.core.value import value
from gateway.routing.matchers.tokens import Words, words_of

_KEPT_PHRASES = 4096
"""Phrases read once and kept: those of the configuration, which are short."""


_SIZE = attrgetter("size")


@value
class Span:
    """An occurrence of a phrase: from `start` up to but not including `end` in `Words.parts`."""

    phrase: str
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many words it covers."""
        return self.end - self.start


@lru_cache(maxsize=_KEPT_PHRASES)
def phrase_words(phrase: str) -> Words:
    """Read a phrase of the configuration. Raises ValueError when it has no word at all."""
    words = words_of(phrase)
    if not words:
        raise ValueError(f"{phrase!r} has no letter or digit, so that it can never be found")
    return words


class PhraseTable:
    """Finds all of a set of phrases in one pass.

    A phrase is found when its words follow each other, either as they stand or with identifiers in
    parts: `json schema` in `parse_json_schema`, and `graphql` in `GraphQL`. Raises ValueError for
    a phrase without a word.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for phrase in dict.fromkeys(phrases):
            words = phrase_words(phrase)
            for reading in dict.fromkeys((words.parts, words.whole)):
                self._by_first.setdefault(reading[0], []).append((reading, phrase))

    def find(self, words: Words) -> list[Span]:
        """Return every occurrence, each once."""
        by_first = self._by_first
        firsts: list[tuple[int, str]] = []
        # Most requests have none of the words of most tables.
        if not by_first.keys().isdisjoint(words.distinct):
            firsts = [(at, word) for at, word in enumerate(words.parts) if word in by_first]
        firsts += [(at, word) for at, (word, _) in words.joined.items() if word in by_first]
        found = {
            Span(phrase, at, end): None
            for at, word in firsts
            for reading, phrase in by_first[word]
            if (end := _end(words, reading, at))
        }
        return list(found)


def _end(words: Words, reading: tuple[str, ...], at: int) -> int:
    """Where a reading ends that begins at a place in `parts`; 0 when it does not begin there."""
    parts, joined = words.parts, words.joined
    for word in reading:
        if at < len(parts) and parts[at] == word:
            at += 1
        elif at in joined and joined[at][0] == word:
            at = joined[at][1]
        else:
            return 0
    return at


def longest(spans: Iterable[Span]) -> list[Span]:
    """Leave out the spans that lie within a longer one: `unit test` hides `test` in it."""
    by_size = sorted(spans, key=_SIZE, reverse=True)
    if not by_size or by_size[0].size == by_size[-1].size:
        return by_size
    kept: list[Span] = []
    reach: dict[int, int] = {}
    for _, equals in groupby(by_size, key=_SIZE):
        same = list(equals)
        kept += [span for span in same if reach.get(span.start, 0) < span.end]
        for span in same:
            for at in range(span.start, span.end):
                reach[at] = max(reach.get(at, 0), span.end)
    return kept

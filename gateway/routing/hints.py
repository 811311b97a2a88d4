"""Modifiers that a request asks for, and whether it asks for little: X-15, X-17, X-18."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache

from gateway.core.topics import Hint, Topic
from gateway.routing.matchers.phrases import PhraseTable, longest, phrase_words
from gateway.routing.matchers.tokens import Words, words_of

FEWEST_WORDS = 2
"""Words of a phrase that must be found when its words do not follow each other."""

LEAST_SHARE = 0.70
"""Share of its words that must then be found."""

SLACK = 3
"""They must then lie within as many words as the phrase has, and these."""

APART = 0.95
"""What a phrase found so is worth against one that is there as it is written."""

NEVER = (0.0, 0)
"""How plainly a phrase is asked for that is not."""

_KEPT_TABLES = 256
"""Topics whose phrases are kept ready."""

_LITE = words_of(
    # English
    "simple simply basic minimal minimalistic just only plain "
    # German
    "einfach einfache einfachen einfacher einfaches nur bloß lediglich minimale minimalen schlicht "
    "schlichte simpel "
    # Russian
    "простой простая простое простую простого просто только лишь минимальный минимальная "
    "минимальное минимальную базовый базовая базовое базовую"
).parts

_NOT_LITE = (
    "read only",
    "write only",
    "append only",
    "only if",
    "not only",
    "just in time",
    "plain text",
    "basic auth",
    "nicht nur",
    "не только",
)
"""Fixed expressions with such a word that ask for no small answer."""

_LITE_TABLE = PhraseTable((*_LITE, *_NOT_LITE))


def wants_lite(words: Words) -> bool:
    """Say whether a request asks for a small answer. It says nothing about any confidence (X-15).

    Whole words in English, German or Russian: `adjust` and `commonly` ask for nothing.
    """
    return any(span.phrase in _LITE for span in longest(_LITE_TABLE.find(words)))


def extract_hints(topic: Topic, words: Words) -> tuple[tuple[str, str], ...]:
    """Return the hints of a topic that a request asks for, as (group, name), by group.

    Whoever matched the topic, its hints are looked for (X-17). A hint with a negative among the
    words never applies. Of several in a group the one that is asked for most plainly does: by a
    phrase as it is written, then by more of the words of one, then by the longer phrase; of equal
    ones, the first of the topic.
    """
    found = {span.phrase for span in _table(topic.hints).find(words)}
    best: dict[str, tuple[tuple[float, int], str]] = {}
    for hint in topic.hints:
        if found.intersection(hint.negatives):
            continue
        asked = max((_asked(one, words, found) for one in hint.phrases), default=NEVER)
        if asked > best.get(hint.group, (NEVER, ""))[0]:
            best[hint.group] = (asked, hint.name)
    return tuple((group, name) for group, (_, name) in sorted(best.items()))


@lru_cache(maxsize=_KEPT_TABLES)
def _table(hints: tuple[Hint, ...]) -> PhraseTable:
    return PhraseTable(phrase for hint in hints for phrase in (*hint.phrases, *hint.negatives))


def _asked(phrase: str, words: Words, found: Collection[str]) -> tuple[float, int]:
    """How plainly a phrase is there, 0..1, and how many words it has; `NEVER` when it is not."""
    wanted = phrase_words(phrase).parts
    if phrase in found:
        return (1.0, len(wanted))
    distinct = frozenset(wanted)
    least = max(FEWEST_WORDS, math.ceil(LEAST_SHARE * len(distinct)))
    if len(distinct & words.distinct) < least:
        return NEVER
    window = len(wanted) + SLACK
    parts = words.parts
    most = max(
        len(distinct.intersection(parts[at : at + window]))
        for at, word in enumerate(parts)
        if word in distinct
    )
    return (APART * most / len(distinct), len(wanted)) if most >= least else NEVER

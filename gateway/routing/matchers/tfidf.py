"""How near a text is to each of a few known ones: TF-IDF over hashed words and pairs of words.

Weights: (1 + ln tf) * idf with idf = 1 + ln((1 + texts) / (1 + texts that have it)). A word that
no known text has weighs most and lies in no known text's direction, so a request about something
else is near to nothing. Unknown pairs are left out: nearly all pairs are, and would only make every
request longer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gateway.routing.matchers.tokens import Words, words_of

STOP_WORDS = frozenset(
    words_of(
        "a an and are as at be but by can do for from has have i if in into is it its me my no not "
        "of on or our please should so that the their then there these this to use using want we "
        "when which will with you your "
        "auf aus bei bitte das dem den der des die ein eine einen einer es für ich im in ist mit "
        "nicht oder sich soll und von wie wir zu zum zur "
        "в во для и из или к как на не но о от по с со что это я мы чтобы"  # noqa: RUF001 - Russian
    ).parts
)
"""Words that say nothing about what a text is about."""

_PAIR = 1_000_003
_BITS = 0xFFFFFFFF


class TextIndex:
    """Known texts, ready to be compared with. It holds no text, and never changes."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        counts = [_pairs_too(_buckets(words_of(text))) for text in texts]
        having = Counter(bucket for count in counts for bucket in count)
        self._unknown = 1 + math.log1p(self._size)
        self._idf = {
            bucket: self._unknown - math.log1p(number) for bucket, number in having.items()
        }
        entries: dict[int, list[tuple[int, float]]] = {}
        for row, count in enumerate(counts):
            weights = {
                bucket: (1 + math.log(often)) * self._idf[bucket] for bucket, often in count.items()
            }
            length = math.hypot(*weights.values())
            for bucket, weight in weights.items():
                entries.setdefault(bucket, []).append((row, weight / length))
        self._rows = {
            bucket: np.asarray([row for row, _ in found], np.int32)
            for bucket, found in entries.items()
        }
        self._weights = {
            bucket: np.asarray([weight for _, weight in found]) for bucket, found in entries.items()
        }

    def cosines(self, words: Words) -> NDArray[np.float64]:
        """Return the cosine of the words and each text, 0..1, as [texts]."""
        sums = np.zeros(self._size)
        buckets = _buckets(words)
        count = Counter(buckets)
        known = self._idf
        count.update(
            pair
            for one, other in pairwise(buckets)
            if one in known and other in known and (pair := _pair(one, other)) in known
        )
        square = 0.0
        for bucket, often in count.items():
            weight = known.get(bucket, self._unknown)
            if often > 1:
                weight *= 1 + math.log(often)
            square += weight * weight
            if bucket in known:
                sums[self._rows[bucket]] += weight * self._weights[bucket]
        return sums / math.sqrt(square) if square else sums


def _buckets(words: Words) -> list[int]:
    number = {
        word: crc32(word.encode("utf-8", "surrogatepass")) for word in words.distinct - STOP_WORDS
    }
    return [number[word] for word in words.parts if word in number]


def _pair(one: int, other: int) -> int:
    return (one * _PAIR + other) & _BITS


def _pairs_too(buckets: list[int]) -> Counter[int]:
    return Counter([*buckets, *(_pair(one, other) for one, other in pairwise(buckets))])

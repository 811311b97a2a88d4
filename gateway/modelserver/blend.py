"""How likely each next token is: the corpus and the file at hand, all orders blended.

Interpolated absolute discounting (Ney, Essen and Kneser 1994): each order gives every token it has
seen its count less a discount, and hands what was taken off down to the next shorter context. The
counts are those of the corpus plus, weighted, those of the file around the hole (a cache model;
Kuhn and De Mori 1990), which is where local names are found.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.modelserver.contexts import Slice, SortedContexts
from gateway.modelserver.model import END, FIRST_TOKEN, UNKNOWN, Model
from gateway.modelserver.tokenizer import bare

SMALLEST_MASS = 1e-3
"""Shorter contexts are not asked when less than this probability is left for them."""
MEMORY = 4096
"""Distributions kept for a request."""


@dataclass(frozen=True, slots=True)
class BlendSettings:
    """How the counts of corpus and file are weighed; the values gave the lowest cross-entropy.

    `file_weight`: what one count of the file is worth. `corpus_most`: what all counts of the corpus
    after one context are worth at most, so that a common context does not drown the file.
    `discount`: taken off every count. `sample`: most places looked at after one context.
    """

    file_weight: float = 2.0
    corpus_most: float = 2.0
    discount: float = 0.85
    sample: int = 200


@dataclass(frozen=True, slots=True)
class Next:
    """Probabilities of the likely next tokens; `rest` is left for all the others together."""

    chances: dict[int, float]
    rest: float


class Blend:
    """The next-token model of one request. Tokens the corpus lacks get numbers of their own."""

    def __init__(self, model: Model, settings: BlendSettings) -> None:
        self._model = model
        self._settings = settings
        self._own: dict[str, int] = {}
        self._own_tokens: list[str] = []
        self._file: SortedContexts | None = None
        self._file_counts: Counter[int] = Counter()
        self._file_total = 0
        self._file_names: list[int] = []
        self._memory: dict[tuple[int, ...], Next] = {}
        self._followers: dict[tuple[bool, int, int], tuple[list[tuple[int, float]], float]] = {}

    def learn(self, parts: Sequence[Sequence[str]]) -> None:
        """Take in the text around the hole, each part by itself."""
        full: list[int] = []
        for part in parts:
            full.append(END)
            full.extend(self.number(token) for token in part)
        keys = [self.key(token_id) for token_id in full]
        self._file = SortedContexts.of(
            np.array(keys, np.int32), np.array(full, np.int32), self._model.contexts.depth
        )
        self._file_counts = Counter(full)
        self._file_total = len(full)
        self._file_names = [number for number, _ in self._file_counts.most_common()]
        self._memory.clear()
        self._followers.clear()

    def number(self, token: str) -> int:
        """The token's number; a token that the corpus lacks gets one."""
        known = self._model.ids.get(token)
        if known is not None:
            return known
        own = self._own.get(token)
        if own is None:
            own = self._own[token] = len(self._model.vocabulary) + len(self._own_tokens)
            self._own_tokens.append(token)
        return own

    def token(self, number: int) -> str:
        """The token of a number."""
        known = len(self._model.vocabulary)
        return (
            self._model.vocabulary[number] if number < known else self._own_tokens[number - known]
        )

    def key(self, number: int) -> int:
        """The number under which contexts know a token: that of its form without the space."""
        if number < FIRST_TOKEN:
            return number
        return self.number(bare(self.token(number)))

    def context(self, tokens: Sequence[str]) -> tuple[int, ...]:
        """The context that these tokens leave behind."""
        depth = self._model.contexts.depth
        return tuple(self.key(self.number(token)) for token in tokens[-depth:]) if depth else ()

    def extend(self, context: tuple[int, ...], number: int) -> tuple[int, ...]:
        """The context after one more token."""
        depth = self._model.contexts.depth
        return (*context, self.key(number))[-depth:] if depth else ()

    def after(self, context: tuple[int, ...]) -> Next:
        """The distribution after a context."""
        found = self._memory.get(context)
        if found is None:
            if len(self._memory) >= MEMORY:
                self._memory.clear()
            found = self._memory[context] = self._blend(context)
        return found

    def logprob(self, context: tuple[int, ...], number: int) -> float:
        """The natural logarithm of the probability of one token, never minus infinity."""
        following = self.after(context)
        return math.log(following.chances.get(number, 0.0) + following.rest * self.alone(number))

    def alone(self, number: int) -> float:
        """The probability of a token whatever stands before it; never 0."""
        counts, weight = self._model.counts, self._settings.file_weight
        seen = int(counts[number]) if number < len(counts) else 0
        corpus = (seen + 0.5) / (self._model.total + len(counts) + 1)
        if not self._file_total:
            return corpus
        return (corpus + weight * self._file_counts[number] / self._file_total) / (1 + weight)

    def names(self) -> Sequence[int]:
        """The tokens of the file around the hole, the most frequent first."""
        return self._file_names

    def _blend(self, context: tuple[int, ...]) -> Next:
        corpus, file, settings = self._model.contexts, self._file, self._settings
        corpus_slices = corpus.slices(context)
        file_slices = file.slices(context) if file is not None else []
        chances: dict[int, float] = {}
        mass = 1.0
        for order in range(max(len(corpus_slices), len(file_slices)) - 1, 0, -1):
            counts: dict[int, float] = {}
            taken = 0.0
            if order < len(corpus_slices):
                part = corpus_slices[order]
                weight = min(1.0, settings.corpus_most / part.size)
                taken += self._add(corpus, part, weight, counts)
            if file is not None and order < len(file_slices):
                taken += self._add(file, file_slices[order], settings.file_weight, counts)
            total = sum(counts.values()) + taken
            for number, count in counts.items():
                chances[number] = chances.get(number, 0.0) + mass * count / total
            mass *= taken / total
            if mass < SMALLEST_MASS:
                break
        chances.pop(UNKNOWN, None)
        return Next(chances, mass)

    def _add(
        self, source: SortedContexts, part: Slice, weight: float, counts: dict[int, float]
    ) -> float:
        """Add the weighted, discounted counts of what followed; returns what was taken off."""
        place = (source is self._file, part.low, part.high)
        known = self._followers.get(place)
        if known is None:
            if len(self._followers) >= MEMORY:
                self._followers.clear()
            known = self._followers[place] = discounted(source, part, self._settings)
        for number, count in known[0]:
            counts[number] = counts.get(number, 0.0) + weight * count
        return weight * known[1]


def discounted(
    source: SortedContexts, part: Slice, settings: BlendSettings
) -> tuple[list[tuple[int, float]], float]:
    """What followed a context, each with its count less the discount; and what was taken off.

    A thinned sample counts for the whole slice.
    """
    sample: list[int] = source.followers(part, settings.sample).tolist()
    each = part.size / len(sample)
    pairs: list[tuple[int, float]] = []
    taken = 0.0
    for number, seen in Counter(sample).items():
        less = min(settings.discount, each * seen)
        taken += less
        pairs.append((number, each * seen - less))
    return pairs, taken

"""What is learned from a corpus: a vocabulary and the sorted contexts of its tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from gateway.modelserver.contexts import Ids, SortedContexts
from gateway.modelserver.tokenizer import bare, encode

UNKNOWN = 0
"""Stands for every token that the corpus holds only once; never written."""
END = 1
"""Stands between two files: the end of a text."""
FIRST_TOKEN = 2

Progress = Callable[[int, int], None]
"""Told how many tokens have been read, of how many."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model. `counts[i]` is how often token i occurs; `total` is their sum."""

    vocabulary: tuple[str, ...]
    ids: dict[str, int]
    contexts: SortedContexts
    counts: Ids
    total: int

    @classmethod
    def of(cls, vocabulary: tuple[str, ...], full: Ids, order: Ids, depth: int) -> Model:
        """Put a model together from what is stored of it."""
        ids = {token: index for index, token in enumerate(vocabulary) if index >= FIRST_TOKEN}
        bare_ids = np.array(
            [ids.get(bare(token), index) for index, token in enumerate(vocabulary)], dtype=np.int32
        )
        counts = np.bincount(full, minlength=len(vocabulary)).astype(np.int32)
        contexts = SortedContexts(bare_ids[full], full, order, depth)
        return cls(vocabulary, ids, contexts, counts, len(full))


def train(texts: Iterable[str], depth: int, most: int, progress: Progress | None = None) -> Model:
    """Learn from the first `most` tokens of the texts, with contexts of up to `depth` tokens."""
    seen: dict[str, int] = {"\0unknown": UNKNOWN, "\0end": END}
    blocks: list[Ids] = []
    read = 0
    for tokens in _limited(texts, most):
        blocks.append(np.array([seen.setdefault(token, len(seen)) for token in tokens], np.int32))
        blocks.append(np.array([END], np.int32))
        read += len(tokens)
        if progress is not None:
            progress(read, most)
    raw = np.concatenate(blocks) if blocks else np.zeros(0, np.int32)
    vocabulary, renamed = _frequent(list(seen), raw)
    full = renamed[raw]
    ids = {token: index for index, token in enumerate(vocabulary)}
    keys = np.array([ids.get(bare(token), i) for i, token in enumerate(vocabulary)], np.int32)[full]
    return Model.of(vocabulary, full, SortedContexts.of(keys, full, depth).order, depth)


def _limited(texts: Iterable[str], most: int) -> Iterator[list[str]]:
    left = most
    for text in texts:
        if left <= 0:
            return
        tokens = encode(text)[:left]
        left -= len(tokens)
        yield tokens


def _frequent(tokens: list[str], raw: Ids) -> tuple[tuple[str, ...], Ids]:
    """Keep tokens that occur twice or more, and their forms without the space.

    Returns the vocabulary and the new number of each old one; the others become UNKNOWN.
    """
    counts: Counter[str] = Counter()
    for token, count in zip(tokens, np.bincount(raw, minlength=len(tokens)).tolist(), strict=True):
        counts[bare(token)] += count
    kept = {token: index for index, token in enumerate(tokens[:FIRST_TOKEN])}
    for token in tokens[FIRST_TOKEN:]:
        if counts[bare(token)] > 1:
            kept.setdefault(token, len(kept))
            kept.setdefault(bare(token), len(kept))
    renamed = np.array([kept.get(token, UNKNOWN) for token in tokens], dtype=np.int32)
    return tuple(kept), renamed

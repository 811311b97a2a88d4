"""Every context of a text, sorted, so that what followed it is one slice of an array.

Positions are sorted by the token before them, then by the one before that, and so on (a suffix
array of the reversed text, cut at `depth`). All places that follow the same k tokens are then
neighbours, for every k up to the depth at once: four bytes a token for all orders together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]

NEVER = -1
"""Stands before the first token of a text."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What followed a context: a slice `[low, high)` of the sorted positions."""

    low: int
    high: int

    @property
    def size(self) -> int:
        """How often the context occurs."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class SortedContexts:
    """`keys[i]` is the token at i as contexts see it, `full[i]` as it is predicted."""

    keys: Ids
    full: Ids
    order: Ids
    depth: int

    @classmethod
    def of(cls, keys: Ids, full: Ids, depth: int) -> SortedContexts:
        """Sort all positions of a text by the `depth` tokens before them."""
        columns: list[Ids] = []
        for back in range(depth, 0, -1):
            column = np.full(len(keys), NEVER, dtype=np.int32)
            column[back:] = keys[: max(0, len(keys) - back)]
            columns.append(column)
        order = np.lexsort(columns) if columns and len(keys) else np.arange(len(keys))
        return cls(keys, full, order.astype(np.int32), depth)

    def slices(self, context: Sequence[int]) -> list[Slice]:
        """The slices of the last 0, 1, 2, ... tokens of the context, as long as there are any."""
        keys, order = self.keys, self.order
        low, high = 0, len(order)
        found = [Slice(low, high)]
        for back in range(1, min(self.depth, len(context)) + 1):
            wanted = context[-back]

            def key(position: int, back: int = back) -> int:
                return int(keys[position - back]) if position >= back else NEVER

            low = bisect_left(order, wanted, low, high, key=key)
            high = bisect_right(order, wanted, low, high, key=key)
            if low == high:
                break
            found.append(Slice(low, high))
        return found

    def followers(self, part: Slice, most: int) -> Ids:
        """The tokens that followed, evenly thinned to at most about `most` of them."""
        step = max(1, part.size // most)
        return self.full[self.order[part.low : part.high : step]]

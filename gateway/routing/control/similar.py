"""Words that were mistyped: which word that is known is meant."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

ONE_FROM = 5
"""Letters from which on one may be wrong; shorter words are other words too easily."""
TWO_FROM = 9


def nearest(word: str, known: Mapping[str, Hashable]) -> str | None:
    """Return the word that a mistyped one stands for; None when that is not clear.

    `known` has the words with what they mean. A letter left out, added, changed, or swapped with
    its neighbour counts one; the first letter must be right. Where words of different meanings are
    equally near, none of them is meant.
    """
    allowed = 2 if len(word) >= TWO_FROM else 1 if len(word) >= ONE_FROM else 0
    near: dict[int, list[str]] = {}
    for one in known:
        if one[0] == word[0] and len(one) >= ONE_FROM and abs(len(one) - len(word)) <= allowed:
            near.setdefault(distance(word, one), []).append(one)
    for steps in range(1, allowed + 1):
        found = near.get(steps)
        if found:
            return min(found) if len({known[one] for one in found}) == 1 else None
    return None


def distance(one: str, other: str) -> int:
    """Count the letters to leave out, add, change or swap with their neighbours.

    Optimal string alignment (restricted Damerau-Levenshtein): no part is changed twice.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one):
        earlier, before, row = before, row, [place + 1]
        for at, beside in enumerate(other):
            cost = min(row[at] + 1, before[at + 1] + 1, before[at] + (letter != beside))
            if place and at and letter == other[at - 1] and one[place - 1] == beside:
                cost = min(cost, earlier[at - 1] + 1)
            row.append(cost)
    return row[-1]

"""Which of several candidates is likeliest right where test cases ran: agreement x cases passed.

Candidates that pass the same cases form a cluster. The utility of each is the square root of the
size of its cluster times the cases that it passes: dual execution agreement of CodeT (Chen et al.
2022, arXiv 2207.10397). Neither part does alone: of many candidates the one that passes most
generated cases is often degenerate, and many wrong ones agree in passing none. Texts are never
compared: the most frequent text was right less often than a random one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from gateway.core.candidate import Candidate
from gateway.ensemble.judge import Scorer, agreement, good_enough, keeps_to_examples

CERTAIN = 1.0
"""The margin at which nothing that may still come changes the choice."""

Behaviour = tuple[bool, ...] | int
"""What a candidate does on each case; a number of its own when nobody knows."""


def rate(candidates: Sequence[Candidate], scorer: Scorer) -> list[Candidate]:
    """Give every candidate its cluster, its utility and a confidence that counts agreement.

    Clusters are numbered in the order of the candidates. A candidate that a check failed before
    any case ran passes none; one of which nothing is known is a cluster of its own. They come back
    as they are when no case ran at all. `judge.best` chooses among the result.
    """
    behaviours = _behaviours(candidates)
    if not behaviours:
        return list(candidates)
    sizes = Counter(behaviours)
    numbers = {behaviour: number for number, behaviour in enumerate(sizes)}
    shares = agreement(behaviours)
    rated: list[Candidate] = []
    for candidate, behaviour, share in zip(candidates, behaviours, shares, strict=True):
        passed = _passed(behaviour)
        # To agree in passing no case says nothing.
        agreed = share if passed else 0.0
        score = scorer(candidate, agreed if candidate.behaviour and len(candidates) > 1 else None)
        rated.append(
            replace(
                candidate,
                confidence=score.value,
                method=score.method,
                cluster=numbers[behaviour],
                utility=math.sqrt(_worth(sizes[behaviour], passed)),
            )
        )
    return rated


def decided(candidates: Sequence[Candidate], to_come: int, margin: float = CERTAIN) -> bool:
    """Say whether `to_come` more candidates would leave the best behaviour the best.

    True when the utility of the best candidate that is accepted and keeps to the examples is above
    `margin` times what any other behaviour could reach, if every candidate to come had it: one seen
    already, or a new one that passes all cases (all but one, when passing all was seen). At the
    margin 1 no candidate to come changes which behaviour is chosen; below it, that is likely only,
    and fewer are asked for; at 0 the first such candidate that passes a case is enough. The cases
    are those of the candidate with most of them. False when no case ran.
    """
    behaviours = _behaviours(candidates)
    if not behaviours:
        return False
    leading = [
        one
        for one, candidate in zip(behaviours, candidates, strict=True)
        if candidate.accepted and keeps_to_examples(candidate)
    ]
    if not leading:
        return False
    sizes = Counter(behaviours)
    leader = max(leading, key=lambda one: _worth(sizes[one], _passed(one)))
    cases = max(len(candidate.behaviour) for candidate in candidates)
    most_new = cases - 1 if (True,) * cases in sizes else cases
    reach = [_worth(to_come, most_new)]
    reach += [_worth(size + to_come, _passed(one)) for one, size in sizes.items() if one != leader]
    return _worth(sizes[leader], _passed(leader)) > margin * margin * max(reach)


def _behaviours(candidates: Sequence[Candidate]) -> list[Behaviour]:
    """What each candidate does; empty when no case ran."""
    cases = max((len(candidate.behaviour) for candidate in candidates), default=0)
    if not cases:
        return []
    none = (False,) * cases
    return [
        candidate.behaviour or (place if good_enough(candidate) else none)
        for place, candidate in enumerate(candidates)
    ]


def _passed(behaviour: Behaviour) -> int:
    return 0 if isinstance(behaviour, int) else sum(behaviour)


def _worth(size: int, passed: int) -> int:
    """Return the square of the utility: whole numbers tell ties from rounding."""
    return size * passed * passed

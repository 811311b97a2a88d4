"""What an n-gram model can say against a draft: checks that failed, and lines that surprise it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gateway.core.constraint import Verdict, VerdictStatus
from gateway.modelserver.scored import Scored, lines_of

FAR = 2.5
"""Standard errors below the draft's mean from which on a line is named.

Of 150 function bodies of the held-out library it names a line in 9 of 100 that are sound, and 15 of
100 lines that were swapped for a line of another function: a hint, which the checks outweigh.
"""
MOST_LINES = 3
"""Most lines named for being unlikely, the least likely first."""
NOTHING = "OK"


def critique(verdicts: Sequence[Verdict], tokens: Sequence[Scored]) -> str:
    """Write what is wrong with a draft, an issue a line, or OK. It quotes nothing of the draft."""
    issues = [*_failures(verdicts), *_surprises(tokens)]
    return "\n".join(issues) or NOTHING


def _failures(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.status is VerdictStatus.FAILED:
            yield f"{verdict.constraint}: {verdict.reason}"


def _surprises(tokens: Sequence[Scored]) -> list[str]:
    """Name the lines whose mean lies below that of all tokens by FAR of its standard error."""
    logprobs = [logprob for token in tokens for logprob in token.piece.logprobs]
    if not logprobs:
        return []
    mean = sum(logprobs) / len(logprobs)
    deviation = math.sqrt(sum((logprob - mean) ** 2 for logprob in logprobs) / len(logprobs))
    named = [
        line
        for line in lines_of(tokens)
        if mean - line.mean > FAR * deviation / math.sqrt(len(line.logprobs))
    ]
    named.sort(key=lambda line: line.mean)
    return [
        f"line {line.number}: unlikely here (mean log-probability of a token {line.mean:.1f}, of "
        f"the whole draft {mean:.1f})"
        for line in named[:MOST_LINES]
    ]

"""Where a draft is mended: in the lines at fault first, then as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.core.ports import Draft, Operation
from gateway.modelserver.engine import Query
from gateway.modelserver.scored import Scored, lines_of

_NAMED = re.compile(r"\bline (\d{1,6})\b")


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in a draft, between the parts that are kept.

    `query` asks for a fill of it; `refused` is its first line as the draft has it, without the
    white space around it: that line is not written again.
    """

    before: str
    query: Query
    after: str
    refused: str


def gaps(query: Query, tokens: Sequence[Scored]) -> Iterator[Gap]:
    """Name the holes to try in turn in the query's draft, which must not be blank.

    The first one spans the lines that the issues speak of or, where they speak of none, is the line
    that the model finds least likely; `tokens` are those of the draft. The second one is all of it.
    """
    lines = query.draft.text.split("\n")
    written = [number for number, line in enumerate(lines, 1) if line.strip()]
    faulty = _named(query.draft, written) or [_least_likely(tokens)]
    for low, high in dict.fromkeys(((faulty[0], faulty[-1]), (written[0], written[-1]))):
        yield _gap(query, lines, low, high)


def _named(draft: Draft, written: Sequence[int]) -> list[int]:
    """The lines that the issues speak of, in their order."""
    numbers = {int(number) for issue in draft.issues for number in _NAMED.findall(issue)}
    return sorted(numbers.intersection(written))


def _least_likely(tokens: Sequence[Scored]) -> int:
    return min(lines_of(tokens), key=lambda line: line.mean).number


def _gap(query: Query, lines: Sequence[str], low: int, high: int) -> Gap:
    before = "".join(f"{line}\n" for line in lines[: low - 1])
    after = "".join(f"\n{line}" for line in lines[high:])
    if not (after + query.suffix).strip():
        # Nothing to join to: the fill ends its block itself, with the line break.
        after = ""
    inner = replace(
        query,
        prompt=query.prompt + before,
        suffix=after + query.suffix,
        operation=Operation.GENERATE,
    )
    return Gap(before, inner, after, lines[low - 1].strip())

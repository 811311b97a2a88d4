"""How a state machine is written down: as a table, from which its diagram is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core.value import value


@value
class Transition:
    """In `source`, on `event`, go to `target`; `words` say when that happens and what it does."""

    source: str
    event: str
    target: str
    words: str


def targets(transitions: Iterable[Transition]) -> Mapping[tuple[str, str], str]:
    """Index a table by state and event; a pair that is not in it is illegal.

    Raises ValueError when two lines answer the same event in the same state: the table is wrong.
    """
    index: dict[tuple[str, str], str] = {}
    for line in transitions:
        if (line.source, line.event) in index:
            raise ValueError(f"two transitions from {line.source!r} on {line.event!r}")
        index[line.source, line.event] = line.target
    return index

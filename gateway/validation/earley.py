"""A recogniser for any context-free grammar, with a bound on its work.

Earley's algorithm (J. Earley, 1970) with nullable symbols advanced at prediction (Aycock and
Horspool, 2002), reading text through expressions instead of a separate lexer. It only says whether
the text belongs to the language, so ambiguity costs no tree; its steps are counted, so that a
grammar of cubic cost ends in "cannot say" instead of a blocked worker.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.value import value
from gateway.validation.regex import Pattern

Item = tuple[str, tuple[str, ...], int, int]
"""Head of a rule, its body, how many symbols of the body are done, and where the head began."""


class StepsSpentError(Exception):
    """The recogniser used up its steps without an answer."""


@value
class Rules:
    """A grammar. Symbols in `terminals` match text; all others are heads of `productions`.

    `ignored` terminals may stand before any terminal and after the end.
    """

    start: str
    productions: Mapping[str, tuple[tuple[str, ...], ...]]
    terminals: Mapping[str, Pattern]
    ignored: tuple[str, ...] = ()


def nullable_heads(productions: Mapping[str, Sequence[tuple[str, ...]]]) -> frozenset[str]:
    """Heads that may match the empty text, found by repetition until nothing is added."""
    found: set[str] = set()
    while True:
        new = {
            head
            for head, bodies in productions.items()
            if head not in found and any(found.issuperset(body) for body in bodies)
        }
        if not new:
            return frozenset(found)
        found |= new


def recognise(rules: Rules, nullable: frozenset[str], data: bytes, max_steps: int) -> int | None:
    """Return None when `data` belongs to the language, else the offset up to which it could.

    Raises StepsSpentError after `max_steps` items.
    """
    return _Chart(rules, nullable, data, max_steps).run()


@dataclass(slots=True)
class _Chart:
    rules: Rules
    nullable: frozenset[str]
    data: bytes
    steps: int
    columns: dict[int, dict[Item, None]] = field(default_factory=dict[int, dict[Item, None]])
    waiting: dict[int, defaultdict[str, list[Item]]] = field(
        default_factory=dict[int, defaultdict[str, list[Item]]]
    )
    positions: list[int] = field(default_factory=list[int])

    def run(self) -> int | None:
        for body in self.rules.productions[self.rules.start]:
            self._add(0, (self.rules.start, body, 0, 0))
        place = 0
        while self.positions:
            place = heapq.heappop(self.positions)
            self._close(place)
            if place == len(self.data):
                return None if self._complete(place) else place
            self._scan(place)
        return place

    def _add(self, place: int, item: Item) -> bool:
        """Put an item into a column; say whether it is new there."""
        self.steps -= 1
        if self.steps < 0:
            raise StepsSpentError
        column = self.columns.get(place)
        if column is None:
            column = self.columns[place] = {}
            heapq.heappush(self.positions, place)
        if item in column:
            return False
        column[item] = None
        return True

    def _close(self, place: int) -> None:
        """Predict and complete until the column has all its items."""
        waiting = self.waiting[place] = defaultdict(list)
        todo = list(self.columns[place])
        while todo:
            head, body, done, origin = item = todo.pop()
            if done == len(body):
                new = [
                    (above, inner, at + 1, start)
                    for above, inner, at, start in self.waiting[origin][head]
                ]
            elif body[done] in self.rules.terminals:
                continue
            else:
                waiting[body[done]].append(item)
                new = [
                    (body[done], inner, 0, place) for inner in self.rules.productions[body[done]]
                ]
                if body[done] in self.nullable:
                    new.append((head, body, done + 1, origin))
            todo.extend(one for one in new if self._add(place, one))

    def _scan(self, place: int) -> None:
        """Match terminals, and what is ignored, from this place on."""
        expecting: defaultdict[str, list[Item]] = defaultdict(list)
        movable: list[Item] = []
        for item in self.columns[place]:
            _, body, done, _ = item
            if done < len(body) and body[done] in self.rules.terminals:
                expecting[body[done]].append(item)
                movable.append(item)
            elif self._is_whole(item):
                movable.append(item)
        for name, items in expecting.items():
            end = self.rules.terminals[name].end(self.data, place)
            if end is not None and end > place:
                for head, body, done, origin in items:
                    self._add(end, (head, body, done + 1, origin))
        for name in self.rules.ignored:
            end = self.rules.terminals[name].end(self.data, place)
            if end is not None and end > place:
                for item in movable:
                    self._add(end, item)

    def _is_whole(self, item: Item) -> bool:
        head, body, done, origin = item
        return head == self.rules.start and done == len(body) and origin == 0

    def _complete(self, place: int) -> bool:
        return any(self._is_whole(item) for item in self.columns[place])

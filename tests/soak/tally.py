"""What became of the requests, by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.conformance.calls import Fate, Got

LEFT = "left"
WRONG = "wrong"
BAD = {
    Fate.LOST: "lost",
    Fate.REPEATED: "duplicated or out of order",
    Fate.TRUNCATED: "cut without an error",
    Fate.UNTYPED: "ended in an error that says nothing",
}
EXAMPLES = 5
COLUMNS = (Fate.ANSWERED, Fate.ERROR, LEFT, Fate.LOST, Fate.REPEATED, Fate.TRUNCATED, Fate.UNTYPED)


@dataclass(slots=True)
class Tally:
    """Counts by kind and fate; `examples` are of what must not be."""

    counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    codes: Counter[str] = field(default_factory=Counter[str])
    examples: list[str] = field(default_factory=list[str])

    def take(self, kind: str, got: Got, *, code: str = "") -> None:
        """Count a request; `code` is the only right status where there is one."""
        fate = Fate.REPEATED if got.faults else got.fate
        self._add(kind, fate)
        self.codes[f"{got.code or 'none'} {got.reason}".strip()] += 1
        if fate in BAD:
            said = f"{got.code} {got.reason} {got.words[:80]} {got.faults[:1]}"
            self._example(f"{kind} {got.name}: {fate}, {said}")
        elif code and got.code != code:
            self._add(kind, WRONG)
            self._example(f"{kind} {got.name}: {got.code}, not {code}")

    def left(self, kind: str) -> None:
        """Count a request whose caller left."""
        self._add(kind, LEFT)

    def wrong(self, kind: str, words: str) -> None:
        """Count something else that must not be."""
        self._add(kind, WRONG)
        self._example(f"{kind}: {words}")

    def sum(self, fate: str) -> int:
        """Count all requests of a fate."""
        return sum(one[fate] for one in self.counts.values())

    def sent(self, kind: str) -> int:
        """Count all requests of a kind."""
        return sum(count for fate, count in self.counts[kind].items() if fate != WRONG)

    @property
    def misses(self) -> list[str]:
        """What must not be, in words."""
        found = [f"{self.sum(fate)} {words}" for fate, words in BAD.items() if self.sum(fate)]
        if self.sum(WRONG):
            found.append(f"{self.sum(WRONG)} were told something wrong")
        return [*found, *self.examples] if found else []

    def _add(self, kind: str, fate: str) -> None:
        self.counts.setdefault(kind, Counter())[fate] += 1

    def _example(self, words: str) -> None:
        if len(self.examples) < EXAMPLES:
            self.examples.append(words)

    def table(self) -> list[list[str]]:
        """Return the lines of a table, its head first."""
        head = ["kind", "sent", *COLUMNS]
        lines = [
            [kind, str(self.sent(kind)), *(str(self.counts[kind][fate]) for fate in COLUMNS)]
            for kind in sorted(self.counts)
        ]
        total = sum(self.sent(kind) for kind in self.counts)
        return [head, *lines, ["all", str(total), *(str(self.sum(fate)) for fate in COLUMNS)]]

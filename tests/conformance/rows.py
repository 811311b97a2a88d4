"""What came of a scenario, and the table of all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.conformance.calls import Fate, Got
from tests.conformance.servers.book import Call

OVERSHOOT_BAR_MS = 20.0
CANCEL_BAR_MS = 50.0
FAILOVER_BAR_MS = 100.0
EXAMPLES = 3
DEADLINE = "DEADLINE_EXCEEDED"


@dataclass(slots=True)
class Row:
    """One scenario. Times are milliseconds; `misses` says in words which bar was not kept.

    `failover_ms`: off an endpoint that fails; `open_ms`: past one whose breaker is open.
    """

    name: str
    purpose: str
    sent: int = 0
    fates: Counter[Fate] = field(default_factory=Counter[Fate])
    codes: Counter[str] = field(default_factory=Counter[str])
    attempts: int = 0
    wasted: int = 0
    failover_ms: list[float] = field(default_factory=list[float])
    open_ms: list[float] = field(default_factory=list[float])
    overshoot_ms: list[float] = field(default_factory=list[float])
    cancel_ms: list[float] = field(default_factory=list[float])
    notes: list[str] = field(default_factory=list[str])
    misses: list[str] = field(default_factory=list[str])
    wrong: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    skipped: str = ""
    took_s: float = 0.0

    @property
    def verdict(self) -> str:
        """`ok`, `MISS` or `skipped`."""
        if self.skipped:
            return "skipped"
        return "MISS" if self.misses else "ok"

    @property
    def values(self) -> dict[str, object]:
        """Everything, for a file."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        return {**shown, "verdict": self.verdict}

    def take(self, gots: Iterable[Got], *, must: Fate | None = Fate.ANSWERED) -> None:
        """Count requests; one that is lost, repeated, cut or untyped is a miss in any case.

        `must` is what each of them has to become, None for an answer or a typed error.
        """
        allowed = {Fate.ANSWERED, Fate.ERROR} if must is None else {must}
        wrong: list[Got] = []
        for got in gots:
            fate = got.fate
            self.sent += 1
            self.fates[fate] += 1
            self.codes[got.code or "no status"] += 1
            self.attempts += len(got.tries)
            self.wasted += got.wasted
            if got.code == DEADLINE:
                over_s = got.ended - got.sent - got.ask.deadline_s
                self.overshoot_ms.append(max(0.0, over_s * 1000))
            if fate not in allowed or got.faults:
                wrong.append(got)
        words = must or "answered or refused"
        self.wrong.setdefault(words, []).extend(f"{got.name}: {_told(got)}" for got in wrong)

    def miss(self, words: str) -> None:
        """Note that a bar was not kept."""
        self.misses.append(words)

    def expect(self, *, true: bool, words: str) -> None:
        """Note a miss unless the condition holds."""
        if not true:
            self.miss(words)

    def note(self, words: str) -> None:
        """Note something a reader should know."""
        self.notes.append(words)

    def at_most(self, what: str, value: float, bar: float, unit: str = "ms") -> None:
        """Hold a number against its bar; NaN keeps none."""
        if not value <= bar:
            self.miss(f"{what} {value:.3g} {unit}, at most {bar:g} {unit}")

    def failed_over(self, gots: Iterable[Got], calls: Iterable[Call]) -> None:
        """Note for each request that an endpoint failed the time until the next one was asked.

        It counts from the first call that a model server saw, or from the request where the
        endpoint that failed saw none.
        """
        seen = calls_by_name(calls)
        for got in gots:
            mine = seen.get(got.name, ())
            if got.fate is Fate.ANSWERED and mine and (got.wasted or len(mine) > 1):
                start = mine[0].started if len(mine) > 1 else got.sent
                self.failover_ms.append(1000 * (mine[-1].started - start))

    def passed_over(self, gots: Iterable[Got], calls: Iterable[Call]) -> None:
        """Note for each request, breakers being open, the time until its endpoint was asked."""
        seen = calls_by_name(calls)
        for got in gots:
            if got.fate is Fate.ANSWERED and (mine := seen.get(got.name)):
                self.open_ms.append(1000 * (mine[-1].started - got.sent))

    def close(self) -> None:
        """Hold what every scenario shares against its bars."""
        for words, told in self.wrong.items():
            if told:
                shown = ", ".join(told[:EXAMPLES])
                self.miss(f"{len(told)} of {self.sent} not {words} ({shown})")
        if self.overshoot_ms:
            over = quantile(self.overshoot_ms, 0.99)
            self.at_most("deadline overshoot p99", over, OVERSHOOT_BAR_MS)
        if self.open_ms:
            past = quantile(self.open_ms, 0.99)
            self.at_most("failover past an open breaker p99", past, FAILOVER_BAR_MS)
        if self.cancel_ms:
            self.at_most("cancel p99", quantile(self.cancel_ms, 0.99), CANCEL_BAR_MS)


def calls_by_name(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Return the calls of each request, in the order started."""
    seen: dict[str, list[Call]] = {}
    for call in sorted(calls, key=lambda call: call.started):
        seen.setdefault(call.name, []).append(call)
    return seen


def _told(got: Got) -> str:
    parts = [got.fate.value, got.code, got.reason, got.words[:60], *got.faults[:1]]
    parts += [f"{one.endpoint} {one.status} {one.reason}" for one in got.tries[:2]]
    return " / ".join(part for part in parts if part)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all do not exceed (nearest rank); NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


COLUMNS = (
    "scenario", "sent", "answered", "errors", "lost", "dupl.", "cut", "wasted",
    "failover p50", "p99", "open p99", "overshoot p99", "cancel p99", "s", "",
)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, with the notes and the misses below it."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = ["| " + " | ".join(_padded(line, widths)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    below = [f"- {row.name}: {words}" for row in rows for words in row.notes]
    missed = [f"- MISS {row.name}: {words}" for row in rows for words in row.misses]
    passed = [f"- skipped {row.name}: {row.skipped}" for row in rows if row.skipped]
    return "\n".join([lines[0], rule, *lines[1:], "", *below, *passed, *missed])


def _cells(row: Row) -> tuple[str, ...]:
    fates = row.fates
    errors = fates[Fate.ERROR] + fates[Fate.UNTYPED]
    shown = (row.sent, fates[Fate.ANSWERED], errors, fates[Fate.LOST], fates[Fate.REPEATED])
    wasted = f"{row.wasted / row.sent:.2f}" if row.sent else ""
    return (
        row.name,
        *map(str, shown),
        str(fates[Fate.TRUNCATED]),
        wasted,
        _ms(row.failover_ms, 0.5),
        _ms(row.failover_ms, 0.99),
        _ms(row.open_ms, 0.99),
        _ms(row.overshoot_ms, 0.99),
        _ms(row.cancel_ms, 0.99),
        f"{row.took_s:.1f}",
        row.verdict,
    )


def _ms(values: Sequence[float], share: float) -> str:
    return f"{quantile(values, share):.1f}" if values else ""


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    numbers = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
    return [line[0].ljust(widths[0]), *numbers]

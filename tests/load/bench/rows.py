"""Rows of the result: what was measured, its bar, and how they are shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Some measurements of one thing; `bar` is the largest median that is good enough."""

    name: str
    values: tuple[float, ...]
    bar: float | None = None
    unit: str = "xREF"

    @property
    def median(self) -> float:
        """The value that is held against the bar."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """`ok` or `MISS`; empty without a bar."""
        if self.bar is None:
            return ""
        return "ok" if self.median <= self.bar else "MISS"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    cells = [("", "unit", "min", "median", "max", "bar", ""), *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["| " + " | ".join(_padded(line, widths)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    bar = "" if row.bar is None else f"<= {row.bar:g}"
    numbers = (min(row.values), row.median, max(row.values))
    return (row.name, row.unit, *(f"{number:.3g}" for number in numbers), bar, row.verdict)


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    words = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
    return words + numbers

"""Tables of many columns, on terminals of any width and in pipes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

WIDTH_IN_A_PIPE = 400
"""Columns; wide enough that no row of ours is broken."""

GAP = 2
FOLDED: Mapping[str, int] = {"hole": 40, "attempts": 30, "verdicts": 30}
"""Columns that may take several lines, and how they share the room that is left, in hundredths."""

LEAST = 50
"""With less room than this every column is folded."""


def print_wide_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print without frames; in a pipe, rows are never folded and have no blanks at their end."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    plain = io.StringIO()
    if not console.is_terminal:
        console = Console(file=plain, width=WIDTH_IN_A_PIPE)
    widths = folded_widths(columns, rows, console.width)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for place, column in enumerate(columns):
        numbers = all(cells[place].isdecimal() for cells in rows)
        table.add_column(
            column,
            overflow="fold",
            justify="right" if numbers else "left",
            no_wrap=bool(widths) and column not in FOLDED,
            max_width=widths.get(column),
        )
    for cells in rows:
        table.add_row(*cells)
    print(f"\n{title}:", flush=True)
    console.print(table)
    print("\n".join(line.rstrip() for line in plain.getvalue().rstrip().split("\n")))


def folded_widths(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> dict[str, int]:
    """Share out what the columns that are not folded leave of the width; empty: too little."""
    left = width - GAP * (len(columns) + 1)
    for place, column in enumerate(columns):
        if column not in FOLDED:
            left -= max(len(column), *(len(cells[place]) for cells in rows), 0)
    if left < LEAST:
        return {}
    return {column: left * share // 100 for column, share in FOLDED.items()}

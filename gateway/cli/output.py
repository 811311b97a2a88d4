"""Data on standard output: one JSON document, or a table for people."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

WIDTH_IN_A_PIPE = 10_000
"""Columns; wide enough that no row of ours is broken."""

GAP = 2
LEAST = 50
"""With less room than this for the columns that may be folded, every column is folded."""

EVERY_COLUMN: Mapping[str, int] = MappingProxyType({})


def print_json(message: Message) -> None:
    """Print a message as one JSON document; fields with default values are there too."""
    document: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    folded: Mapping[str, int] = EVERY_COLUMN,
) -> None:
    """Print a title and a table without frames; colours only on a terminal that wants them.

    In a pipe, rows are never folded and have no blanks at their end. On a terminal, `folded` names
    the columns that may take several lines, and how they share the room that is left, in
    hundredths; when it names none, or the room is too little, every column may.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # Cells are data: brackets and colons in them are no markup.
    console = Console(markup=False, emoji=False, highlight=False)
    plain = io.StringIO()
    if not console.is_terminal:
        console = Console(
            file=plain, width=WIDTH_IN_A_PIPE, markup=False, emoji=False, highlight=False
        )
    widths = folded_widths(columns, rows, console.width, folded)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for place, column in enumerate(columns):
        numbers = all(cells[place].isdecimal() for cells in rows)
        table.add_column(
            column,
            overflow="fold",
            justify="right" if numbers else "left",
            no_wrap=bool(widths) and column not in folded,
            max_width=widths.get(column),
        )
    for cells in rows:
        table.add_row(*cells)
    print(title, flush=True)
    console.print(table)
    print("\n".join(line.rstrip() for line in plain.getvalue().rstrip().split("\n")))


def folded_widths(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, folded: Mapping[str, int]
) -> dict[str, int]:
    """Share out what the columns that are not folded leave of the width; empty: too little."""
    left = width - GAP * (len(columns) + 1)
    for place, column in enumerate(columns):
        if column not in folded:
            left -= max(len(column), *(len(cells[place]) for cells in rows), 0)
    if left < LEAST:
        return {}
    return {column: left * share // 100 for column, share in folded.items()}

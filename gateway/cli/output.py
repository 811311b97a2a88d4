"""Data on standard output: one JSON document, or a table for people."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH_IN_A_PIPE = 10_000
"""Columns; wide enough that no row of ours is broken."""

GAP = 2
LEAST = 50
"""With less room than this for the columns that may be folded, every column is folded."""

EVERY_COLUMN: Mapping[str, int] = MappingProxyType({})


def document_of(message: Message) -> dict[str, Any]:
    """Write a message as a document; fields with default values are there too."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def print_document(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_json(message: Message) -> None:
    """Print a message as one JSON document."""
    print_document(document_of(message))


def known(message: Message, field: str, form: str) -> str:
    """Write a number that need not be set in this format; `-` when it is not."""
    return format(getattr(message, field), form) if message.HasField(field) else "-"


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    folded: Mapping[str, int] = EVERY_COLUMN,
    least: int = LEAST,
) -> None:
    """Print a title and a table without frames; colours only on a terminal that wants them.

    In a pipe, rows are never folded and have no blanks at their end. On a terminal, `folded` names
    the columns that may take several lines, and how they share the room that is left, in
    hundredths; when it names none, or the room is less than `least`, every column may.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console, plain = _console()
    widths = folded_widths(columns, rows, console.width, folded, least)
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
    _print(table, console, plain)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print what is known by name, one fact a line; folded as the rows of a table are."""
    if not facts:
        return
    from rich.table import Table

    console, plain = _console()
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, words in facts:
        grid.add_row(name, words)
    _print(grid, console, plain)


def _console() -> tuple[Console, io.StringIO]:
    """Where tables go: to the terminal, else to the text that `_print` takes the blanks off."""
    from rich.console import Console

    # Cells are data: brackets and colons in them are no markup.
    console = Console(markup=False, emoji=False, highlight=False)
    plain = io.StringIO()
    if not console.is_terminal:
        console = Console(
            file=plain, width=WIDTH_IN_A_PIPE, markup=False, emoji=False, highlight=False
        )
    return console, plain


def _print(table: Table, console: Console, plain: io.StringIO) -> None:
    console.print(table)
    if text := plain.getvalue():
        print("\n".join(line.rstrip() for line in text.rstrip().split("\n")))


def folded_widths(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    folded: Mapping[str, int],
    least: int = LEAST,
) -> dict[str, int]:
    """Share out what the columns that are not folded leave of the width; empty: too little."""
    left = width - GAP * (len(columns) + 1)
    for place, column in enumerate(columns):
        if column not in folded:
            left -= max(len(column), *(len(cells[place]) for cells in rows), 0)
    if left < least:
        return {}
    return {column: left * share // 100 for column, share in folded.items()}

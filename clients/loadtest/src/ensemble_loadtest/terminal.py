"""Tables and live progress on a terminal; plain rows in a pipe."""

from __future__ import annotations

import io
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ensemble_loadtest.compare import COLUMNS, Comparison
from ensemble_loadtest.fleet import Running, Show
from ensemble_loadtest.histogram import Histogram
from ensemble_loadtest.spans import shown
from ensemble_loadtest.summary import TIME_COLUMNS, count_rows, facts, time_rows

WIDTH_IN_A_PIPE = 200


@contextmanager
def _console() -> Generator[Console]:
    """Yield a console for data; in a pipe, rows are whole and have no blanks at their ends."""
    if sys.stdout.isatty():
        yield Console(markup=False, emoji=False, highlight=False)
        return
    plain = io.StringIO()
    yield Console(file=plain, width=WIDTH_IN_A_PIPE, markup=False, emoji=False, highlight=False)
    lines = (line.rstrip() for line in plain.getvalue().rstrip().split("\n"))
    sys.stdout.write("\n".join(lines) + "\n")


def print_report(document: Mapping[str, Any]) -> None:
    """Print the facts, the times and the errors."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, words in facts(document):
        grid.add_row(name, words)
    with _console() as console:
        console.print(grid)
        console.print(_table(TIME_COLUMNS, time_rows(document)))
        for name in ("errors", "endpoints"):
            if document[name]:
                console.print(_table((name, "count"), count_rows(document, name)))
        _print_warnings(console, document["warnings"])


def print_comparison(comparison: Comparison) -> None:
    """Print one row for each measure, and the verdict."""
    with _console() as console:
        console.print(_table(COLUMNS, [one.row() for one in comparison.measures]))
        _print_warnings(console, comparison.warnings)
        console.print(comparison.words)


def _print_warnings(console: Console, warnings: Sequence[str]) -> None:
    for warning in warnings:
        console.print(f"WARNING: {warning}", style="bold yellow")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


@contextmanager
def live(seconds: float) -> Generator[Show]:
    """Show on standard error how a run goes; nothing in a pipe."""
    progress = Progress(
        BarColumn(24),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True, emoji=False, highlight=False),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with progress:
        bar = progress.add_task("connecting", total=seconds)
        yield lambda running: progress.update(
            bar, completed=min(seconds, running.elapsed_s), description=words_of(running)
        )


def words_of(running: Running) -> str:
    """Say how a run goes in one line."""
    told = list(running.told.values())
    recent = Histogram()
    for one in told:
        recent.merge(one.latency)
    good, failed = sum(one.good for one in told), sum(one.failed for one in told)
    dropped = sum(one.dropped for one in told)
    p50, p99 = recent.quantiles((0.5, 0.99))
    parts = [
        f"{good / max(running.elapsed_s, 0.1):,.0f}/s",
        f"{sum(one.in_flight for one in told)} under way",
        f"p50 {shown(p50)}, p99 {shown(p99)}",
        f"{good:,} good",
    ]
    parts += [f"{failed:,} failed"] if failed else []
    parts += [f"{dropped:,} dropped"] if dropped else []
    return " · ".join(parts)

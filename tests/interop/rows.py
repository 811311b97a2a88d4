"""What came of one case with one peer, how a suite is written, and the table of all.

A suite is a module of this package that `__main__.SUITES` names. It has `PEER`, the peer's name in
the table, and `run(work)`, which yields a `Row` for each case as it ends. `work` is the peer's own
folder under `build/interop/`: its environment, its files, its logs. A peer that cannot be installed
or started here raises `CannotRunError`: it is shown as skipped, with the words, and not as passed.
Any other exception is a failed row. `run` ends every process that it started, also when it is
closed early.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MOST_DETAIL = 100


class CannotRunError(Exception):
    """The peer is not to be had on this machine; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case. `passed` is None where it was skipped; `detail` is one line of plain words."""

    peer: str
    case: str
    passed: bool | None
    detail: str = ""
    version: str = ""

    @property
    def result(self) -> str:
        """`passed`, `FAILED` or `skipped`."""
        return "skipped" if self.passed is None else "passed" if self.passed else "FAILED"


class Suite(Protocol):
    """A module with the cases of one peer."""

    PEER: str

    def run(self, work: Path) -> Iterable[Row]:
        """Run every case and yield its row. Raises CannotRunError."""
        ...


def rows_of(suite: Suite, work: Path) -> Generator[Row]:
    """Run a suite to its end; whatever it raises becomes a row."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield from suite.run(work)
    except CannotRunError as error:
        yield Row(suite.PEER, "all", None, str(error))
    except Exception as error:  # noqa: BLE001 - the other peers are still to be run
        yield Row(suite.PEER, "suite", passed=False, detail=f"{type(error).__name__}: {error}")


def judged(peer: str, version: str, cases: Mapping[str, Callable[[], object]]) -> Iterator[Row]:
    """Run the cases of a peer by name; one passes when it returns, with what it returns to tell."""
    for name, case in cases.items():
        try:
            detail = case()
        except Exception as error:  # noqa: BLE001 - the other cases are still to be run
            yield Row(
                peer, name, passed=False, detail=f"{type(error).__name__}: {error}", version=version
            )
        else:
            yield Row(peer, name, passed=True, detail=str(detail or ""), version=version)


COLUMNS = ("peer", "version", "case", "result", "")


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table with the sums below it."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    counted = [f"{sum(row.result == word for row in rows)} {word.lower()}" for word in RESULTS]
    return "\n".join([lines[0], rule, *lines[1:], "", ", ".join(counted)])


RESULTS = ("passed", "FAILED", "skipped")


def _cells(row: Row) -> tuple[str, ...]:
    detail = " ".join(row.detail.split()).replace("|", "/")
    return (row.peer, row.version, row.case, row.result, detail[:MOST_DETAIL])

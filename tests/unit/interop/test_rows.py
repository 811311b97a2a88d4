"""The table of `make interop`: what passes, what fails, and what is not to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.rows import CannotRunError, Row, judged, rows_of, table


@dataclass
class Peer:
    """A suite whose run is given."""

    run: Callable[[Path], Iterable[Row]]
    PEER: str = "peer"


def test_a_case_passes_with_what_it_returns_and_fails_with_what_it_raises() -> None:
    def failing() -> str:
        raise AssertionError("no\nway")

    passed, failed = judged("peer", "1.0", {"good": lambda: "3 pieces", "bad": failing})
    assert (passed.result, passed.detail, passed.version) == ("passed", "3 pieces", "1.0")
    assert (failed.result, failed.detail) == ("FAILED", "AssertionError: no\nway")
    assert table((passed, failed)).splitlines() == [
        "| peer | version | case | result |                        |",
        "|------|---------|------|--------|------------------------|",
        "| peer | 1.0     | good | passed | 3 pieces               |",
        "| peer | 1.0     | bad  | FAILED | AssertionError: no way |",
        "",
        "1 passed, 1 failed, 0 skipped",
    ]


def test_a_peer_that_cannot_be_installed_is_skipped_and_not_passed(tmp_path: Path) -> None:
    def run(_: Path) -> Iterable[Row]:
        raise CannotRunError("pip: no network")

    (row,) = rows_of(Peer(run), tmp_path / "new")
    assert (row.case, row.result, row.detail) == ("all", "skipped", "pip: no network")
    assert (tmp_path / "new").is_dir()


def test_a_suite_that_breaks_keeps_its_rows_and_fails(tmp_path: Path) -> None:
    def run(_: Path) -> Iterable[Row]:
        yield Row("peer", "one", passed=True)
        raise OSError("gone")

    rows = list(rows_of(Peer(run), tmp_path))
    assert [row.result for row in rows] == ["passed", "FAILED"]
    assert rows[1].detail == "OSError: gone"


def test_a_suite_that_is_stopped_ends_what_it_started(tmp_path: Path) -> None:
    ended: list[bool] = []

    def run(_: Path) -> Iterable[Row]:
        try:
            yield Row("peer", "one", passed=True)
        finally:
            ended.append(True)

    rows = rows_of(Peer(run), tmp_path)
    next(rows)
    rows.close()
    assert ended == [True]


def test_an_interrupt_is_no_result(tmp_path: Path) -> None:
    def run(_: Path) -> Iterable[Row]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(rows_of(Peer(run), tmp_path))

"""Wide tables fold what may be folded and never lose a column."""

from __future__ import annotations

import pytest

from gateway.cli.demonstration.tables import FOLDED, folded_widths, print_wide_table

COLUMNS = ("hole", "mode", "attempts", "verdicts", "ms")
ROWS = [("sample f:2", "sequential", "fast ok", "2 passed", "12")]


def test_what_is_left_is_shared_by_the_folded_columns() -> None:
    widths = folded_widths(COLUMNS, ROWS, 124)
    # 124 - gaps of 12 - sequential - ms
    assert widths == {"hole": 40, "attempts": 30, "verdicts": 30}
    assert set(widths) == set(FOLDED)


def test_with_too_little_room_nothing_is_promised() -> None:
    assert folded_widths(COLUMNS, ROWS, 70) == {}
    assert folded_widths(COLUMNS, [], 124) != {}


@pytest.mark.parametrize("width", ["40", "80", "140", "250"])
def test_on_a_terminal_every_cell_is_there(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", width)
    print_wide_table("Title", COLUMNS, ROWS * 3)
    printed = "".join(capsys.readouterr().out.split())
    assert printed.count("12") == 3


def test_in_a_pipe_rows_are_whole_and_end_without_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    long = ("sample " + "f" * 80, *ROWS[0][1:])
    print_wide_table("Title", COLUMNS, [long])
    lines = capsys.readouterr().out.split("\n")
    assert any("f" * 80 in line and line.endswith("12") for line in lines)
    assert all(line == line.rstrip() for line in lines)

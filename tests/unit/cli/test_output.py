"""Tables fold what may be folded, never lose a column and are whole in a pipe."""

from __future__ import annotations

import pytest
from ensemble.v1.feedback_service_pb2 import LayerTuning

from gateway.cli.output import folded_widths, known, print_facts, print_table

FOLDED = {"hole": 40, "attempts": 30, "verdicts": 30}
COLUMNS = ("hole", "mode", "attempts", "verdicts", "ms")
ROWS = [("sample f:2", "sequential", "fast ok", "2 passed", "12")]


def test_what_is_left_is_shared_by_the_folded_columns() -> None:
    widths = folded_widths(COLUMNS, ROWS, 124, FOLDED)
    # 124 - gaps of 12 - sequential - ms
    assert widths == {"hole": 40, "attempts": 30, "verdicts": 30}


def test_with_too_little_room_nothing_is_promised() -> None:
    assert folded_widths(COLUMNS, ROWS, 70, FOLDED) == {}
    assert folded_widths(COLUMNS, [], 124, FOLDED) != {}
    assert folded_widths(COLUMNS, ROWS, 70, FOLDED, least=40) != {}


@pytest.mark.parametrize("folded", [FOLDED, {}])
@pytest.mark.parametrize("width", ["40", "80", "140", "250"])
def test_on_a_terminal_every_cell_is_there(
    folded: dict[str, int],
    width: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", width)
    print_table("Title", COLUMNS, ROWS * 3, folded)
    printed = "".join(capsys.readouterr().out.split())
    assert printed.count("12") == 3


@pytest.mark.parametrize("folded", [FOLDED, {}])
def test_in_a_pipe_rows_are_whole_and_end_without_blanks(
    folded: dict[str, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    long = ("sample " + "f" * 800, *ROWS[0][1:])
    print_table("Title", COLUMNS, [long], folded)
    lines = capsys.readouterr().out.split("\n")
    assert any("f" * 800 in line and line.endswith("12") for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert lines[0] == "Title"


def test_brackets_and_colons_in_a_cell_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("[b]Title", ("what",), [("list[int] [red]:fire:",)])
    printed = capsys.readouterr().out
    assert "[b]Title" in printed
    assert "list[int] [red]:fire:" in printed


def test_facts_are_lines_that_begin_with_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts([("features", "length 4, [b]:x:"), ("", "more " + "w" * 800), ("time", "1 ms")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["features  length 4, [b]:x:", "          more " + "w" * 800, "time      1 ms"]
    print_facts([])
    assert capsys.readouterr().out == ""


def test_a_number_that_is_not_known_is_no_zero() -> None:
    assert known(LayerTuning(), "optimum", ".2f") == "-"
    assert known(LayerTuning(optimum=0), "optimum", ".2f") == "0.00"

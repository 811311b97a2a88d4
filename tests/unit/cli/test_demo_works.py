"""Which holes the demonstration refines, and the source that it sends."""

from __future__ import annotations

import pytest

from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.works import TooFewHolesError, in_one_module, with_markers

SOURCE = "a = 1\nb = 2\nc = 3\nwhile c:\n    d = 4\n"


def hole(text: str, module: str = "one", cut: Cut = Cut.LINE) -> CutHole:
    start = SOURCE.index(text)
    return CutHole(module, "f", cut, SOURCE, start, start + len(text), 0, len(SOURCE), (1,))


def test_lines_of_one_module_are_taken_in_the_order_of_its_text() -> None:
    holes = [
        hole("c = 3"),
        hole("b = 2", "other"),
        hole("b = 2", cut=Cut.SPAN),
        hole("while c:"),
        hole("d = 4"),
        hole("a = 1"),
        hole("b = 2"),
    ]
    chosen = in_one_module(holes)
    assert [one.original for one in chosen] == ["a = 1", "c = 3", "d = 4"]


def test_a_library_without_enough_holes_is_told() -> None:
    with pytest.raises(TooFewHolesError, match="3 holes"):
        in_one_module([hole("a = 1"), hole("b = 2", "other")])


def test_each_hole_becomes_a_marker() -> None:
    marked = with_markers([hole("a = 1"), hole("c = 3")])
    assert marked == "<<hole1>>\nb = 2\n<<hole2>>\nwhile c:\n    d = 4\n"

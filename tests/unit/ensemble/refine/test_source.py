from __future__ import annotations

import pytest

from gateway.core.hole import HoleKind
from gateway.ensemble.refine.source import cut, find_slots
from gateway.ensemble.refine.stand_in import NOTHING, stand_in
from tests.fakes.refining import hole


def found(text: str, *markers: str) -> list[tuple[str, str]]:
    """What is wrong with each marker."""
    holes = [hole(f"h{place}", marker=marker) for place, marker in enumerate(markers)]
    slots, mistakes = find_slots(text, holes)
    assert len(slots) == len(markers) - sum("overlaps" not in one.description for one in mistakes)
    return [(one.field, one.description) for one in mistakes]


def test_a_source_is_cut_at_its_markers_in_the_order_of_the_text() -> None:
    holes = [hole("b"), hole("a")]
    text = "x<<a>>y<<b>>z"
    slots, mistakes = find_slots(text, holes)
    source = cut(text, holes, slots)
    assert (source.texts, source.ids, mistakes) == (("x", "y", "z"), ("a", "b"), ())
    shown = {"a": "1", "b": "2"}
    assert source.whole(shown) == "x1y2z"
    assert source.around("a", shown) == ("x", "y2z")
    assert source.around("b", shown) == ("x1y", "z")


@pytest.mark.parametrize(
    ("text", "indent", "alone"),
    [
        ("<<a>>", "", True),
        ("x\n\t <<a>>  \r\ny", "\t ", True),
        ("  x = <<a>>\n", "  ", False),
        ("  <<a>>,\n", "  ", False),
        ("x\n<<a>>", "", True),
    ],
)
def test_the_line_of_a_marker_is_known(text: str, indent: str, alone: bool) -> None:
    holes = [hole("a")]
    slots, _ = find_slots(text, holes)
    slot = cut(text, holes, slots).slot("a")
    assert (slot.indent, slot.alone) == (indent, alone)


@pytest.mark.parametrize("marker", ["<<a>>", "TODO", "<<a>", "<<>>"])
def test_a_marker_is_to_occur_exactly_once(marker: str) -> None:
    assert found(f"x {marker} y", marker) == []
    ((field, missing),) = found("x", marker)
    assert field == "holes[0].marker"
    assert missing.startswith("does not occur in the source")
    ((_, twice),) = found(f"{marker} {marker} {marker}", marker)
    assert twice.startswith("occurs more than once")


def test_places_that_overlap_count_as_two() -> None:
    ((_, twice),) = found("aaa", "aa")
    assert twice.startswith("occurs more than once")


def test_an_empty_marker_is_nowhere() -> None:
    ((_, missing),) = found("x", "")
    assert missing.startswith("does not occur")


@pytest.mark.parametrize(
    "markers", [("<<a>>", "<<a>>"), ("[<<a>>]", "<<a>>"), ("<<a>>", "[<<a>>]"), ("[<<", "<<a>>")]
)
def test_no_marker_may_stand_in_another(markers: tuple[str, str]) -> None:
    ((field, words),) = found("x [<<a>>] y", *markers)
    assert field == "holes[1].marker"
    assert words.startswith("overlaps the marker of hole 'h0'")


def test_every_marker_within_a_wide_one_is_named() -> None:
    fields = [field for field, _ in found("[<<a>> <<b>>]", "[<<a>> <<b>>]", "<<a>>", "<<b>>")]
    assert fields == ["holes[1].marker", "holes[2].marker"]


@pytest.mark.parametrize(
    ("language", "kind", "alone", "text"),
    [
        ("python", HoleKind.FUNCTION, True, "..."),
        ("Py", HoleKind.EXPRESSION, False, "..."),
        ("json", HoleKind.BLOCK, True, "null"),
        ("go", HoleKind.EXPRESSION, True, "nil"),
        ("rust", HoleKind.UNSPECIFIED, False, "todo!()"),
        ("rust", HoleKind.UNSPECIFIED, True, NOTHING),
        ("C++", HoleKind.STATEMENT, False, NOTHING),
        ("cobol", HoleKind.EXPRESSION, False, "<<a>>"),
        ("", HoleKind.UNSPECIFIED, True, "<<a>>"),
    ],
)
def test_what_stands_for_an_open_hole(
    language: str, kind: HoleKind, alone: bool, text: str
) -> None:
    assert stand_in(language, kind, alone=alone, marker="<<a>>") == text

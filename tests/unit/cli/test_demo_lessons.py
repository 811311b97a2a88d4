"""Small holes are cut fairly and alike for the same seed, and their fills judged by parsing."""

from __future__ import annotations

import pytest

from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.lessons import OF_A_MODULE, Lesson, Task, choose_lessons

FUNCTION = """
class Counter{0}:
    def count(self, texts):
        '''Count.'''
        total = 0
        for text in texts:
            if text is not self.skipped:
                total += text.length
        return total
"""
SOURCES = {name: "".join(FUNCTION.format(number) for number in range(9)) for name in ("one", "two")}


def test_the_same_seed_chooses_the_same_holes() -> None:
    assert choose_lessons(SOURCES, 8, 1) == choose_lessons(SOURCES, 8, 1)
    assert choose_lessons(SOURCES, 8, 1) != choose_lessons(SOURCES, 8, 2)


def test_the_kinds_take_turns_and_no_module_has_more_than_its_share() -> None:
    chosen = choose_lessons(SOURCES, 100, 0)
    assert [one.task for one in chosen] == list(Task) * (2 * OF_A_MODULE)
    assert len(choose_lessons(SOURCES, 7, 0)) == 7


def test_a_hole_is_a_name_or_a_condition_with_some_lines_around_it() -> None:
    name, condition = choose_lessons(SOURCES, 2, 0)
    assert name.hole.original in {"skipped", "length"}
    assert condition.hole.original == "text is not self.skipped"
    assert condition.hole.prompt.endswith("\n    for text in texts:\n        if ")
    assert condition.hole.suffix == ":\n            total += text.length\n    return total\n"
    assert condition.hole.name.endswith(":5")
    assert "Count." in condition.hole.prompt
    assert "def" not in condition.hole.prompt


@pytest.mark.parametrize("source", ["def f(:\n", "x = 1\n", "def f():\n    return 1\n"])
def test_a_module_without_such_holes_offers_none(source: str) -> None:
    assert choose_lessons({"one": source}, 4, 0) == []


@pytest.mark.parametrize(
    ("fill", "good"), [("x > 1", True), ("x >", False), ("", False), (" \n", False)]
)
def test_a_fill_is_accepted_when_there_is_one_and_the_function_parses(
    fill: str, good: bool
) -> None:
    source = "def f(x):\n    if x:\n        return 1\n"
    hole = CutHole("one", "f", Cut.SPAN, source, 17, 18, 0, len(source), (2,))
    assert hole.original == "x"
    assert Lesson(Task.CONDITION, hole).accepts(fill) is good

"""Holes are whole lines, whole runs or spans inside them, and their surroundings stand alone."""

from __future__ import annotations

import ast
import random
import textwrap

import pytest

from gateway.cli.demonstration.cutting import LONGEST_FUNCTION, Module
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.modelserver.corpus import heldout_files, module_name

SOURCE = '''\
"""A module."""
import functools


@functools.cache
def grow(numbers, größe="ü"):
    """Not a hole: return numbers[0] + numbers[1]."""
    total, text = 0, "äöü" + größe
    for number in numbers:  # a comment
        if number > 3: continue
        first = number; second = number
        total += number + len(text)
    else:
        total = total * 2 + 1
    try:
        return total / 2
    except ZeroDivisionError:
        print("never happens")
        return None


class Box:
    """A class."""

    def put(self, thing):
        self.things.append(thing)
        self.count += 1
        return self
'''


def cut(source: str, seed: int = 0) -> list[CutHole]:
    return list(Module("sample", source).holes(random.Random(seed)))


def all_cuts(source: str) -> set[tuple[Cut, str]]:
    return {(hole.cut, hole.original) for seed in range(40) for hole in cut(source, seed)}


def test_the_original_goes_back_to_where_it_was_cut_out() -> None:
    for hole in cut(SOURCE):
        assert hole.filled(hole.original) == SOURCE
        assert (hole.prompt + hole.original + hole.suffix) in SOURCE
        assert SOURCE.split("\n")[hole.lines[0] - 1 : hole.lines[-1]]


def test_lines_are_whole_statements_without_their_indentation() -> None:
    lines = {text for kind, text in all_cuts(SOURCE) if kind is Cut.LINE}
    assert lines == {
        'total, text = 0, "äöü" + größe',
        "total += number + len(text)",
        "total = total * 2 + 1",
        "return total / 2",
        'print("never happens")',
        "return None",
        "self.things.append(thing)",
        "self.count += 1",
        "return self",
    }


def test_runs_fill_two_to_six_lines_and_share_none() -> None:
    runs = {text for kind, text in all_cuts(SOURCE) if kind is Cut.LINES}
    assert "self.things.append(thing)\n        self.count += 1\n        return self" in runs
    assert all(1 <= text.count("\n") <= 5 for text in runs)
    assert not any(text.startswith("second") or text.endswith("first = number") for text in runs)


def test_spans_have_four_to_sixty_characters_and_are_not_blank() -> None:
    spans = [text for kind, text in all_cuts(SOURCE) if kind is Cut.SPAN]
    assert spans
    assert all(4 <= len(text) <= 60 and text.strip() for text in spans)


def test_docstrings_are_never_cut() -> None:
    assert not any("Not a hole" in text for _, text in all_cuts(SOURCE))


def test_the_same_seed_cuts_the_same_holes() -> None:
    assert cut(SOURCE, 7) == cut(SOURCE, 7)
    assert cut(SOURCE, 7) != cut(SOURCE, 8)


def test_decorators_belong_to_the_surroundings() -> None:
    hole = next(hole for hole in cut(SOURCE) if hole.function == "grow")
    assert "@functools.cache\ndef grow" in hole.prompt
    assert hole.name == f"sample:grow:{hole.lines[0]}"


def test_long_functions_are_left_alone() -> None:
    body = "\n".join("    number = number + 1" for _ in range(LONGEST_FUNCTION))
    assert cut(f"def long(number):\n{body}\n") == []


def test_of_a_large_class_whole_methods_are_sent() -> None:
    method = """
        def method_{0}(self):
            value = self.value_{0} + 1
            self.value_{0} = value
            return value
    """
    methods = "".join(textwrap.dedent(method.format(number)) for number in range(60))
    source = "class Large:\n" + textwrap.indent(methods, "    ")
    holes = cut(source)
    assert holes
    for hole in holes:
        assert hole.prompt.startswith("    def method_")
        assert (hole.prompt + hole.original + hole.suffix).count("\n") < 300
        ast.parse("if 1:\n" + hole.prompt + hole.original + hole.suffix)


@pytest.mark.parametrize("source", ["", "x = 1\n", "def f(): pass\n", "class A: pass\n"])
def test_a_module_may_offer_nothing(source: str) -> None:
    assert cut(source) == []


def test_text_that_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        Module("broken", "def f(:\n")


def test_every_module_of_the_held_out_library_can_be_cut() -> None:
    found = 0
    for path in heldout_files()[:20]:
        source = path.read_text(encoding="utf-8")
        for hole in Module(module_name(path), source).holes(random.Random(0)):
            found += 1
            assert hole.filled(hole.original) == source
            assert hole.first <= hole.start < hole.end <= hole.last
    assert found > 40

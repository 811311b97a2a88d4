"""The choice of holes is fair, repeatable and never touches what a model was trained on."""

from __future__ import annotations

from gateway.cli.demonstration.choosing import CUTS, choose, has_doctests, heldout_sources
from gateway.cli.demonstration.verifying import Doctests
from gateway.modelserver.corpus import module_name, training_files

FUNCTION = """
def function_{0}(first, second):
    total = first + second + {0}
    product = first * second * {0}
    return total * product
"""


def source(functions: int) -> str:
    return "".join(FUNCTION.format(number) for number in range(functions))


SOURCES = {"alpha": source(20), "beta": source(20), "gamma": source(3)}
ALL_LINES = Doctests(5, 0, frozenset(range(1, 1000)))


def test_the_same_seed_chooses_the_same_holes() -> None:
    assert choose(SOURCES, {}, 12, 3) == choose(SOURCES, {}, 12, 3)
    assert choose(SOURCES, {}, 12, 3) != choose(SOURCES, {}, 12, 4)


def test_the_cuts_take_turns_and_every_hole_has_a_function_of_its_own() -> None:
    holes = choose(SOURCES, {}, 12, 0)
    assert [hole.cut for hole in holes] == list(CUTS) * 4
    assert len({(hole.module, hole.function) for hole in holes}) == 12
    assert {hole.module for hole in holes} == set(SOURCES)


def test_every_other_round_takes_lines_that_doctests_run() -> None:
    holes = choose(SOURCES, {"beta": ALL_LINES}, 12, 0)
    assert [hole.module == "beta" for hole in holes] == [True] * 3 + [False] * 3 + [True] * 3 + [
        False
    ] * 3


def test_a_line_that_no_doctest_runs_is_never_chosen_from_a_module_with_doctests() -> None:
    only = Doctests(1, 0, frozenset({3, 4, 5}))
    holes = choose({"alpha": source(20)}, {"alpha": only}, 12, 0)
    assert len(holes) == 1
    assert {hole.function for hole in holes} == {"function_0"}


def test_fewer_come_when_the_modules_offer_no_more() -> None:
    assert len(choose({"gamma": source(3)}, {}, 12, 0)) == 3
    assert choose({"broken": "def f(:\n", "nothing": "x = 1\n"}, {}, 12, 0) == []


def test_no_chosen_module_was_trained_on() -> None:
    sources = {name: text for name, (_, text) in heldout_sources().items()}
    holes = choose(sources, {}, 48, 0)
    trained = {module_name(path) for path in training_files()}
    assert len(holes) == 48
    assert not trained & {hole.module for hole in holes}


def test_examples_are_recognised_by_their_prompt() -> None:
    assert has_doctests('"""\n>>> 1 + 1\n2\n"""')
    assert not has_doctests("x = y >> 3")

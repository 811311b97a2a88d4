"""Steps that are repeated until a condition holds."""

from __future__ import annotations

import pytest

from gateway.core.constraint import Constraint, Regex
from gateway.core.hole import Hole
from tests.fakes.ensemble import fails, says
from tests.fakes.pipelines import Bench, by_operation, in_turn, nodes_of, pipeline, text_of
from tests.fakes.values import make_request

DIGITS = Hole("x = ", constraints=(Constraint("digits", Regex("[0-9]+")),))
LOOP = """
output = "mended"
[parameters]
most = { type = "int", default = 3, min = 1, max = 5 }
[[step]]
id = "draft"
do = "draft"
[[step]]
id = "check"
do = "validate"
text = { source = "$mended.text", default = "$draft.text" }
[[step]]
id = "mended"
do = "repair"
text = "$check.text"
issues = "$check.issues"
on_error = "skip"
[loop]
steps = ["check", "mended"]
rounds = "$most"
until = "$check.passed"
"""


def rounds(answer, step: str) -> list[tuple[int, str]]:
    return [(node.round, node.text) for node in nodes_of(answer) if node.step == step]


def test_a_later_step_of_the_loop_gives_what_it_gave_in_the_round_before() -> None:
    bench = Bench({"a": by_operation(says("a"), repair=in_turn("b", "c", "12"))})
    answer = bench.run(pipeline(LOOP), make_request(hole=DIGITS))
    assert text_of(answer) == "12"
    assert rounds(answer, "mended") == [(1, "b"), (2, "c"), (3, "12")]
    sources = [node.inputs for node in nodes_of(answer) if node.step == "check"]
    assert sources == [("draft.text",), ("mended.text",), ("mended.text",)]
    assert [invocation.task.draft.text for invocation in bench.fakes.asked[1:]] == ["a", "b", "c"]


def test_the_loop_ends_with_the_round_in_which_its_condition_holds() -> None:
    bench = Bench({"a": by_operation(says("a"), repair=in_turn("b", "12", "never"))})
    answer = bench.run(pipeline(LOOP), make_request(hole=DIGITS))
    assert rounds(answer, "mended") == [(1, "b"), (2, "12"), (3, "12")]
    assert nodes_of(answer)[-1].status.value == "not_needed"
    assert bench.operations == ["generate", "repair", "repair"]


@pytest.mark.parametrize("most", ["1", "2"])
def test_a_parameter_bounds_the_rounds(most: str) -> None:
    bench = Bench({"a": by_operation(says("a"), repair=says("b"))})
    fault = bench.run(pipeline(LOOP), make_request(hole=DIGITS), most=most)
    assert bench.operations == ["generate"] + ["repair"] * int(most)
    assert "digits" in fault.message


def test_a_step_skipped_in_one_round_stands_back_for_the_declared_default_in_the_next() -> None:
    """Y-04 ✗: after a skip, an older result was taken without a word."""
    bench = Bench({"a": by_operation(says("a"), repair=in_turn("b", fails(), "12"))})
    answer = bench.run(pipeline(LOOP), make_request(hole=DIGITS))
    sources = [node.inputs for node in nodes_of(answer) if node.step == "check"]
    assert sources == [("draft.text",), ("mended.text",), ("draft.text",)]
    assert text_of(answer) == "12"


def test_what_stands_after_the_loop_waits_for_its_last_round() -> None:
    after = LOOP.replace('output = "mended"', 'output = "best"').replace(
        "[loop]", '[[step]]\nid = "best"\ndo = "select"\ntexts = "$mended.text"\n[loop]'
    )
    bench = Bench({"a": by_operation(says("a"), repair=in_turn("b", "12"))})
    answer = bench.run(pipeline(after), make_request(hole=DIGITS))
    assert [node.step for node in nodes_of(answer)] == [
        "draft",
        *("check", "mended") * 3,
        "best",
    ]
    assert nodes_of(answer)[-1].round == 1
    assert text_of(answer) == "12"


def test_a_loop_without_a_condition_makes_all_its_rounds() -> None:
    endless = LOOP.replace('until = "$check.passed"', "")
    bench = Bench({"a": by_operation(says("12"))})
    answer = bench.run(pipeline(endless), make_request(hole=DIGITS))
    assert len(rounds(answer, "check")) == 3
    assert bench.operations == ["generate"]


def test_a_step_may_refer_to_itself_in_the_round_before() -> None:
    itself = """
    output = "mended"
    [[step]]
    id = "draft"
    do = "draft"
    [[step]]
    id = "mended"
    do = "repair"
    text = { source = "$mended.text", default = "$draft.text" }
    issues = "$look.issues"
    on_error = "fallback"
    fallback = "again"
    [[step]]
    id = "again"
    do = "repair"
    text = { source = "$mended.text", default = "$draft.text" }
    issues = "$look.issues"
    [[step]]
    id = "look"
    do = "critique"
    text = "$draft.text"
    [loop]
    steps = ["mended"]
    rounds = 3
    """
    repair = in_turn("b", fails(), "c", "d")
    bench = Bench({"a": by_operation(says("a"), says("bad"), repair)})
    answer = bench.run(pipeline(itself))
    assert rounds(answer, "mended") == [(1, "b"), (2, "c"), (3, "d")]
    assert rounds(answer, "again") == [(2, "c")]
    told = [invocation.task.draft.text for invocation in bench.fakes.asked[2:]]
    assert told == ["a", "b", "b", "c"]


def test_each_critique_of_a_run_has_its_own_number() -> None:
    """A recorded critic says something else in each round."""
    bench = Bench({"a": by_operation(says("12"), says("bad"), says("34"))})
    answer = bench.run("draft_critique_repair", max_rounds="3")
    numbers = [
        invocation.task.candidate
        for invocation in bench.fakes.asked
        if invocation.task.draft is not None and invocation.task.operation == "critique"
    ]
    assert numbers == [0, 1, 2]
    candidates = [candidate.index for candidate in answer.candidates]
    assert len(set(candidates)) == len(candidates) == 4

"""The five built-in pipelines (Y-06)."""

from __future__ import annotations

import pytest

from gateway.config.pipeline_checks import table_problems
from gateway.config.pipelines import built_in
from gateway.core.constraint import Constraint, Regex, UnitTests
from gateway.core.endpoint import Capability
from gateway.core.faults import Reason
from gateway.core.hole import Hole, HoleSpec
from gateway.core.pipeline import OnError
from gateway.validation.late import Tools
from tests.fakes.ensemble import fails, says
from tests.fakes.executors import passing_where
from tests.fakes.pipelines import (
    BUILT_IN,
    Bench,
    by_operation,
    in_turn,
    nodes_of,
    statuses,
    text_of,
)
from tests.fakes.values import make_request

DIGITS = Constraint("digits", Regex("[0-9]+"))
WANTED = make_request(hole=Hole("x = ", constraints=(DIGITS,)))
ADVISED = make_request(
    hole=Hole("x = ", constraints=(Constraint("digits", Regex("[0-9]+"), required=False),))
)
TWO = {
    "capabilities": {
        "cheap": frozenset({Capability.FAST_INFERENCE}),
        "strong": frozenset({Capability.HIGH_QUALITY}),
    }
}


def test_there_are_five_and_none_has_a_mistake() -> None:
    assert sorted(BUILT_IN) == [
        "best_of_n_select",
        "cascade_cheap_then_strong",
        "draft_critique_repair",
        "draft_only",
        "draft_validate",
    ]
    assert {name: table_problems(name, table) for name, table in built_in().items()} == {
        name: [] for name in BUILT_IN
    }
    assert all(definition.description for definition in BUILT_IN.values())


def test_a_draft_alone_walks_the_chain_until_a_text_stands_the_checks() -> None:
    bench = Bench({"a": says("no"), "b": says("12")})
    answer = bench.run("draft_only", WANTED)
    assert text_of(answer) == "12"
    assert [node.step for node in nodes_of(answer)] == ["draft"]
    assert [candidate.index for candidate in answer.candidates] == [0, 1]


def test_a_validated_draft_tells_what_the_checks_found() -> None:
    answer = Bench({"a": says("no")}).run("draft_validate", ADVISED)
    draft, check = nodes_of(answer)
    assert (check.text, check.endpoint, check.attempts) == ("", "", ())
    assert check.verdicts == draft.verdicts == answer.chosen.verdicts
    assert check.issues == ("digits: the fill as a whole does not match the expression",)


def test_a_draft_is_mended_until_checks_and_critic_find_nothing() -> None:
    bench = Bench(
        {"a": by_operation(says("no"), in_turn("too short", "OK"), in_turn("12", "never"))}
    )
    answer = bench.run("draft_critique_repair", WANTED)
    assert text_of(answer) == "12"
    assert bench.operations == ["generate", "critique", "repair", "critique"]
    told = bench.fakes.asked[2].task.draft
    assert told.text == "no"
    assert told.issues == (
        "digits: the fill as a whole does not match the expression",
        "too short",
    )


def test_a_draft_with_which_nothing_is_wrong_costs_one_critique() -> None:
    bench = Bench({"a": by_operation(says("12"), says("OK"))})
    answer = bench.run("draft_critique_repair", WANTED)
    assert text_of(answer) == "12"
    assert bench.operations == ["generate", "critique"]
    assert statuses(answer)["repair"] == "not_needed"


@pytest.mark.parametrize("most", ["1", "3"])
def test_the_rounds_of_mending_are_a_parameter(most: str) -> None:
    bench = Bench({"a": by_operation(says("12"), says("bad"), says("34"))})
    answer = bench.run("draft_critique_repair", WANTED, max_rounds=most)
    assert bench.operations == ["generate", *["critique", "repair"] * int(most)]
    assert text_of(answer) == "34"


def test_a_repair_that_makes_it_worse_is_not_the_answer() -> None:
    bench = Bench({"a": by_operation(says("12"), says("wrong"), says("worse"))})
    answer = bench.run("draft_critique_repair", WANTED, max_rounds="1")
    assert text_of(answer) == "12"
    assert bench.operations == ["generate", "critique", "repair"]


def test_without_a_critic_the_checks_alone_say_what_is_to_be_mended() -> None:
    bench = Bench({"a": by_operation(says("no"), fails(), says("12"))})
    answer = bench.run("draft_critique_repair", WANTED)
    assert text_of(answer) == "12"
    assert statuses(answer)["critique"] == "skipped"


def test_the_best_of_several_drafts_is_chosen() -> None:
    bench = Bench(
        {
            "a": says("no", logprobs=(-0.01,)),
            "b": says("1", logprobs=(-3.0,)),
            "c": says("2", logprobs=(-0.1,)),
        },
        in_flight=8,
    )
    answer = bench.run("best_of_n_select", n="3")
    assert text_of(answer) == "no"
    assert len(bench.asked) == 3
    assert nodes_of(answer)[1].inputs == ("drafts.texts",)


def test_agreement_on_test_cases_chooses_among_drafts() -> None:
    executor = passing_where(lambda source, case: ("return 2" in source) or "== 1" in case)
    hole = Hole(
        "def f():\n    return ",
        spec=HoleSpec(language="python"),
        constraints=(
            Constraint(
                "t", UnitTests(cases=("assert f() == 1", "assert f() == 2")), required=False
            ),
        ),
    )
    bench = Bench(
        {"a": says("1"), "b": says("2"), "c": says("2 ")}, tools=Tools(executor), in_flight=8
    )
    answer = bench.run("best_of_n_select", make_request(hole=hole), n="3")
    assert text_of(answer).strip() == "2"
    assert answer.chosen.utility is not None
    assert answer.chosen in answer.candidates


def test_a_cheap_text_that_passes_ends_the_cascade() -> None:
    bench = Bench({"cheap": says("12"), "strong": says("34")}, **TWO)
    answer = bench.run("cascade_cheap_then_strong", WANTED)
    assert (text_of(answer), bench.asked) == ("12", ["cheap"])
    assert statuses(answer) == {"cheap": "ok", "check": "ok", "strong": "not_needed"}


def test_what_a_cheap_text_fails_is_told_to_a_strong_endpoint() -> None:
    bench = Bench({"cheap": says("no"), "strong": says("34")}, **TWO)
    answer = bench.run("cascade_cheap_then_strong", WANTED)
    assert (text_of(answer), bench.asked) == ("34", ["cheap", "strong"])
    assert answer.decision.primary == "strong"
    draft = bench.fakes.asked[1].task.draft
    assert draft.text == "no"
    assert draft.issues == ("digits: the fill as a whole does not match the expression",)


def test_a_cascade_without_its_cheap_end_falls_back_to_the_strong_one() -> None:
    bench = Bench({"cheap": fails(), "strong": says("34")}, **TWO)
    answer = bench.run("cascade_cheap_then_strong", WANTED)
    assert text_of(answer) == "34"
    assert statuses(answer) == {
        "instead": "ok",
        "cheap": "fell_back",
        "check": "ok",
        "strong": "not_needed",
    }


def test_a_cascade_without_its_strong_end_keeps_what_there_is() -> None:
    bench = Bench({"cheap": says("no"), "strong": fails()}, **TWO)
    answer = bench.run("cascade_cheap_then_strong", ADVISED)
    assert text_of(answer) == "no"
    assert statuses(answer)["strong"] == "fell_back"
    refused = Bench({"cheap": says("no"), "strong": fails()}, **TWO)
    fault = refused.run("cascade_cheap_then_strong", WANTED)
    assert fault.reason is Reason.ALL_CANDIDATES_REJECTED


def test_no_template_leaves_out_a_check() -> None:
    """X-20 ✗: steps that verify were dropped where the route was uncertain."""
    checks = [
        step
        for definition in BUILT_IN.values()
        for step in definition.steps
        if step.kind.value == "validate"
    ]
    assert len(checks) == 3
    assert all(not step.when and step.on_error is OnError.FAIL_FAST for step in checks)

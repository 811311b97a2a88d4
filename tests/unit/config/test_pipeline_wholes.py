"""What may be wrong with a pipeline as a whole: fallbacks, order, output, loop, parameters."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.load import build
from gateway.config.pipelines import definition_of
from tests.fakes.pipeline_tables import (
    CHECK,
    DRAFT,
    LOOK,
    MEND,
    OTHER,
    document,
    fallback_of,
    only,
    problems,
    table,
)
from tests.fakes.pipelines import table_of


def test_a_fallback_that_could_not_stand_in_is_refused() -> None:
    """Y-02 ✗: fallback did what skip does."""
    other_kind = {**LOOK, "id": "other"}
    _, why, _ = only(table(DRAFT, LOOK, fallback_of(), other_kind))
    assert why == "a critique step does not give what a repair step gives"
    path, why, _ = only(table(DRAFT, LOOK, fallback_of(), {**OTHER, "when": "$look.passed"}))
    assert path == "pipeline[0].step[3]"
    assert why == "a fallback is always needed, and has none of its own"
    _, why, mend = only(table(DRAFT, LOOK, fallback_of(), OTHER, output="other"))
    assert why == "step 'other' is run in the place of another only"
    assert mend == "use one of: draft, mend"
    twice = fallback_of(id="twice")
    best = {"id": "best", "do": "select", "texts": ["$mend.text", "$twice.text"]}
    path, why, _ = only(table(DRAFT, LOOK, fallback_of(), twice, OTHER, best, output="best"))
    assert (path, why) == (
        "pipeline[0].step[3].fallback",
        "step 'other' cannot stand in here too",
    )
    after = {"id": "after", "do": "validate", "text": "$other.text"}
    _, why, mend = only(table(DRAFT, LOOK, fallback_of(), OTHER, after, output="after"))
    assert why == "step 'other' is run in the place of 'mend' only"
    assert mend == "refer to `$mend.text`"


def test_steps_that_wait_for_each_other_are_named() -> None:
    one = {**MEND, "id": "one", "text": "$two.text"}
    two = {**MEND, "id": "two", "text": "$one.text"}
    path, why, _ = only(table(DRAFT, LOOK, one, two, output="two"))
    assert path == "pipeline[0].step"
    assert why in {
        "steps wait for each other: one -> two -> one",
        "steps wait for each other: two -> one -> two",
    }
    itself = {**MEND, "text": "$mend.text"}
    assert only(table(DRAFT, LOOK, itself))[1] == "steps wait for each other: mend -> mend"


def test_a_loop_that_waits_for_what_waits_for_it_is_a_cycle() -> None:
    outside = {**CHECK, "id": "outside", "text": "$mend.text"}
    inside = {**MEND, "text": "$outside.text"}
    loop = {"steps": ["mend"], "rounds": 2}
    _, why, _ = only(table(DRAFT, LOOK, inside, outside, output="outside", loop=loop))
    assert "the loop" in why


def test_a_step_that_leads_nowhere_is_a_mistake() -> None:
    path, why, mend = only(table(DRAFT, LOOK, output="draft"))
    assert (path, mend) == ("pipeline[0].step[1]", "refer to it, or remove it")
    assert why == "nothing that leads to the output 'draft' uses it"


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("look", "a critique step gives no text"),
        ("nobody", "there is no step 'nobody'"),
        ("", "there is no step ''"),
        ("second", "step 'second' gives no text when it is not needed"),
    ],
)
def test_the_output_always_has_a_text(output: str, why: str) -> None:
    """Y-05 ✗: the primary result was whatever came first."""
    second = {"id": "second", "do": "draft", "when": "!$look.passed"}
    path, found, mend = only(table(DRAFT, LOOK, second, output=output))
    assert (path, found) == ("pipeline[0].output", why)
    assert mend


LOOPED = {
    **MEND,
    "text": {"source": "$mend.text", "default": "$draft.text"},
}


@pytest.mark.parametrize(
    ("loop", "path", "why"),
    [
        ({"rounds": 17}, "rounds", "must be a whole number from 1 to 16"),
        ({"rounds": "$most"}, "rounds", "there is no parameter 'most' that fits"),
        ({"steps": ["mend", "mend"]}, "steps", "names a step twice"),
        ({"steps": ["mend", "mends"]}, "steps", "there is no step 'mends'"),
        ({"until": "$look.passed"}, "until", "$look.passed does not change from round to round"),
        ({"until": "$mend.passed"}, "until", "a repair step gives no 'passed'"),
    ],
)
def test_a_mistake_in_a_loop_is_named(loop: dict[str, Any], path: str, why: str) -> None:
    whole = {"steps": ["mend"], "rounds": 2, **loop}
    found = problems(table(DRAFT, LOOK, LOOPED, loop=whole))
    assert (f"pipeline[0].loop.{path}", why) in {(one.path, one.why) for one in found}


def test_a_table_that_was_not_checked_is_no_definition() -> None:
    with pytest.raises(ValueError, match="was not checked"):
        definition_of(table_of('output = "a"\nstep = [{ id = "a", do = "select", texts = "b" }]'))


def test_the_first_round_has_no_round_before_it() -> None:
    loop = {"steps": ["mend"], "rounds": 2}
    bare = {**MEND, "text": "$mend.text"}
    path, why, _ = only(table(DRAFT, LOOK, bare, loop=loop))
    assert (path, why) == ("pipeline[0].step[2].text", "the first round has none before it")
    default = {**MEND, "text": {"source": "$draft.text", "default": "$mend.text"}}
    assert only(table(DRAFT, LOOK, default, loop=loop))[1] == "$mend.text may be missing too"
    other = {**OTHER, "text": "$mend.text"}
    path, why, _ = only(
        table(DRAFT, LOOK, {**LOOPED, **fallback_of(text=LOOPED["text"])}, other, loop=loop)
    )
    assert (path, why) == ("pipeline[0].step[3].text", "the first round has none before it")
    listed = {"steps": ["mend", "other"], "rounds": 2}
    found = only(table(DRAFT, LOOK, fallback_of(), OTHER, loop=listed))
    assert found[0] == "pipeline[0].loop.steps"


def parameters(**fields: Any) -> dict[str, Any]:
    heated = {**DRAFT, "temperature": "$heat"}
    whole = {"type": "float", "default": 1, "min": 0, "max": 2, **fields}
    heat = {name: value for name, value in whole.items() if value is not None}
    return table(heated, output="draft", parameters={"heat": heat})


def test_a_parameter_has_a_type_bounds_and_a_use() -> None:
    assert build(document(parameters()), "gateway.toml").pipeline[0].parameters["heat"].max == 2
    at = "pipeline[0].parameters.heat"
    assert only(parameters(default=3))[:2] == (f"{at}.default", "must be a number from 0 to 2")
    assert only(parameters(max=None))[:2] == (at, "has no bounds; an float needs both")
    assert only(parameters(choices=["a"]))[0] == f"{at}.choices"
    path, why, _ = only(parameters(max=3))
    assert path == "pipeline[0].step[0].temperature"
    assert why == "takes a number from 0 to 2, and the parameter 'heat' may be something else"
    unused = {**parameters(), "step": [DRAFT]}
    assert only(unused)[:2] == (at, "no option takes it")


def test_a_parameter_that_is_text_has_choices() -> None:
    def skilled(**fields: Any) -> dict[str, Any]:
        skill = {"type": "str", "default": "fast_inference", "choices": ["fast_inference"]}
        steps = {**DRAFT, "capability": "$skill", "tags": ["$skill"]}
        return table(steps, output="draft", parameters={"skill": {**skill, **fields}})

    assert build(document(skilled()), "gateway.toml")
    at = "pipeline[0].parameters.skill"
    assert only(skilled(default="x"))[:2] == (f"{at}.default", "is none of the choices")
    assert only(skilled(min=1))[:2] == (at, "a str has no min and no max")
    path, why, _ = only(skilled(choices=["fast_inference", "x"]))
    assert path == "pipeline[0].step[0].capability"
    assert why == f"{at}.choices has others than it takes"
    assert only({**skilled(), "step": [{**DRAFT, "n": "$skill"}]})[0].endswith("step[0].n")

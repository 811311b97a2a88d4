"""One token estimator: HS-17."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.constraint import Constraint, FillConstraint, ForbiddenText, Grammar, JsonSchema
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Budget, Hole, HoleKind, HoleOrigin, HoleSpec, Sampling
from gateway.routing.tokens import (
    PROMPT_OVERHEAD,
    fill_estimate,
    least_tokens,
    max_tokens,
    prompt_tokens,
)
from tests.fakes.fleets import PLAIN, fills, hole, request

BY_SCALE = {
    HoleKind.EXPRESSION: 64,
    HoleKind.STATEMENT: 256,
    HoleKind.BLOCK: 512,
    HoleKind.FUNCTION: 1024,
    HoleKind.UNSPECIFIED: 256,
}


def by_spec(wanted: Hole) -> int:
    spec = wanted.spec
    described = 256 + 128 * (spec.json_schema is not None) + 256 * (spec.grammar is not None)
    return min(described + 32 * len(spec.fill_constraints), 2048)


def test_the_estimate_is_the_larger_of_two_that_used_to_disagree() -> None:
    """Regression of HS-17: two estimators gave one hole two sizes."""
    function = hole(HoleSpec(kind=HoleKind.FUNCTION))
    assert by_spec(function) == 256
    assert BY_SCALE[HoleKind.FUNCTION] == 1024
    assert fill_estimate(function) == 1024
    expression = hole(
        HoleSpec(
            kind=HoleKind.EXPRESSION,
            json_schema=JsonSchema("{}"),
            grammar=Grammar(text="start: /x/"),
            fill_constraints=fills(2),
        )
    )
    assert BY_SCALE[HoleKind.EXPRESSION] == 64
    assert fill_estimate(expression) == by_spec(expression) == 256 + 128 + 256 + 64


@pytest.mark.parametrize(("kind", "floor"), BY_SCALE.items())
def test_floors_by_scale(kind: HoleKind, floor: int) -> None:
    assert fill_estimate(hole(HoleSpec(kind=kind))) == max(floor, 256)
    assert least_tokens(request(hole(HoleSpec(kind=kind)))) == floor


def test_holes_larger_than_a_function_get_the_largest_estimate() -> None:
    assert fill_estimate(hole(HoleSpec(kind=HoleKind.MODULE))) == 2048
    assert fill_estimate(hole(HoleSpec(kind=HoleKind.SPECIFICATION))) == 2048


def test_every_kind_has_a_floor() -> None:
    for kind in HoleKind:
        assert fill_estimate(hole(HoleSpec(kind=kind))) >= 256


def test_the_description_is_capped() -> None:
    assert fill_estimate(hole(HoleSpec(fill_constraints=fills(200)))) == 2048


def test_the_caller_s_value_wins() -> None:
    asked = request(sampling=Sampling(max_tokens=7))
    assert max_tokens(asked, Endpoint("small", max_context=100)) == 7
    assert max_tokens(request(sampling=Sampling(max_tokens=9000)), PLAIN) == 9000
    assert least_tokens(asked) == 7


def test_the_budget_caps_both() -> None:
    small = Budget(max_tokens=100)
    assert max_tokens(replace(request(), budget=small), PLAIN) == 100
    assert (
        max_tokens(replace(request(sampling=Sampling(max_tokens=500)), budget=small), PLAIN) == 100
    )
    assert max_tokens(replace(request(), budget=Budget(max_tokens=9999)), PLAIN) == 256
    assert least_tokens(replace(request(), budget=small)) == 100


def test_the_estimate_shrinks_to_the_room_in_the_context() -> None:
    wanted = request(hole(prompt="x" * 300))  # 164 tokens to read
    assert max_tokens(wanted, Endpoint("e", max_context=300)) == 136
    assert max_tokens(wanted, Endpoint("e", max_context=3000)) == 256
    assert max_tokens(wanted, Endpoint("e", max_context=10)) == 1
    assert max_tokens(wanted, PLAIN) == 256


def test_prompt_tokens_round_up_and_count_bytes() -> None:
    assert prompt_tokens(Hole("")) == PROMPT_OVERHEAD
    assert prompt_tokens(Hole("abcd")) == PROMPT_OVERHEAD + 2
    assert prompt_tokens(Hole("abc", "def")) == PROMPT_OVERHEAD + 2
    assert prompt_tokens(Hole("漢字")) == PROMPT_OVERHEAD + 2
    assert prompt_tokens(Hole("\ud800")) == PROMPT_OVERHEAD + 1


def test_prompt_tokens_count_every_word_that_the_template_adds() -> None:
    spec = HoleSpec(
        expected_type="abc",
        origin=HoleOrigin(file="def", intent="ghi"),
        fill_constraints=(FillConstraint("abc", "def"),),
    )
    constraint = Constraint("abc", ForbiddenText(("x",)), rich_context="def")
    assert prompt_tokens(Hole("abc", spec=spec, constraints=(constraint,))) == PROMPT_OVERHEAD + 8

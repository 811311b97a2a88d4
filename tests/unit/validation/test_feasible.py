"""Requirements that no text can meet are refused before any call (HS-06)."""

from __future__ import annotations

import json

import pytest

from gateway.core.constraint import (
    Constraint,
    ConstraintBody,
    ForbiddenText,
    JsonSchema,
    Regex,
    TokenMask,
)
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Hole, HoleSpec
from gateway.validation.compile import compile_checks


def schema(value: object) -> JsonSchema:
    return JsonSchema(json.dumps(value))


def hole_of(*bodies: ConstraintBody, required: bool = True) -> Hole:
    return Hole(
        "x",
        constraints=tuple(
            Constraint(f"c{index}", body, required=required) for index, body in enumerate(bodies)
        ),
    )


IMPOSSIBLE = [
    (schema(False),),
    (schema({"not": {}}),),
    (schema({"not": True}),),
    (schema({"enum": []}),),
    (schema({"type": "string", "enum": [1, None]}),),
    (schema({"const": "eval(1)"}), ForbiddenText(("eval(",))),
    (schema({"enum": [[1, "rm -rf"], {"rm": 1}]}), ForbiddenText(("rm",))),
    (schema({"enum": [1, 2]}), schema({"minimum": 3})),
    (TokenMask((1, 2), (3, 2, 1)),),
]


@pytest.mark.parametrize("bodies", IMPOSSIBLE)
def test_a_contradiction_is_refused_and_named(bodies: tuple[ConstraintBody, ...]) -> None:
    with pytest.raises(Fault) as caught:
        compile_checks(hole_of(*bodies))
    fault = caught.value
    assert (fault.kind, fault.origin) == (Kind.INFEASIBLE, Origin.CALLER)
    assert fault.reason is Reason.INFEASIBLE_CONSTRAINT
    assert fault.violations[0].field == "constraints[0]"
    assert "'c0'" in fault.message


@pytest.mark.parametrize("bodies", IMPOSSIBLE)
def test_an_advisory_contradiction_refuses_nothing(bodies: tuple[ConstraintBody, ...]) -> None:
    assert compile_checks(hole_of(*bodies, required=False)).run("1")


@pytest.mark.parametrize(
    "bodies",
    [
        (schema(True),),
        (schema({"not": {"type": "string"}}),),
        (schema({"enum": [1, "eval("]}), ForbiddenText(("eval(",))),
        (schema({"enum": [[1, 2]]}), ForbiddenText((", ",))),
        (schema({"const": "é"}), ForbiddenText(("é",))),
        (schema({"enum": [1, 2]}), schema({"minimum": 2})),
        (schema({"enum": list(range(300))}), schema({"minimum": 1000})),
        (schema({"const": 1}), schema({"$ref": "#"})),
        (schema({"const": 1}), Regex("1")),
        (TokenMask((1, 2), (2, 3)),),
        (TokenMask((), (1,)),),
    ],
)
def test_what_may_be_met_is_not_refused(bodies: tuple[ConstraintBody, ...]) -> None:
    assert compile_checks(hole_of(*bodies)).run("1")


def test_the_hole_s_own_schema_counts_too() -> None:
    with pytest.raises(Fault) as caught:
        compile_checks(Hole("x", spec=HoleSpec(json_schema=schema(False))))
    assert caught.value.violations[0].field == "hole"
    assert "hole.json_schema" in caught.value.message

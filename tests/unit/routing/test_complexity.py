"""Both estimators: R-10, R-11, R-12."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gateway.core.constraint import Constraint, Grammar, GrammarRule, JsonSchema
from gateway.core.hole import Hole, HoleSpec
from gateway.core.snapshot import RouterSettings
from gateway.routing.complexity import factors_v1, factors_v2
from gateway.routing.router import ModelRouter
from gateway.routing.traits import traits_of
from tests.fakes.complexity import complexity_v1, complexity_v2
from tests.fakes.fleets import fills, forbidden, hole, request, snapshot_of


def schema(properties: dict[str, object], required: list[str] | None = None) -> JsonSchema:
    return JsonSchema(json.dumps({"properties": properties, "required": required or []}))


FIVE = schema(
    {
        "a": {"type": "string"},
        "b": {"type": "object"},
        "c": {"type": ["array", "null"]},
        "d": {"type": "integer"},
        "e": True,
    },
    ["a", "b"],
)


@pytest.mark.parametrize("estimate", [complexity_v1, complexity_v2])
@pytest.mark.parametrize(
    ("count", "expected"), [(0, 0.0), (3, 0.3), (7, 0.7), (10, 1.0), (25, 1.0)]
)
def test_constraints_alone_give_a_tenth_each(
    estimate: Callable[[Hole], float], count: int, expected: float
) -> None:
    assert estimate(hole(HoleSpec(fill_constraints=fills(count)))) == expected
    assert estimate(hole(None, *forbidden(count))) == expected


def test_v1_is_the_mean_of_the_factors_present() -> None:
    grammar = Grammar(
        rules=(GrammarRule("start", ("a", "b")), GrammarRule("a", ("x", "y", "z", "w")))
    )
    factors = factors_v1(
        traits_of(hole(HoleSpec(json_schema=FIVE, grammar=grammar, fill_constraints=fills(4))))
    )
    assert factors.constraints == 0.4
    assert factors.schema == pytest.approx(5 / 20 + 2 / 10 + 0.2)  # nested: 4 objects of 5 / 5, cap
    assert factors.grammar == pytest.approx(2 / 50 + 3 / 10)  # mean right-hand side of 2 and 4
    assert factors.complexity == pytest.approx((0.4 + 0.65 + 0.34) / 3)


def test_v1_counts_every_property_that_is_a_json_object_as_nested() -> None:
    strings = schema({name: {"type": "string"} for name in "abc"})
    assert complexity_v1(hole(HoleSpec(json_schema=strings))) == pytest.approx((3 / 20 + 0.2) / 2)


def test_v1_falls_when_an_empty_schema_joins_and_v2_does_not() -> None:
    """Regression of R-11: 10 constraints alone are 1.0, the same plus an empty schema are 0.5."""

    def defective_mean(*present: float) -> float:
        return sum(present) / len(present)

    assert defective_mean(1.0) == 1.0
    assert defective_mean(1.0, 0.0) == 0.5
    with_schema = hole(HoleSpec(fill_constraints=fills(10), json_schema=JsonSchema("{}")))
    assert complexity_v1(with_schema) == 0.5
    assert complexity_v2(with_schema) == 1.0


def test_v2_counts_only_objects_and_arrays_as_nested() -> None:
    """Regression of R-11: the defective rule finds nesting in flat properties."""

    def defective_nested(properties: dict[str, object]) -> int:
        return sum(isinstance(inner, dict) for inner in properties.values())

    flat: dict[str, object] = {name: {"type": "string"} for name in "abcde"}
    assert defective_nested(flat) == 5
    factors = factors_v2(traits_of(hole(HoleSpec(json_schema=schema(flat)))))
    assert factors.schema == pytest.approx(5 / 20)
    factors = factors_v2(traits_of(hole(HoleSpec(json_schema=FIVE))))
    assert factors.schema == pytest.approx(5 / 20 + 2 / 10 + 0.2)  # b and c nest


def test_v2_does_not_fall_when_a_short_rule_joins_a_grammar() -> None:
    """The mean right-hand side would fall, so v2 takes the longest."""
    long = GrammarRule("start", tuple("abcdef"))
    alone = Grammar(rules=(long,))
    joined = Grammar(rules=(long, GrammarRule("a", ("x",))))
    assert complexity_v1(hole(HoleSpec(grammar=joined))) < complexity_v1(
        hole(HoleSpec(grammar=alone))
    )
    assert complexity_v2(hole(HoleSpec(grammar=joined))) > complexity_v2(
        hole(HoleSpec(grammar=alone))
    )


def test_v2_folds_its_factors() -> None:
    grammar = Grammar(text="start: a | b\na: /x/\n")
    factors = factors_v2(
        traits_of(hole(HoleSpec(json_schema=FIVE, grammar=grammar, fill_constraints=fills(2))))
    )
    assert factors.grammar == pytest.approx(2 / 50 + 2 / 10)
    assert factors.complexity == pytest.approx(1 - (1 - 0.2) * (1 - 0.65) * (1 - 0.24))


def test_factors_stay_within_their_caps() -> None:
    big = schema({str(i): {"type": "array"} for i in range(99)}, [str(i) for i in range(99)])
    rules = tuple(GrammarRule(f"r{i}", tuple("abcdefghijkl")) for i in range(99))
    for estimate in (factors_v1, factors_v2):
        factors = estimate(traits_of(hole(HoleSpec(json_schema=big, grammar=Grammar(rules=rules)))))
        assert factors.schema == 1.0
        assert factors.grammar == 1.0
        assert factors.complexity <= 1.0


def test_both_places_count_and_several_schemas_are_added() -> None:
    one = schema({"a": {"type": "string"}}, ["a"])
    body = Constraint("shape", one)
    spec_only = factors_v2(traits_of(hole(HoleSpec(json_schema=one))))
    constraint_only = factors_v2(traits_of(hole(None, body)))
    both = factors_v2(traits_of(hole(HoleSpec(json_schema=one), body)))
    assert spec_only.schema == constraint_only.schema == pytest.approx(1 / 20 + 1 / 10)
    assert both.schema == pytest.approx(2 / 20 + 2 / 10)


def test_a_schema_that_is_not_json_is_no_factor() -> None:
    factors = factors_v1(
        traits_of(hole(HoleSpec(json_schema=JsonSchema("{"), fill_constraints=fills(4))))
    )
    assert factors.schema is None
    assert factors.complexity == 0.4


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (range(3), "fast"),
        (range(3, 8), "default"),
        (range(8, 11), "quality"),
        (range(11, 16), "constrained"),
    ],
)
@pytest.mark.parametrize("estimator", ["v1", "v2"])
def test_bands_of_constraints_alone(counts: range, expected: str, estimator: str) -> None:
    """R-12: crossing from 10 to 11 changes the class; the bands are documented and fixed here."""
    router = ModelRouter(snapshot_of(settings=RouterSettings(estimator=estimator)))
    for count in counts:
        decision = router.route(request(hole(HoleSpec(fill_constraints=fills(count)))))
        assert decision.reason in {f"{expected}_match", f"medium_{expected}"}, count


def test_a_grammar_without_rules_adds_nothing_and_divides_by_nothing() -> None:
    assert complexity_v1(hole(HoleSpec(grammar=Grammar()))) == 0.0
    assert complexity_v2(hole(HoleSpec(grammar=Grammar()))) == 0.0

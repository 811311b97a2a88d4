"""Precedence, strict bounds and what counts as security or grammar: R-01, R-02."""

from __future__ import annotations

import pytest

from gateway.core.constraint import (
    Constraint,
    FillConstraint,
    ForbiddenText,
    Grammar,
    JsonSchema,
    TokenMask,
)
from gateway.core.endpoint import Capability
from gateway.core.hole import Hole, HoleSpec
from gateway.core.snapshot import RouterSettings
from gateway.routing.complexity import factors_v2
from gateway.routing.rules import RuleTable
from gateway.routing.traits import traits_of
from tests.fakes.fleets import fills, forbidden, hole

TABLE = RuleTable.of(RouterSettings())


def matched(wanted: Hole, table: RuleTable = TABLE) -> tuple[str, str]:
    traits = traits_of(wanted)
    rule, words = table.first_match(traits, factors_v2(traits))
    return rule.name, words


def test_rules_stand_in_order_of_precedence() -> None:
    assert [(rule.name, rule.capability) for rule in TABLE.rules] == [
        ("security", Capability.SECURITY_AWARE),
        ("constrained", Capability.CONSTRAINED_GENERATION),
        ("fast", Capability.FAST_INFERENCE),
        ("quality", Capability.HIGH_QUALITY),
        ("default", None),
    ]


def test_conditions_name_the_numbers_in_force() -> None:
    table = RuleTable.of(RouterSettings(constraint_limit=4, fast_below=0.25, quality_above=0.5))
    assert "4" in table.constrained.condition
    assert table.fast.condition == "complexity below 0.25"
    assert table.quality.condition == "complexity above 0.5"


def test_the_first_match_wins() -> None:
    grammar = Grammar(text="start: /x/")
    everything = hole(
        HoleSpec(grammar=grammar, fill_constraints=(*fills(20), *fills(1, "security")))
    )
    assert matched(everything)[0] == "security"
    assert matched(hole(HoleSpec(grammar=grammar, fill_constraints=fills(20))))[0] == "constrained"


@pytest.mark.parametrize("kind", ["security", "Security", "SECURITY", " security "])
def test_a_fill_constraint_of_kind_security_is_enough(kind: str) -> None:
    """Regression of R-02: only token masks made a hole security-relevant."""

    def defective(wanted: Hole) -> bool:
        return any(isinstance(constraint.body, TokenMask) for constraint in wanted.constraints)

    wanted = hole(HoleSpec(fill_constraints=(FillConstraint(kind, "no SQL from strings"),)))
    assert not defective(wanted)
    assert matched(wanted) == ("security", "a fill constraint is of kind security")


def test_a_security_flag_or_a_token_mask_is_enough() -> None:
    flagged = Constraint("no_eval", ForbiddenText(("eval",)), security=True)
    masked = Constraint("mask", TokenMask(forbidden=(1,)))
    plain = Constraint("plain", ForbiddenText(("x",)))
    assert matched(hole(None, plain, flagged)) == (
        "security",
        "constraint 'no_eval' is marked as security-relevant",
    )
    assert matched(hole(None, plain, masked)) == (
        "security",
        "constraint 'mask' carries a token mask",
    )
    assert matched(hole(None, plain))[0] != "security"


@pytest.mark.parametrize(
    "wanted",
    [
        hole(HoleSpec(grammar=Grammar(text="start: /x/"))),
        hole(HoleSpec(grammar_ref="sql")),
        hole(None, Constraint("g", Grammar(text="start: /x/"))),
    ],
)
def test_a_grammar_counts_wherever_it_stands(wanted: Hole) -> None:
    assert matched(wanted) == ("constrained", "a grammar is given")


def test_the_hole_s_own_grammar_is_not_ignored() -> None:
    """Regression of R-02: only a grammar among the constraints was looked at."""

    def defective(wanted: Hole) -> bool:
        return any(isinstance(constraint.body, Grammar) for constraint in wanted.constraints)

    wanted = hole(HoleSpec(grammar=Grammar(text="start: /x/")))
    assert not defective(wanted)
    assert traits_of(wanted).grammar


def test_both_lists_are_counted() -> None:
    """Regression of R-02: the constraints were not counted, only the fill constraints."""

    def defective(wanted: Hole) -> bool:
        return len(wanted.spec.fill_constraints) > 10

    wanted = hole(HoleSpec(fill_constraints=fills(6)), *forbidden(6))
    assert not defective(wanted)
    assert matched(wanted) == ("constrained", "12 constraints are more than 10")


def test_bounds_are_strict() -> None:
    assert matched(hole(HoleSpec(fill_constraints=fills(10))))[0] == "quality"
    assert matched(hole(HoleSpec(fill_constraints=fills(3)))) == (
        "default",
        "complexity 0.3 is within 0.3 to 0.7",
    )
    assert matched(hole(HoleSpec(fill_constraints=fills(7))))[0] == "default"
    assert matched(hole(HoleSpec(fill_constraints=fills(2)))) == (
        "fast",
        "complexity 0.2 is below 0.3",
    )
    assert matched(hole(HoleSpec(fill_constraints=fills(8)))) == (
        "quality",
        "complexity 0.8 is above 0.7",
    )


def test_the_words_name_the_factors_when_a_schema_took_part() -> None:
    schema = JsonSchema('{"properties": {"a": {"type": "string"}}, "required": ["a"]}')
    assert matched(hole(HoleSpec(json_schema=schema, fill_constraints=fills(1)))) == (
        "fast",
        "complexity 0.235 (constraints 0.1, schema 0.15) is below 0.3",
    )

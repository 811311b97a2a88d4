from __future__ import annotations

from gateway.core.constraint import (
    Constraint,
    FillConstraint,
    ForbiddenText,
    Grammar,
    GrammarRule,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
)
from gateway.core.hole import Hole, HoleKind, HoleOrigin, HoleSpec
from gateway.upstreams.prompt import PROMPT_TEMPLATE_VERSION, SCALE, chat_prompt

FULL = Hole(
    "def f(x):\n    return ",
    "\n",
    HoleSpec(
        kind=HoleKind.EXPRESSION,
        language="python",
        expected_type="int",
        json_schema=JsonSchema('{"type": "integer"}'),
        grammar=Grammar(rules=(GrammarRule("n", ("/[0-9]+/", "x")),)),
        fill_constraints=(FillConstraint("style", "no lambda"), FillConstraint("security")),
        origin=HoleOrigin("src/f.py", 2, intent="double it"),
    ),
    (
        Constraint("low", Regex("a+", "i")),
        Constraint("high", ForbiddenText(("eval", "exec")), priority=5, rich_context="be safe"),
        Constraint("mask", TokenMask((1, 2))),
        Constraint("type", TypeGoal("int", "T", (("x", "int"),))),
        Constraint("tests", UnitTests("assert f(2) == 4", "f")),
    ),
)

GOLDEN = """\
Fill this expression (nano) in python.
Origin: src/f.py:2
Intent: double it
Expected type: int
The fill must meet these constraints:
- style: no lambda
- security
- JSON that is valid for the schema {"type": "integer"}
- matches this lark grammar: n: /[0-9]+/ | x
- high: contains none of 'eval', 'exec'
- high: be safe
- low: matches the regular expression a+ (i)
- mask: keeps to the permitted tokens
- type: has the type int, so far T; x: int
- tests: passes the unit tests of f
Code before the hole:
```python
def f(x):
    return 2 *
```
Code after the hole:
```python


```
Write only the fill."""


def test_the_template_is_golden() -> None:
    """A change of these words needs a new PROMPT_TEMPLATE_VERSION."""
    assert PROMPT_TEMPLATE_VERSION == "1"
    assert chat_prompt(FULL, "2 *") == GOLDEN


def test_what_is_not_stated_leaves_no_line() -> None:
    assert chat_prompt(Hole("x = ")) == (
        "Fill this hole.\nCode before the hole:\n```\nx = \n```\nWrite only the fill."
    )


def test_an_origin_may_be_partial() -> None:
    for origin, line in (
        (HoleOrigin(), None),
        (HoleOrigin("a.py"), "Origin: a.py"),
        (HoleOrigin(line=3), None),
    ):
        lines = chat_prompt(Hole("x", spec=HoleSpec(origin=origin))).split("\n")
        assert [text for text in lines if text.startswith("Origin")] == ([line] if line else [])


def test_the_code_of_unit_tests_is_not_given_away() -> None:
    assert "assert f(2)" not in chat_prompt(FULL)
    assert "the program" in chat_prompt(Hole("x", constraints=(Constraint("t", UnitTests("c")),)))


def test_code_with_fences_is_fenced_by_a_longer_one() -> None:
    assert "\n`````\n````\n`````\n" in chat_prompt(Hole("````"))


def test_every_kind_of_hole_has_a_name() -> None:
    assert set(SCALE) == set(HoleKind)

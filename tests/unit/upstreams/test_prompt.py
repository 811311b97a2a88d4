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
from gateway.core.ports import Draft
from gateway.upstreams.prompt import (
    MOST_DRAFT_CHARS,
    MOST_ISSUE_CHARS,
    MOST_ISSUES,
    PROMPT_TEMPLATE_VERSION,
    REVIEWER,
    SCALE,
    chat_prompt,
    review_prompt,
)

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
    assert PROMPT_TEMPLATE_VERSION == "2"
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


SMALL = Hole(
    "x = ",
    "\n",
    HoleSpec(language="python", fill_constraints=(FillConstraint("style", "no lambda"),)),
)
DRAFT = Draft("eval(y)", ("no_eval: contains 'eval'", "line 1: not\n  quoted"))

REPAIR = """\
Fill this hole in python.
The fill must meet these constraints:
- style: no lambda
Code before the hole:
```python
x = 
```
Code after the hole:
```python


```
An earlier fill was not good enough:
```python
eval(y)
```
What is wrong with it:
- no_eval: contains 'eval'
- line 1: not quoted
Write the whole fill anew, without what is wrong with the earlier one.
Write only the fill."""  # noqa: W291 - the prompt ends so

REVIEW = """\
Review the draft of this hole in python.
The draft must meet these constraints:
- style: no lambda
Code before the draft:
```python
x = 
```
The draft:
```python
eval(y)
```
Code after the draft:
```python


```
Write only the issues, one a line, or OK."""  # noqa: W291 - the prompt ends so


def test_a_repair_shows_the_earlier_fill_and_its_issues_and_asks_for_all_of_it_anew() -> None:
    assert chat_prompt(SMALL, draft=DRAFT) == REPAIR


def test_a_review_shows_the_draft_in_its_place() -> None:
    assert review_prompt(SMALL, Draft("eval(y)")) == REVIEW
    assert "`OK` alone" in REVIEWER


def test_a_review_shows_what_is_known_to_be_wrong() -> None:
    assert "\nWhat is wrong with it:\n- no_eval: contains 'eval'\n" in review_prompt(SMALL, DRAFT)


def test_a_draft_without_issues_names_none() -> None:
    assert "What is wrong" not in chat_prompt(SMALL, draft=Draft("eval(y)"))


def test_a_prompt_is_bounded_whatever_the_draft() -> None:
    issues = tuple(f"{number} " + "i" * 10_000 for number in range(10_000))
    plain = len(chat_prompt(SMALL))
    for prompt in (
        chat_prompt(SMALL, draft=Draft("d" * 10**6, issues)),
        review_prompt(SMALL, Draft("d" * 10**6, issues)),
    ):
        assert "(976000 more characters are left out.)" in prompt
        assert "(9968 more are left out.)" in prompt
        assert len(prompt) < plain + MOST_DRAFT_CHARS + MOST_ISSUES * (MOST_ISSUE_CHARS + 3) + 500


def test_a_draft_with_fences_is_fenced_by_a_longer_one() -> None:
    assert "\n````python\n```\n````\n" in chat_prompt(SMALL, draft=Draft("```"))

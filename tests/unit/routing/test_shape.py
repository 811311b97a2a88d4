"""The shape matcher and its detectors: X-07."""

from __future__ import annotations

import pytest

from gateway.core.constraint import (
    Constraint,
    FillConstraint,
    ForbiddenText,
    Grammar,
    JsonSchema,
    Regex,
    TypeGoal,
    UnitTests,
)
from gateway.core.hole import Hole, HoleKind, HoleOrigin, HoleSpec
from gateway.core.topics import Topic
from gateway.routing.matchers.detectors import LONG, MANY, SHAPES
from gateway.routing.matchers.shape import ShapeMatcher
from tests.fakes.fleets import fills
from tests.fakes.topics import asking, reaching

SCHEMA = JsonSchema('{"type": "object"}')


def constrained(body: object) -> Hole:
    return Hole("x", constraints=(Constraint("c", body),))


def in_file(name: str) -> Hole:
    return Hole("", spec=HoleSpec(origin=HoleOrigin(file=name)))


HAVING = [
    ("json_schema", Hole("", spec=HoleSpec(json_schema=SCHEMA))),
    ("json_schema", constrained(SCHEMA)),
    ("grammar", Hole("", spec=HoleSpec(grammar_ref="sql"))),
    ("grammar", constrained(Grammar(text="start: /x/"))),
    ("security", Hole("", spec=HoleSpec(fill_constraints=fills(1, "security")))),
    ("regex_constraint", constrained(Regex("[a-z]+"))),
    ("unit_tests", constrained(UnitTests("assert f() == 1"))),
    ("many_constraints", Hole("", spec=HoleSpec(fill_constraints=fills(MANY)))),
    ("typed", Hole("", spec=HoleSpec(expected_type="int"))),
    ("typed", constrained(TypeGoal("int"))),
    ("long_context", Hole("x = 1\n" * LONG)),
    ("doctest", Hole('def f(x):\n    """Double.\n\n    >>> f(1)\n    2\n    """\n    ')),
    ("docstring", Hole("def f(\n    x: int,\n) -> int:\n    r'''Double it.'''\n")),
    ("test_function", Hole("def f():\n    pass\n\nasync def test_f():\n    ")),
    ("test_function", Hole("func TestParse(t *testing.T) {\n")),
    ("test_function", in_file("src/tests/rows.py")),
    ("test_function", in_file("test_rows.py")),
    ("test_function", in_file("a\\rows.spec.ts")),
    ("test_function", in_file("RowsTest.java")),
    ("class_body", Hole("class Rows(list):\n    ")),
    ("class_body", Hole("public final class Rows {\n")),
    ("import_block", Hole("import os\nfrom a.b import c\n")),
    ("import_block", Hole("#include <x.h>")),
    ("expression", Hole("x = 1\ny = ")),
    ("expression", Hole("    return ")),
    ("expression", Hole("", spec=HoleSpec(kind=HoleKind.EXPRESSION))),
]

LACKING = [
    ("json_schema", Hole("{}")),
    ("grammar", Hole("grammar")),
    ("security", Hole("security")),
    ("regex_constraint", constrained(ForbiddenText(("x",)))),
    ("unit_tests", constrained(ForbiddenText(("x",)))),
    ("many_constraints", Hole("", spec=HoleSpec(fill_constraints=fills(MANY - 1)))),
    ("typed", constrained(ForbiddenText(("x",)))),
    ("long_context", Hole("x = 1\n")),
    ("doctest", Hole('def f(x):\n    """Double."""\n')),
    ("doctest", Hole('x = """>>> f(1)"""')),
    ("docstring", Hole('def f(x):\n    """Double.\n\n    >>> f(1)\n    2\n    """\n')),
    ("docstring", Hole('def f(x):\n    """Double."""\n    return ')),
    ("docstring", Hole("def f(x):\n")),
    ("test_function", Hole("def test_f():\n    pass\n\ndef latest():\n    ")),
    ("test_function", Hole("def latest():\n")),
    ("test_function", in_file("latest.py")),
    ("test_function", in_file("contests/rows.py")),
    ("class_body", Hole("class Rows:\n    x = 1\n")),
    ("class_body", Hole("# a class of rows:")),
    ("import_block", Hole("important = 1\n")),
    ("expression", Hole("x = 1\n")),
    ("expression", Hole("y = ", spec=HoleSpec(kind=HoleKind.BLOCK))),
]


@pytest.mark.parametrize(("shape", "hole"), HAVING)
def test_a_shape_is_told(shape: str, hole: Hole) -> None:
    assert SHAPES[shape].detect(hole)


@pytest.mark.parametrize(("shape", "hole"), LACKING)
def test_what_only_looks_like_a_shape_is_not(shape: str, hole: Hole) -> None:
    assert not SHAPES[shape].detect(hole)


def test_every_shape_is_tried_both_ways_and_has_a_confidence() -> None:
    assert {shape for shape, _ in HAVING} == {shape for shape, _ in LACKING} == set(SHAPES)
    assert all(0 < shape.confidence <= 1 for shape in SHAPES.values())


STRICT = Topic("strict", shapes=("json_schema", "many_constraints"))
TESTS = Topic("tests", shapes=("test_function",))


def test_a_topic_is_as_sure_as_its_surest_shape() -> None:
    """X-07: each detector has a confidence of its own."""
    hole = Hole("", spec=HoleSpec(json_schema=SCHEMA, fill_constraints=fills(MANY)))
    matcher = ShapeMatcher([TESTS, STRICT])
    assert (matcher.name, matcher.weight, matcher.inline) == ("shape", 0.15, True)
    found = matcher.match(asking(hole, reaching([TESTS, STRICT])))
    assert (found.endpoint, found.topic) == ("to-strict", "strict")
    assert found.confidence == SHAPES["json_schema"].confidence
    assert found.words == "json_schema, many_constraints for strict"
    assert found.details == (("json_schema", "0.95"), ("many_constraints", "0.85"))


@pytest.mark.parametrize("turned", [False, True])
def test_of_equal_shapes_more_of_them_win_then_the_priority(turned: bool) -> None:
    hole = Hole("", spec=HoleSpec(json_schema=SCHEMA, fill_constraints=fills(MANY)))
    one = Topic("one", shapes=("json_schema",))
    urgent = Topic("urgent", shapes=("json_schema",), priority=-1)

    def winner(*topics: Topic) -> str:
        ordered = topics[::-1] if turned else topics
        return ShapeMatcher(ordered).match(asking(hole, reaching(topics))).topic

    assert winner(one, STRICT) == "strict"
    assert winner(one, urgent) == "urgent"


@pytest.mark.parametrize("turned", [False, True])
def test_topics_that_fit_equally_well_tie_unless_they_agree(turned: bool) -> None:
    topics = [Topic(name, shapes=("grammar",)) for name in ("a", "b")]
    hole = Hole("", spec=HoleSpec(grammar_ref="sql"))
    matcher = ShapeMatcher(topics[::-1] if turned else topics)
    assert matcher.match(asking(hole, reaching(topics))).abstained
    found = matcher.match(asking(hole, {"a": "one", "b": "one"}))
    assert (found.endpoint, found.topic) == ("one", "a")


def test_no_shape_is_an_answer() -> None:
    found = ShapeMatcher([TESTS]).match(asking(Hole("x"), reaching([TESTS])))
    assert (found.endpoint, found.confidence, found.abstained) == ("", 0.0, False)


def test_without_a_topic_it_abstains() -> None:
    hole = Hole("", spec=HoleSpec(language="python", fill_constraints=(FillConstraint("k"),)))
    rust = Topic("rust", shapes=("grammar",), language="rust")
    assert ShapeMatcher([rust]).match(asking(hole, reaching([rust]))).abstained
    assert ShapeMatcher([TESTS]).match(asking(hole, {})).abstained
    assert ShapeMatcher([Topic("x")]).match(asking(hole, {"x": "y"})).abstained


def test_an_unknown_shape_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"topic t: shape 'json' is unknown; known are class_body"):
        ShapeMatcher([Topic("t", shapes=("json",))])

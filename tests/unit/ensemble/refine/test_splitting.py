"""Holes that are split into smaller ones (P-07)."""

from __future__ import annotations

import pytest

from gateway.core.constraint import Constraint, ForbiddenText, Regex
from gateway.core.endpoint import Capability
from gateway.core.hole import Hole, HoleSpec, Request
from gateway.core.refinement import FailureStrategy
from tests.fakes.ensemble import says
from tests.fakes.refining import BAD, Refined, hole, python_source, refined, writes

SPLIT = {"on_failure": FailureStrategy.DECOMPOSE}
BODY = python_source("def f():\n    <<f>>\n\nx = <<x>>\n")
PARTS = {"f.1": "a = 1", "f.2": "b = 2", "f.3": "return a + b", "x": "f()"}


def filled(request: Request, texts: dict, *holes, **more) -> Refined:
    return refined({"e": writes(texts)}, request, holes, **more)


def test_a_function_becomes_three_blocks_one_after_the_other() -> None:
    done = filled(BODY, {"f": BAD, **PARTS}, hole("f", kind="function", **SPLIT), hole("x", "f"))
    assert done.text == "def f():\n    a = 1\n    b = 2\n    return a + b\n\nx = f()\n"
    assert done.report.complete
    assert [one.id for one in done.report.holes] == ["f", "f.1", "f.2", "f.3", "x"]
    assert [name for name, _ in done.asked] == ["f", "f.1", "f.2", "f.3", "x"]
    parent, part = done.holes["f"], done.holes["f.2"]
    assert parent.fill == "a = 1\n    b = 2\n    return a + b"
    assert (parent.children, part.parent) == (("f.1", "f.2", "f.3"), "f")
    assert (parent.tries, parent.endpoint, parent.method) == (1, "", "mean_of_parts")
    assert parent.confidence == pytest.approx(0.9)
    assert done.way("f") == ["in_progress", "pending_children", "filled"]
    assert done.way("f.2") == ["pending", "in_progress", "filled"]
    assert [event.total for event in done.progress][:4] == [2, 5, 5, 5]


def test_each_part_stands_on_a_line_of_its_own_in_its_parents_place() -> None:
    done = filled(BODY, {"f": BAD, **PARTS}, hole("f", kind="function", **SPLIT), hole("x", "f"))
    (task,) = done.tasks("f.2")
    assert task.request.hole.prompt == "def f():\n    a = 1\n    "
    assert task.request.hole.suffix == "\n    ...\n\nx = ...\n"
    assert task.request.hole.spec.kind == "block"
    assert task.request.hole.spec.language == "python"


def test_other_holes_see_the_parts_that_are_filled_already() -> None:
    texts = {"f": BAD, **PARTS, "x": [BAD, BAD, "f()"]}
    done = filled(BODY, texts, hole("f", kind="function", **SPLIT), hole("x"))
    assert [task.request.hole.prompt for task in done.tasks("x")] == [
        "def f():\n    ...\n\nx = ",
        "def f():\n    ...\n    ...\n    ...\n\nx = ",
        "def f():\n    a = 1\n    ...\n    ...\n\nx = ",
    ]


@pytest.mark.parametrize(
    ("kind", "part", "count"),
    [
        ("function", "block", 3),
        ("block", "statement", 2),
        ("statement", "expression", 2),
        ("unspecified", "statement", 2),
        ("module", "statement", 2),
        ("specification", "statement", 2),
    ],
)
def test_a_hole_is_split_by_its_kind(kind: str, part: str, count: int) -> None:
    texts = {"h": BAD, "h.1": "1", "h.2": "2", "h.3": "3"}
    done = filled(python_source("<<h>>\n"), texts, hole("h", kind=kind, **SPLIT))
    children = [one.task for one in done.ensemble.asked[1:]]
    assert [task.request.hole.spec.kind for task in children] == [part] * count
    assert done.report.complete


def test_an_expression_cannot_be_split() -> None:
    """P-07: nano failure = failed."""
    done = filled(python_source("x = <<h>>\n"), {"h": BAD}, hole("h", kind="expression", **SPLIT))
    (left,) = done.report.holes
    assert (str(left.status), left.tries) == ("failed", 1)
    assert left.reason.startswith("an expression cannot be split: confidence 0.20")


def test_a_part_that_gets_no_fill_fails_its_parent_and_blocks_the_parts_after_it() -> None:
    texts = {"h": BAD, "h.1": BAD, "h.1.1": BAD}
    done = filled(python_source("<<h>>\n"), texts, hole("h", kind="block", **SPLIT))
    assert done.statuses == {
        "h": "failed",
        "h.1": "failed",
        "h.1.1": "failed",
        "h.1.2": "blocked",
        "h.2": "blocked",
    }
    assert done.holes["h"].reason == "a part has no fill: 'h.1' ended as failed"
    assert done.text == "<<h>>\n"


def test_parts_of_parts_are_joined_from_the_inside_out() -> None:
    texts = {"h": BAD, "h.1": "a = 1", "h.2": BAD, "h.2.1": "b", "h.2.2": "c"}
    source = python_source("if a:\n  <<h>>\n")
    done = filled(source, texts, hole("h", kind="block", **SPLIT))
    assert done.holes["h.2"].fill == "b\n  c"
    assert done.text == "if a:\n  a = 1\n  b\n  c\n"
    assert done.report.complete
    assert done.tasks("h.2.2")[0].request.hole.prompt == "if a:\n  a = 1\n  b\n  "


def test_the_joined_fill_must_pass_the_required_checks_of_the_hole() -> None:
    """P-07: parts that are each good may still not be what was asked for."""
    one_line = Constraint("one_line", Regex("[^\\n]*"))
    no_eval = Constraint("no_eval", ForbiddenText(("eval",)))
    texts = {"h": BAD, "h.1": "a = 1", "h.2": "b = 2"}
    whole = hole("h", kind="block", constraints=(one_line, no_eval), **SPLIT)
    done = filled(python_source("<<h>>\n"), texts, whole)
    assert done.statuses == {"h": "failed", "h.1": "filled", "h.2": "filled"}
    assert done.holes["h"].reason == "its parts together failed a required check: one_line"
    assert done.text == "<<h>>\n"
    assert not done.report.complete
    kept = [constraint.name for constraint in done.tasks("h.1")[0].request.hole.constraints]
    assert kept == ["no_eval"]


def test_a_part_goes_where_the_security_of_its_whole_allows() -> None:
    secret = Constraint("secret", Regex("(?s).*"), security=True)
    capabilities = {"open": frozenset({Capability.HIGH_QUALITY})}
    capabilities["safe"] = frozenset({Capability.SECURITY_AWARE})
    texts = {"h": BAD, "h.1": "a = 1", "h.2": BAD, "h.2.1": "b", "h.2.2": "c"}
    done = refined(
        {"open": says("1"), "safe": writes(texts)},
        python_source("<<h>>\n"),
        [hole("h", kind="block", constraints=(secret,), **SPLIT)],
        settings={"capabilities": capabilities},
    )
    assert {name for _, name in done.asked} == {"safe"}
    assert done.report.complete


def test_an_id_that_a_part_may_get_is_refused() -> None:
    source = python_source("<<a>>\n<<a.1>>\n<<a.1.x>>\n")
    whole = hole("a", kind="block", **SPLIT)
    done = filled(source, {}, whole, hole("a.1"), hole("a.1.x"))
    assert [item.field for item in done.fault.violations] == ["holes[1].id", "holes[2].id"]
    never = hole("a", kind="expression", **SPLIT)
    texts = {"a": "1", "a.1": "2", "a.1.x": "3"}
    assert filled(source, texts, never, hole("a.1"), hole("a.1.x")).report.complete


def test_parts_that_have_no_round_left_fail() -> None:
    done = filled(
        BODY, {"f": BAD, **PARTS}, hole("f", kind="function", **SPLIT), hole("x", "f"),
        max_iterations=2,
    )  # fmt: skip
    assert done.statuses == {
        "f": "failed",
        "f.1": "filled",
        "f.2": "failed",
        "f.3": "blocked",
        "x": "blocked",
    }
    assert done.text == BODY.hole.prompt


def test_open_parts_show_their_markers_in_a_language_that_nobody_parses() -> None:
    source = Request(Hole("start\n<<h>>\nend\n", spec=HoleSpec(language="prose")), "r")
    long = Constraint("long", Regex("(?s)one.*"))
    texts = {"h": "two", "h.1": "one", "h.2": "two"}
    done = filled(source, texts, hole("h", kind="block", constraints=(long,), **SPLIT))
    assert done.tasks("h.1")[0].request.hole.suffix == "\n<<h.2>>\nend\n"
    assert done.text == "start\none\ntwo\nend\n"

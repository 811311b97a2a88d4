from __future__ import annotations

import pytest

from gateway.core.constraint import Constraint, ForbiddenText, Regex
from gateway.core.hole import Hole, HoleKind, HoleSpec
from gateway.core.refinement import HoleStatus, RefineOptions
from gateway.ensemble.refine.graph import MOST_CIRCLES, mistakes_in_graph, waves
from gateway.ensemble.refine.splitting import SECURITY, in_source, parts_of
from gateway.ensemble.refine.statuses import INITIAL, OPEN, TRANSITIONS, next_status, unfilled
from tests.fakes.refining import hole


def wrong(*holes) -> list[tuple[str, str]]:
    return [(one.field, one.description) for one in mistakes_in_graph(holes, RefineOptions())]


def test_waves_keep_the_order_of_the_request() -> None:
    holes = [hole("d", "b", "c", "c"), hole("c"), hole("b", "a"), hole("a")]
    assert wrong(*holes) == []
    assert waves(holes) == (("c", "a"), ("b",), ("d",))


def test_names_that_are_used_twice_or_unknown() -> None:
    assert wrong(hole("a", "a"), hole("b", "x"), hole("a", "b")) == [
        ("holes[2].id", "'a' is also the id of holes[0]; rename one"),
        ("holes[0].depends_on[0]", "a hole cannot depend on itself; drop it"),
        ("holes[1].depends_on[0]", "no hole has the id 'x'; name one of `holes`"),
    ]


def test_each_circle_is_named_once_at_its_first_hole() -> None:
    holes = [hole("b", "a"), hole("a", "b"), hole("x", "y", "a"), hole("y", "z"), hole("z", "x")]
    assert [words.split(";")[0] for _, words in wrong(*holes)] == [
        "the dependencies go in a circle: 'b' -> 'a' -> 'b'",
        "the dependencies go in a circle: 'x' -> 'y' -> 'z' -> 'x'",
    ]
    assert [field for field, _ in wrong(*holes)] == ["holes[0].depends_on", "holes[2].depends_on"]


def test_a_long_circle_is_told_in_few_words() -> None:
    names = [f"h{number}" for number in range(12)]
    holes = [hole(name, names[(place + 1) % 12]) for place, name in enumerate(names)]
    ((_, words),) = wrong(*holes)
    assert "'h7' -> 4 more -> 'h0'" in words


def test_only_so_many_circles_are_looked_for() -> None:
    holes = []
    for number in range(MOST_CIRCLES + 2):
        holes += [hole(f"a{number}", f"b{number}"), hole(f"b{number}", f"a{number}")]
    assert len(wrong(*holes)) == MOST_CIRCLES


def test_every_status_is_reached_and_those_that_are_no_longer_open_are_the_last() -> None:
    reached = {INITIAL, *(HoleStatus(line.target) for line in TRANSITIONS)}
    assert reached == set(HoleStatus)
    assert {HoleStatus(line.source) for line in TRANSITIONS} == OPEN
    assert [status for status in HoleStatus if unfilled(status)] == [
        HoleStatus.FAILED,
        HoleStatus.SKIPPED,
        HoleStatus.NEEDS_HUMAN,
        HoleStatus.BLOCKED,
    ]


def test_what_is_not_in_the_table_cannot_happen() -> None:
    assert next_status(HoleStatus.PENDING, "begin") is HoleStatus.IN_PROGRESS
    with pytest.raises(KeyError):
        next_status(HoleStatus.FILLED, "retry")


def test_parts_keep_what_holds_for_every_part() -> None:
    no_eval = Constraint("no_eval", ForbiddenText(("eval",)))
    secret = Constraint("secret", Regex("x"), security=True)
    spec = HoleSpec(kind=HoleKind.BLOCK, language="go", expected_type="int", grammar_ref="g")
    first, second = parts_of(hole("a", "z", spec=spec, constraints=(secret, no_eval)))
    assert (first.id, first.marker, first.depends_on) == ("a.1", "<<a.1>>", ())
    assert (second.id, second.depends_on) == ("a.2", ("a.1",))
    kept = HoleSpec(kind=HoleKind.STATEMENT, language="go", fill_constraints=(SECURITY,))
    assert (first.spec, first.constraints) == (kept, (no_eval,))
    assert in_source(first, Hole("", spec=HoleSpec(language="c")), security=True) == first

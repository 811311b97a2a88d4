"""Every mistake in a refinement is named at once, and costs no call."""

from __future__ import annotations

import pytest

from gateway.core.constraint import Constraint, ForbiddenText, JsonSchema, Regex
from gateway.core.endpoint import Capability
from gateway.core.faults import Kind, Origin, Reason
from gateway.core.hole import EndpointFilter, Hole, HoleSpec, Request, Strategy
from gateway.ensemble.refine import plan as planning
from tests.fakes.ensemble import says
from tests.fakes.refining import Refined, hole, python_source, refined, writes

SOURCE = python_source("a = <<a>>\nb = <<b>>\nc = <<c>>\n")
BROKEN = Constraint("broken", Regex("("))
NOTHING = Constraint("nothing", JsonSchema("false"))


def refused(request: Request, *holes, **more) -> Refined:
    done = refined({"e": says("1")}, request, holes, **more)
    assert done.asked == []
    assert done.events == []
    return done


def fields(done: Refined) -> list[str]:
    return [item.field for item in done.fault.violations]


def words(done: Refined) -> str:
    return done.fault.violations[0].description


def test_a_circle_of_dependencies_is_refused_up_front() -> None:
    """P-05 ✗: a cycle was only guessed at, when nothing was ready any more."""
    done = refused(SOURCE, hole("a", "c"), hole("b", "a"), hole("c", "b"))
    assert (done.fault.kind, done.fault.reason) == (Kind.INVALID, Reason.INVALID_FIELD)
    assert fields(done) == ["holes[0].depends_on"]
    assert words(done) == (
        "the dependencies go in a circle: 'a' -> 'c' -> 'b' -> 'a'; drop one of them"
    )


def test_all_mistakes_are_named_together() -> None:
    source = python_source(
        "a = <<a>>\nb = <<a>>\n", suffix="x", strategy=Strategy.PIPELINE, constraints=(BROKEN,)
    )
    done = refused(
        source,
        hole("a", "a", "zz"),
        hole("b", constraints=(BROKEN,)),
        hole("b", marker="b"),
        hole("c", marker=""),
    )
    assert fields(done) == [
        "holes[2].id",
        "holes[0].depends_on[0]",
        "holes[0].depends_on[1]",
        "holes[0].marker",
        "holes[1].marker",
        "holes[3].marker",
        "request.suffix",
        "request.strategy",
        "request.constraints[0].regex.pattern",
        "holes[1].constraints[0].regex.pattern",
    ]
    assert done.fault.reason is Reason.INVALID_FIELD
    assert done.fault.message.endswith("; and 7 more")


def test_a_broken_constraint_keeps_its_reason() -> None:
    done = refused(SOURCE, hole("a"), hole("b", constraints=(BROKEN,)))
    assert done.fault.reason is Reason.BROKEN_CONSTRAINT
    assert fields(done) == ["holes[1].constraints[0].regex.pattern"]


def test_what_nothing_can_meet_is_refused_before_any_call() -> None:
    marked = Constraint("marked", ForbiddenText(("x",)), feasible=False)
    done = refused(SOURCE, hole("a", constraints=(NOTHING,)), hole("b", constraints=(NOTHING,)))
    assert (done.fault.kind, done.fault.reason) == (Kind.INFEASIBLE, Reason.INFEASIBLE_CONSTRAINT)
    assert fields(done) == ["holes[0].constraints[0]", "holes[1].constraints[0]"]
    done = refused(SOURCE, hole("a"), hole("b", constraints=(marked,)))
    assert fields(done) == ["holes[1].constraints[0].feasible"]


def test_malformed_comes_before_infeasible() -> None:
    done = refused(SOURCE, hole("a", constraints=(NOTHING,)), hole("b", constraints=(BROKEN,)))
    assert (done.fault.kind, done.fault.reason) == (Kind.INVALID, Reason.BROKEN_CONSTRAINT)
    assert fields(done) == ["holes[1].constraints[0].regex.pattern"]


def test_an_empty_source_is_refused_by_its_name() -> None:
    done = refused(python_source(""), hole("a"))
    assert fields(done) == ["holes[0].marker", "request.prompt"]


def test_many_mistakes_are_counted_and_the_first_ones_named() -> None:
    holes = [hole("a", marker=f"<<m{number}>>") for number in range(90)]
    done = refused(SOURCE, *holes)
    assert len(done.fault.violations) == planning.MOST_TOLD
    assert done.fault.message.endswith("; and 176 more")


def test_a_hole_that_no_endpoint_may_fill_is_found_before_any_call() -> None:
    secret = Constraint("secret", ForbiddenText(("x",)), security=True)
    done = refused(SOURCE, hole("a"), hole("b", constraints=(secret,)))
    fault = done.fault
    assert (fault.kind, fault.origin) == (Kind.INFEASIBLE, Origin.US)
    assert fault.message.startswith("holes[1]: no endpoint is eligible: 'e' lacks security_aware")


def test_a_source_that_no_endpoint_may_see_is_refused() -> None:
    wanted = EndpointFilter(required_tags=frozenset({"local"}))
    done = refused(python_source("a = <<a>>\n", endpoint_filter=wanted), hole("a"))
    assert done.fault.message.startswith("request: no endpoint is eligible")


def test_every_hole_of_a_security_relevant_source_goes_where_the_source_may_go() -> None:
    secret = Constraint("secret", ForbiddenText(("zzz",)), security=True)
    source = python_source("a = <<a>>\n", constraints=(secret,))
    capabilities = {
        "open": frozenset({Capability.FAST_INFERENCE}),
        "safe": frozenset({Capability.SECURITY_AWARE}),
    }
    done = refined(
        {"open": says("1"), "safe": says("2")},
        source,
        [hole("a")],
        settings={"capabilities": capabilities},
    )
    assert done.asked == [("a", "safe")]
    assert done.answer.decision.chain == ("safe",)


@pytest.mark.parametrize("language", ["", "haskell"])
def test_a_hole_speaks_the_language_of_its_source_unless_it_names_one(language: str) -> None:
    source = Request(Hole("<<a>> <<b>>", spec=HoleSpec(language=language)), "r")
    other = hole("b", spec=HoleSpec(language="go"))
    done = refined({"e": says("1")}, source, [hole("a"), other])
    assert done.tasks("a")[0].request.hole.spec.language == language
    assert done.tasks("b")[0].request.hole.spec.language == "go"


def test_a_long_source_is_searched_by_a_worker_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MUCH_TO_SEARCH", 1)
    done = refined({"e": writes({"a": "1"})}, python_source("a = <<a>>\n"), [hole("a")])
    assert done.text == "a = 1\n"

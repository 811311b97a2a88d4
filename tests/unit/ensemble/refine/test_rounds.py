from __future__ import annotations

import pytest

from gateway.core.constraint import Constraint, ForbiddenText, Regex, VerdictStatus
from gateway.core.faults import Kind, Reason
from gateway.core.hole import Sampling, Strategy
from gateway.core.refinement import TEMPERATURES, RefineStarted
from tests.fakes.ensemble import fails, says
from tests.fakes.refining import BAD, hole, python_source, refined, writes

TWO = python_source("a = <<a>>\nb = <<b>>\n")
CHAIN = python_source("a = <<a>>\nb = <<b>>\nc = <<c>>\n")


def test_every_fill_is_written_into_the_text_that_is_returned() -> None:
    """P-08 ✗: the returned text was the input, its fills were written nowhere."""
    done = refined({"e": writes({"a": "1", "b": "2"})}, TWO, [hole("a"), hole("b")])
    assert done.text == "a = 1\nb = 2\n"
    assert done.report.complete
    assert done.statuses == {"a": "filled", "b": "filled"}


def test_a_fill_that_holds_a_marker_is_text_like_any_other() -> None:
    source = python_source("a = '<<a>>'\nb = '<<b>>'\n")
    done = refined({"e": writes({"a": "<<b>>", "b": "<<a>>"})}, source, [hole("a"), hole("b")])
    assert done.text == "a = '<<b>>'\nb = '<<a>>'\n"


def test_the_counters_count_holes_and_the_rounds_are_those_made() -> None:
    """P-08 ✗: failed fills counted attempts, and iterations were derived from attempts."""
    step = writes({"a": [BAD, BAD, "1"], "b": "2"})
    done = refined({"e": step}, TWO, [hole("a"), hole("b")])
    assert done.report.iterations == 3
    assert [(one.id, one.tries) for one in done.report.holes] == [("a", 3), ("b", 1)]
    assert done.progress[-1].filled == 2
    assert done.progress[-1].total == 2


def test_a_hole_is_tried_after_those_that_it_depends_on_and_sees_their_fills() -> None:
    holes = [hole("c", "b"), hole("b", "a"), hole("a")]
    done = refined({"e": writes({"a": "1", "b": "a", "c": "b"})}, CHAIN, holes)
    assert done.waves == [["a"], ["b"], ["c"]]
    assert [name for name, _ in done.asked] == ["a", "b", "c"]
    assert done.tasks("c")[0].request.hole.prompt == "a = 1\nb = a\nc = "
    assert done.report.iterations == 3
    assert [one.id for one in done.report.holes] == ["c", "b", "a"]


def test_models_see_a_stand_in_for_each_hole_that_is_open() -> None:
    done = refined({"e": writes({"a": "1", "b": "2"})}, TWO, [hole("a"), hole("b")])
    (first,), (second,) = done.tasks("a"), done.tasks("b")
    assert (first.request.hole.prompt, first.request.hole.suffix) == ("a = ", "\nb = ...\n")
    assert (second.request.hole.prompt, second.request.hole.suffix) == ("a = ...\nb = ", "\n")


def test_one_at_a_time_each_hole_sees_the_fills_before_it() -> None:
    done = refined({"e": writes({"a": "1", "b": "2"})}, TWO, [hole("b"), hole("a")], parallel=False)
    assert [name for name, _ in done.asked] == ["b", "a"]
    assert done.tasks("a")[0].request.hole.suffix == "\nb = 2\n"


def test_a_source_may_begin_with_a_hole() -> None:
    source = python_source("<<a>>\nb = 1\n")
    done = refined({"e": writes({"a": "import os"})}, source, [hole("a")])
    assert done.text == "import os\nb = 1\n"
    assert done.tasks("a")[0].request.hole.prompt == "\n"


def test_what_depends_on_a_hole_without_a_fill_is_blocked_and_the_run_ends_normally() -> None:
    """P-05 ✗: it was never tried and the run ended as if there were a cycle."""
    holes = [hole("a", on_failure="skip"), hole("b", "a"), hole("c", "b")]
    done = refined({"e": writes({"a": BAD})}, CHAIN, holes)
    assert done.statuses == {"a": "skipped", "b": "blocked", "c": "blocked"}
    assert done.holes["c"].reason == "depends on a hole without a fill: 'b' ended as blocked"
    assert done.holes["c"].tries == 0
    assert done.way("c") == ["blocked"]
    assert not done.report.complete
    assert done.text == CHAIN.hole.prompt


def test_a_hole_is_blocked_once_however_many_holes_before_it_have_no_fill() -> None:
    holes = [hole("a"), hole("b"), hole("c", "a", "b")]
    done = refined({"e": says(BAD)}, CHAIN, holes, on_failure="skip")
    assert done.way("c") == ["blocked"]
    assert done.report.iterations == 1


def test_a_hole_that_does_not_depend_on_the_lost_one_is_filled() -> None:
    holes = [hole("a", on_failure="skip"), hole("b", "a"), hole("c")]
    done = refined({"e": writes({"a": BAD, "c": "3"})}, CHAIN, holes)
    assert done.statuses == {"a": "skipped", "b": "blocked", "c": "filled"}
    assert done.text == "a = <<a>>\nb = <<b>>\nc = 3\n"


def test_another_try_asks_another_endpoint() -> None:
    """P-06 ✗: retry-alternate repeated the same route with only a lower temperature."""
    steps = {"x": says(BAD), "y": says("2"), "z": says("3")}
    source = python_source("a = <<a>>\n")
    done = refined(steps, source, [hole("a")], settings={"max_attempts": 1})
    assert done.asked == [("a", "x"), ("a", "y")]
    assert done.way("a") == ["in_progress", "pending", "in_progress", "filled"]
    assert done.holes["a"].endpoint == "y"
    assert done.holes["a"].temperature == TEMPERATURES[1]


def test_every_endpoint_that_failed_before_is_left_out() -> None:
    """P-06 ✗: not only the last one: the tries move along the chain."""
    steps = {"x": says(BAD), "y": fails(), "z": says("3")}
    source = python_source("a = <<a>>\n")
    done = refined(steps, source, [hole("a")], settings={"max_attempts": 1})
    assert [name for _, name in done.asked] == ["x", "y", "z"]


def test_when_every_endpoint_has_failed_all_may_be_asked_again() -> None:
    steps = {"x": writes({"a": [BAD, BAD, "1"]}), "y": says(BAD)}
    source = python_source("a = <<a>>\n")
    done = refined(steps, source, [hole("a")], settings={"max_attempts": 1})
    assert [name for _, name in done.asked] == ["x", "y", "x", "y", "x"]


def test_a_fill_that_is_not_trusted_enough_is_left_like_one_that_fails_a_check() -> None:
    source = python_source("a = <<a>>\n")
    steps = {"x": says("1", logprobs=(-0.7,)), "y": says("2")}
    done = refined(steps, source, [hole("a")])
    assert [name for _, name in done.asked] == ["x", "y"]
    (left, taken) = done.answer.attempts
    assert (str(left.status), left.reason) == ("rejected", Reason.CHECK_FAILED)
    assert left.detail == "confidence 0.50 is below 0.80"
    assert (str(taken.status), taken.part) == ("ok", "a")
    assert [one.hole.reason for one in done.progress] == ["", left.detail, left.detail, ""]


@pytest.mark.parametrize(
    ("temperatures", "expected"),
    [(TEMPERATURES, [0.9, 0.7, 0.5, 0.3, 0.1, 0.1]), ((), [0.7] * 6), ((0.2,), [0.2] * 6)],
)
def test_each_try_has_the_next_temperature(
    temperatures: tuple[float, ...], expected: list[float]
) -> None:
    """P-02: the index is clamped, and 0.7 stands in for an empty schedule."""
    source = python_source("a = <<a>>\n")
    done = refined(
        {"e": says(BAD)}, source, [hole("a")], max_iterations=6, temperatures=temperatures
    )
    assert [task.sampling.temperature for task in done.tasks("a")] == expected


def test_a_temperature_that_the_caller_fixed_stands() -> None:
    source = python_source("a = <<a>>\n", sampling=Sampling(temperature=0.0))
    done = refined({"e": writes({"a": [BAD, "1"]})}, source, [hole("a")])
    assert [task.sampling.temperature for task in done.tasks("a")] == [0.0, 0.0]


def test_a_hole_without_a_good_fill_fails_when_the_rounds_are_made() -> None:
    done = refined({"e": says(BAD)}, TWO, [hole("a"), hole("b", "a")], max_iterations=3)
    assert done.statuses == {"a": "failed", "b": "blocked"}
    assert (done.holes["a"].tries, done.report.iterations) == (3, 3)
    assert done.holes["a"].reason == (
        "not filled in 3 rounds; the last try: confidence 0.20 is below 0.80; failed: syntax"
    )
    assert done.holes["a"].fill == ""
    assert [str(one.status) for one in done.holes["a"].verdicts] == ["passed", "failed"]


def test_unless_the_caller_bounds_them_there_are_rounds_for_every_wave() -> None:
    names = [f"h{number}" for number in range(14)]
    source = python_source("".join(f"{name} = <<{name}>>\n" for name in names))
    holes = [hole(name, *before) for name, before in zip(names, [(), *zip(names)], strict=False)]
    done = refined({"e": says("1")}, source, holes)
    assert (done.report.complete, done.report.iterations) == (True, 14)
    bounded = refined({"e": says("1")}, source, holes, max_iterations=2)
    assert list(bounded.statuses.values())[:4] == ["filled", "filled", "failed", "blocked"]
    assert bounded.holes["h2"].reason == "not filled in 2 rounds"


def test_a_call_that_fails_is_a_failed_try() -> None:
    done = refined({"e": fails()}, TWO, [hole("a", on_failure="skip"), hole("b")], max_iterations=2)
    assert done.statuses == {"a": "skipped", "b": "failed"}
    assert done.holes["b"].tries == 2
    assert "no endpoint answered" in done.holes["a"].reason
    assert done.holes["a"].endpoint == ""


def test_repair_shows_the_next_try_what_was_wrong() -> None:
    source = python_source("a = <<a>>\n", repair=True)
    done = refined({"e": writes({"a": [BAD, "1"]})}, source, [hole("a")])
    first, second = done.tasks("a")
    assert (first.draft, second.operation) == (None, "repair")
    assert second.draft.text == BAD
    assert second.draft.issues[0].startswith("syntax: ")
    unsure = refined({"x": says("1", logprobs=(-0.7,)), "y": says("2")}, source, [hole("a")]).tasks(
        "a"
    )[1]
    assert unsure.draft.issues == ("confidence 0.50 is below 0.80",)


def test_a_hole_for_a_person_is_left_at_once_with_the_best_text_that_was_rejected() -> None:
    long = hole("a", on_failure="human_review")
    steps = {"x": says(BAD), "y": fails()}
    done = refined(steps, python_source("a = <<a>>\n"), [long])
    (left,) = done.report.holes
    assert (str(left.status), left.fill, left.tries) == ("needs_human", BAD, 1)
    assert done.text == "a = <<a>>\n"
    silent = refined({"x": fails()}, python_source("a = <<a>>\n"), [long])
    assert (str(silent.report.holes[0].status), silent.report.holes[0].fill) == ("needs_human", "")


def test_the_strategy_of_all_holes_is_that_of_the_options() -> None:
    done = refined({"e": says(BAD)}, TWO, [hole("a"), hole("b", "a")], on_failure="skip")
    assert done.statuses == {"a": "skipped", "b": "blocked"}


def test_each_hole_is_filled_as_the_request_says() -> None:
    """P-01: the backend is the ensemble, chosen for each request."""
    source = python_source("a = <<a>>\n", strategy=Strategy.BEST_OF_N, n=2)
    done = refined({"x": says(BAD), "y": says("1")}, source, [hole("a")])
    assert sorted(name for _, name in done.asked) == ["x", "y"]
    assert done.holes["a"].endpoint == "y"
    assert [one.endpoint for one in done.answer.candidates] == ["y"]


def test_the_final_text_is_checked_as_a_whole() -> None:
    two_lines = Constraint("two_lines", Regex("a = .*\nb = .*\n"))
    source = python_source("a = <<a>>\nb = <<b>>\n", constraints=(two_lines,))
    done = refined({"e": writes({"a": "1", "b": "2"})}, source, [hole("a"), hole("b")])
    verdicts = {one.constraint: one.status for one in done.answer.chosen.verdicts}
    assert verdicts == dict.fromkeys(("non_empty", "syntax", "two_lines"), VerdictStatus.PASSED)
    assert done.answer.chosen.method == "mean_of_holes"
    assert done.answer.chosen.confidence == pytest.approx(0.9)


def test_a_whole_that_fails_a_required_check_is_not_complete() -> None:
    one_only = Constraint("one_only", ForbiddenText(("b = 2",)))
    source = python_source("a = <<a>>\nb = <<b>>\n", constraints=(one_only,))
    done = refined({"e": writes({"a": "1", "b": "2"})}, source, [hole("a"), hole("b")])
    assert set(done.statuses.values()) == {"filled"}
    assert not done.report.complete


def test_a_whole_that_does_not_parse_is_not_complete() -> None:
    source = python_source("def f():\n<<a>>\n<<b>>\n")
    steps = {"e": writes({"a": "    return 1", "b": "      return 2"})}
    done = refined(steps, source, [hole("a"), hole("b")], min_confidence=0.0)
    assert set(done.statuses.values()) == {"filled"}
    assert not done.report.complete


def test_the_plan_comes_first_and_everything_else_in_order() -> None:
    done = refined({"e": writes({"a": "1", "b": "2"})}, TWO, [hole("a"), hole("b", "a")])
    assert isinstance(done.events[0], RefineStarted)
    told = [(one.hole.id, str(one.hole.status), one.iteration) for one in done.progress]
    assert told == [
        ("a", "in_progress", 1),
        ("a", "filled", 1),
        ("b", "in_progress", 2),
        ("b", "filled", 2),
    ]


def test_nobody_need_listen() -> None:
    done = refined({"e": writes({"a": "1", "b": "2"})}, TWO, [hole("a"), hole("b")], stream=False)
    assert (done.text, done.events) == ("a = 1\nb = 2\n", [])


def test_a_field_of_the_common_part_that_no_hole_can_follow_ends_the_run() -> None:
    source = python_source("a = <<a>>\n", strategy=Strategy.SEQUENTIAL, n=3)
    done = refined({"e": says("1")}, source, [hole("a")])
    assert (done.fault.kind, done.asked) == (Kind.INVALID, [])
    assert [item.field for item in done.fault.violations] == ["request.n"]

"""A row says what happened to a hole; the document says everything."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ensemble.v1 import feedback_service_pb2 as feedback
from ensemble.v1.decision_pb2 import RoutingDecision
from ensemble.v1.gateway_service_pb2 import (
    GenerateResponse,
    PipelineResult,
    RefinedHole,
    RefineResult,
    RouteResponse,
    StepNode,
)

from gateway.cli.demonstration.answers import Answer, Tried
from gateway.cli.demonstration.asking import Mode, Question
from gateway.cli.demonstration.document import document, print_document
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.learning import Learned, Move
from gateway.cli.demonstration.lessons import Lesson, Task
from gateway.cli.demonstration.performing import Report
from gateway.cli.demonstration.repeating import Repeated
from gateway.cli.demonstration.showing import fate, row, show
from gateway.cli.demonstration.steering import Steered
from gateway.cli.demonstration.totals import Checked
from gateway.cli.demonstration.verifying import Doctests
from gateway.cli.demonstration.works import Constrained, Works

SOURCE = "def f():\n    return 1\n"
HOLE = CutHole("sample", "f", Cut.LINE, SOURCE, 13, 21, 0, len(SOURCE), (2,))
ATTEMPTS = (
    *[Tried("fast", "failed", "UPSTREAM_UNAVAILABLE")] * 3,
    Tried("quality", "ok", ""),
)
ANSWER = Answer(
    Question(0, HOLE, Mode.STREAM, 0), 12.4, True, "return 1", "quality", "fast_match", ATTEMPTS,
    (("syntax", "passed"), ("rule", "unchecked"), ("non_empty", "passed")),
)  # fmt: skip
EXACT = Checked(ANSWER, parses=True)
BROKEN = Checked(replace(ANSWER, text="return (\n" * 9, after_kill=False), parses=False, examples=3)
ERROR = Checked(Answer(ANSWER.question, 5.0, False, error="ALL_ENDPOINTS_FAILED"), parses=False)
PASSES = Checked(
    replace(ANSWER, text="return 2"), parses=True, examples=3,
    doctests=Doctests(3, 0, frozenset()),
)  # fmt: skip
FAILS = replace(PASSES, doctests=Doctests(3, 1, frozenset()))
WORKS = Works(
    Constrained(None, "all 3 candidates failed a required check"),
    (HOLE,),
    RefineResult(
        holes=[RefinedHole(id="hole1", status="HOLE_STATUS_FILLED", fill="return 3")], complete=True
    ),
    PipelineResult(
        response={"text": "x"},
        steps=[StepNode(step="draft", kind="STEP_KIND_DRAFT", status="STEP_STATUS_OK", text="y")],
    ),
)
LEARNED = Learned(
    160,
    {(Task.NAME, "fast"): (65, 80), (Task.CONDITION, "fast"): (43, 80)},
    feedback.AnalyzeRoutingResponse(
        labelled=160, layers=[feedback.LayerReport(layer="knn", decided=54)]
    ),
    feedback.ProposeThresholdsResponse(
        set={"version": 2},
        layers=[
            feedback.LayerTuning(layer="knn", current=0.85, proposed=0.55, reason="good enough"),
            feedback.LayerTuning(layer="head", current=0.9, proposed=0.9, reason="100 more needed"),
        ],
        changed=True,
        head="a head was trained",
    ),
    feedback.EvaluatePolicyResponse(verdict="the policy is better than what was done"),
    feedback.ApplyThresholdsResponse(before={"version": 1}, after={"version": 2}),
    (
        Move(
            Lesson(Task.NAME, HOLE),
            RouteResponse(decision=RoutingDecision(primary="fast", detail="it is simple")),
            RouteResponse(
                decision=RoutingDecision(
                    primary="constrained", detail="knn chose it: 30 past; by the rules: simple"
                )
            ),
        ),
    ),
)
REPORT = Report(
    (EXACT, BROKEN, ERROR, PASSES), 4, 0, "fast", 1.0, 2.0, 0.5, ("too few",), WORKS, LEARNED,
    Steered(7, (), None, (), "gone"), Repeated(error="away"),
)  # fmt: skip


def test_a_row_has_hole_route_attempts_verdicts_doctests_and_time() -> None:
    assert row(EXACT) == (
        "sample f:2", "line", "stream", "quality", "fast_match", "fast failed x3, quality ok",
        "rule unchecked, 2 passed", "-", "12", "exact",
    )  # fmt: skip


def test_a_hole_without_an_answer_shows_its_error() -> None:
    assert row(ERROR)[3:] == ("-", "-", "-", "-", "-", "5", "ALL_ENDPOINTS_FAILED")
    lost = replace(ERROR, answer=replace(ERROR.answer, lost=True))
    assert fate(lost) == "LOST: ALL_ENDPOINTS_FAILED"


@pytest.mark.parametrize(
    ("checked", "word", "doctests"),
    [
        (EXACT, "exact", "-"),
        (PASSES, "passes", "3/3"),
        (FAILS, "fails", "2/3"),
        (replace(FAILS, doctests=None), "fails", "broke off"),
        (replace(PASSES, examples=0, doctests=None), "parses", "-"),
        (BROKEN, "broken", "not run"),
        (replace(BROKEN, answer=replace(ANSWER, text="")), "empty", "not run"),
    ],
)
def test_the_result_is_a_word(checked: Checked, word: str, doctests: str) -> None:
    assert fate(checked) == word
    assert row(checked)[7] == doctests


def test_the_tables_show_both_halves_totals_and_fills(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORT)
    printed = capsys.readouterr().out
    assert printed.index("Before the kill") < printed.index("ALL_ENDPOINTS_FAILED")
    assert "'fast' was killed" in printed
    assert "fallbacks from an endpoint that failed or is down" in printed
    assert "- return 1\n  + return 2" in printed
    assert "... 4 more lines" in printed
    assert "refused. all 3 candidates failed" in printed
    assert "complete" in printed
    assert "return 3" in printed
    assert "A batch of 7 small holes" in printed
    assert "FAILED: steering the batch broke off: gone" in printed
    assert "FAILED: repeating a request broke off: away" in printed


def test_each_candidate_is_shown_with_what_the_checks_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = {"constraint": "rule", "status": "VERDICT_STATUS_FAILED", "reason": "not so"}
    answer = GenerateResponse(
        text="a",
        endpoint="quality",
        verdicts=[{"constraint": "rule", "status": "VERDICT_STATUS_PASSED"}],
        candidates=[
            {"text": "a", "verdicts": [{"constraint": "rule", "status": "VERDICT_STATUS_PASSED"}]},
            {"text": "b" * 99, "verdicts": [wrong]},
        ],
    )
    show(replace(REPORT, works=replace(WORKS, constrained=Constrained(answer))))
    printed = capsys.readouterr().out
    assert "a (chosen)" in printed
    assert f"{'b' * 47}…: rule: not so" in printed


def test_what_was_learned_is_shown_with_why(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORT)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "name 65 of 80",
        "knn 54 0.85 0.55 good enough",
        "head 0 0.90 = 100 more needed",
        "head a head was trained",
        "judged by the log the policy is better than what was done",
        "applied version 2 in place of 1",
        "a name [return 1]",
        "before fast: it is simple",
        "now constrained: knn chose it: 30 past",
    ):
        assert line in lines, line


@pytest.mark.parametrize(
    ("changed", "words"),
    [(True, "nothing: the log says that it would do harm"),
     (False, "nothing: no change was proposed")],
)  # fmt: skip
def test_what_was_not_applied_is_said_with_the_reason(
    changed: bool, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    proposal = feedback.ProposeThresholdsResponse(changed=changed)
    learned = replace(LEARNED, proposal=proposal, applied=None, tally={})
    show(replace(REPORT, learned=learned))
    printed = capsys.readouterr().out
    assert words in printed
    assert "filled by nobody" in printed


def test_the_document_is_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_document(REPORT)
    read = json.loads(capsys.readouterr().out)
    assert read == document(REPORT)
    assert read["ok"] is False
    assert read["missing"] == ["too few"]
    assert read["totals"]["all"]["sent"] == 4
    assert read["totals"]["after"]["exact"] == 1
    assert read["holes"][0]["attempts"][0]["reason"] == "UPSTREAM_UNAVAILABLE"
    assert read["holes"][3]["doctests"] == {"examples": 3, "attempted": 3, "failed": 0}
    assert read["holes"][0]["doctests"] is None
    assert read["constrained"] is None
    assert read["refined"]["holes"][0]["fill"] == "return 3"
    assert read["pipeline"]["response"] == {"text": "x"}
    assert read["learning"]["accepted"][0] == {
        "task": "name", "endpoint": "fast", "accepted": 65, "fills": 80,
    }  # fmt: skip
    assert read["learning"]["moves"][0]["after"]["decision"]["primary"] == "constrained"
    assert read["learning"]["applied"]["after"]["version"] == "2"
    assert read["steering"]["sent"] == 7
    assert read["steering"]["rested"] is None
    assert read["repeating"]["later"] is None

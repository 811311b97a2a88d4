"""Counts say what happened; only what was promised can fail the demonstration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.cli.demonstration.answers import Answer, Tried
from gateway.cli.demonstration.asking import Mode, Question
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.totals import Checked, Totals, shortcomings
from gateway.cli.demonstration.verifying import Doctests

SOURCE = "def f():\n    return 1\n"
HOLE = CutHole("sample", "f", Cut.LINE, SOURCE, 13, 21, 0, len(SOURCE), (2,))
QUESTION = Question(0, HOLE, Mode.SEQUENTIAL, 0)
OK = Tried("fast", "ok", "")
DEAD = Tried("fast", "failed", "UPSTREAM_UNAVAILABLE")
RESCUED = Answer(QUESTION, 30.0, True, "return 1", "quality", "fast_match",
                 (DEAD, Tried("quality", "ok", "")))  # fmt: skip
EXACT = Answer(QUESTION, 10.0, False, "return 1", "fast", "fast_match", (OK,))
FAILED = Answer(QUESTION, 5.0, True, attempts=(DEAD,), error="ALL_ENDPOINTS_FAILED")
LOST = Answer(QUESTION, 5.0, False, error="ConnectionError", lost=True)
PASSED = Doctests(3, 0, frozenset({2}))


def checked(*answers: Answer) -> list[Checked]:
    return [Checked.of(answer, 0, None) for answer in answers]


def test_every_count_is_of_what_it_says() -> None:
    empty = replace(EXACT, text=" \n")
    other = replace(EXACT, text="return 2", ms=20.0)
    broken = replace(EXACT, text="return (", ms=40.0)
    totals = Totals.of(checked(EXACT, RESCUED, FAILED, LOST, empty, other, broken), 8)
    assert totals == Totals(
        sent=8, answered=5, typed_errors=1, lost=2, filled=4, exact=2, parses=3, with_doctests=0,
        doctests_passed=0, verified=3, fallbacks_after_a_failed_call=1,
        fallbacks_after_a_failed_check=0, p50_ms=20.0, p95_ms=pytest.approx(38.0),
    )  # fmt: skip


def test_no_answers_make_zeros() -> None:
    assert Totals.of([], 0).p95_ms == 0.0
    assert Totals.of(checked(EXACT), 1).p95_ms == 10.0


@pytest.mark.parametrize(
    ("doctests", "passes"),
    [
        (PASSED, True),
        (Doctests(3, 1, PASSED.lines), False),
        (Doctests(2, 0, PASSED.lines), False),
        (None, False),
    ],
)
def test_a_module_with_doctests_is_verified_by_all_of_them(
    doctests: Doctests | None, passes: bool
) -> None:
    one = Checked.of(EXACT, 3, doctests)
    assert one.parses
    assert one.passes is passes
    assert one.verified is passes


def test_without_doctests_parsing_verifies() -> None:
    assert Checked.of(EXACT, 0, None).verified
    assert not Checked.of(replace(EXACT, text="return ("), 0, None).verified
    assert not Checked.of(replace(EXACT, text=""), 0, None).verified


def test_a_check_that_failed_makes_a_sequence_move_on() -> None:
    rejected = (Tried("fast", "rejected", "CHECK_FAILED"), Tried("quality", "ok", ""))
    moved = replace(EXACT, endpoint="quality", attempts=rejected)
    assert moved.moved_on
    assert not moved.rescued_from
    assert not replace(moved, question=replace(QUESTION, mode=Mode.BEST_OF_N)).moved_on
    assert not EXACT.moved_on


def test_a_fallback_needs_an_answer_of_another_endpoint() -> None:
    assert RESCUED.rescued_from == {"fast"}
    assert not FAILED.rescued_from
    retried = replace(EXACT, attempts=(DEAD, OK))
    assert not retried.rescued_from


def test_a_good_run_lacks_nothing() -> None:
    assert shortcomings(checked(*[EXACT] * 20, *[RESCUED] * 20, FAILED), 41, "fast") == []


@pytest.mark.parametrize(
    ("answers", "sent", "why"),
    [
        ([RESCUED] * 39, 39, "39 holes were sent, fewer than 40"),
        ([RESCUED] * 40, 41, "1 requests were lost (no answer)"),
        ([*[RESCUED] * 40, LOST], 41, "1 requests were lost (ConnectionError)"),
        ([EXACT] * 40, 40, "no hole fell back from fast"),
        ([replace(RESCUED, after_kill=False)] * 40, 40, "no hole fell back from fast"),
        ([replace(RESCUED, text="")] * 40, 40, "no hole was filled"),
    ],
)
def test_each_broken_promise_is_named(answers: list[Answer], sent: int, why: str) -> None:
    [reason] = shortcomings(checked(*answers), sent, "fast")
    assert reason.startswith(why)

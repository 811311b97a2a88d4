"""What is known of the right choice."""

from __future__ import annotations

import pytest

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.labels import NO_LABEL, label_of
from tests.fakes.logged import event, reported, reviewed


def test_a_correction_names_the_right_endpoint_whatever_the_quality() -> None:
    report = OutcomeReport("d", "weak", quality=1.0, corrected_endpoint="strong")
    label = label_of(Reviewed(event("weak"), {"weak": report}))
    assert label.right == {"strong"}
    assert label.corrected == "strong"
    assert label.judge("strong") is True
    assert label.judge("weak") is False


def test_the_latest_correction_counts() -> None:
    reports = {
        "weak": OutcomeReport("d", "weak", at=20.0, corrected_endpoint="strong"),
        "strong": OutcomeReport("d", "strong", at=10.0, corrected_endpoint="weak"),
    }
    assert label_of(Reviewed(event(), reports)).right == {"strong"}


def test_of_several_answers_all_the_best_ones_are_right() -> None:
    label = label_of(reported({"weak": 0.9, "strong": 0.9, "odd": 0.6}))
    assert label.right == {"weak", "strong"}
    assert label.judge("odd") is False


def test_the_better_of_two_bad_answers_is_the_right_choice() -> None:
    assert label_of(reported({"weak": 0.1, "strong": 0.4})).right == {"strong"}


def test_answers_that_are_equally_bad_make_no_endpoint_right_and_each_wrong() -> None:
    label = label_of(reported({"weak": 0.0, "strong": 0.0}))
    assert label.right is None
    assert label.judge("weak") is False
    assert label.judge("other") is None


def test_the_chosen_endpoint_is_right_when_its_answer_is_good() -> None:
    label = label_of(reviewed("weak", 0.5))
    assert label.right == {"weak"}
    assert label.judge("weak") is True
    assert label.judge("strong") is False


def test_a_bad_answer_makes_its_endpoint_wrong_and_says_nothing_of_others() -> None:
    """U-04: the older tuner turned a false into a null, so that wrong outcomes were skipped."""
    label = label_of(reviewed("weak", 0.49))
    assert label.right is None
    assert label.judge("weak") is False
    assert label.judge("strong") is None


def test_what_good_means_may_be_said() -> None:
    assert label_of(reviewed("weak", 0.6), good_at=0.7).judge("weak") is False
    assert label_of(reviewed("weak", 0.4), good_at=0.3).judge("weak") is True


def test_an_answer_of_an_endpoint_that_was_not_chosen_is_judged_by_itself() -> None:
    label = label_of(reported({"strong": 1.0}, "weak"))
    assert label.right is None
    assert label.judge("strong") is True
    assert label.judge("weak") is None


@pytest.mark.parametrize(
    "report", [None, OutcomeReport("d", "weak", compiled=True), OutcomeReport("d", latency_s=1.0)]
)
def test_what_nobody_reported_stays_unknown(report: OutcomeReport | None) -> None:
    """O-06, L-12: a missing report or label counted as a success."""
    reports = {} if report is None else {"weak": report}
    label = label_of(Reviewed(event("weak"), reports))
    assert label.right is None
    assert label.judge("weak") is None


def test_a_request_for_clarification_is_neither_right_nor_wrong() -> None:
    """L-09: asking back was counted as a success with confidence 1."""
    label = label_of(reviewed("weak", 1.0, clarification=True))
    assert label is NO_LABEL
    assert label.judge("weak") is None


def test_no_endpoint_is_neither_right_nor_wrong() -> None:
    assert label_of(reviewed("weak", 1.0)).judge("") is None


def test_a_report_without_a_name_is_about_the_chosen_endpoint_unless_another_names_it() -> None:
    unnamed = OutcomeReport("d", quality=1.0)
    assert label_of(Reviewed(event("weak"), {"": unnamed})).qualities == {"weak": 1.0}
    named = OutcomeReport("d", "weak", quality=0.2)
    both = Reviewed(event("weak"), {"weak": named, "": unnamed})
    assert label_of(both).qualities == {"weak": 0.2}


def test_an_impossible_quality_is_none() -> None:
    assert label_of(reviewed("weak", float("nan"))).qualities == {}
    assert label_of(reviewed("weak", 7.0)).qualities == {}

"""What is told about a window of decisions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, LayerStatus, ThresholdSet
from gateway.learning.analysis import Analysis, analyze
from gateway.learning.intervals import UNKNOWN, Rate
from gateway.learning.layer_report import LayerReport
from gateway.learning.targets import Grade
from tests.fakes.calibrated import SPAN_S, draw_reviewed
from tests.fakes.cascades import decision, ran
from tests.fakes.logged import event, reported, reviewed

KEYWORD, SIMILARITY, KNN = LayerName.KEYWORD, LayerName.SIMILARITY, LayerName.KNN
PRESENT = ThresholdSet(3, ((KEYWORD, 0.8), (SIMILARITY, 0.7)))


def told(rows: Sequence[Reviewed]) -> Analysis:
    return analyze(rows, PRESENT, since=0.0, until=2000.0)


def layer(rows: Sequence[Reviewed], name: LayerName = SIMILARITY) -> LayerReport:
    return next(one for one in told(rows).layers if one.layer is name)


def grades(found: Analysis) -> dict[str, Grade]:
    return {one.name: one.grade for one in found.measures}


# Shares of all decisions


def test_of_no_decisions_everything_is_unknown() -> None:
    found = told([])
    assert found.decisions == 0
    assert found.shares.accuracy.share is None
    assert found.mean_elapsed_s is None
    assert set(grades(found).values()) == {Grade.UNKNOWN}
    assert found.alerts == ()
    assert found.layers[0].mean_confidence is None
    assert found.layers[0].mean_elapsed_s is None
    assert found.recommendations == (
        "report more outcomes: 0 are known, tuning needs 100 of each layer",
    )


def test_the_window_begins_with_its_first_second_and_ends_before_its_last() -> None:
    rows = [reviewed(at=float(at)) for at in (9, 10, 19, 20)]
    found = analyze(rows, PRESENT, since=10.0, until=20.0)
    assert found.decisions == 2
    assert (found.since, found.until, found.threshold_version) == (10.0, 20.0, 3)


def test_decisions_nobody_reported_on_are_neither_right_nor_wrong() -> None:
    """O-06: a missing outcome counted as a success."""
    rows = [reviewed("weak", 1.0), reviewed("weak", 0.0), *[reviewed("weak")] * 8]
    assert told(rows).shares.accuracy == Rate(1, 2)


def test_asking_back_is_no_success() -> None:
    """L-09: clarification was logged as a success of confidence 1: 100% accuracy."""
    asked = reviewed("", clarification=True, decided_by="clarify")
    found = told([asked, asked, reviewed("weak", 0.0)])
    assert found.shares.clarified == Rate(2, 3)
    assert found.shares.accuracy == Rate(0, 1)


def test_a_correction_is_counted_among_decisions_with_a_report() -> None:
    rows = [
        decision(right="strong", chosen="weak"),
        decision(right="weak", chosen="weak"),
        reviewed("weak", 1.0),
        reviewed("weak"),
    ]
    found = told(rows)
    assert found.shares.corrected == Rate(1, 3)
    assert found.shares.accuracy == Rate(2, 3)


def test_misrouted_is_a_bad_answer_where_another_endpoint_was_right() -> None:
    rows = [
        decision(right="strong", quality=0.1),
        decision(right="strong", quality=0.9),
        decision(right="strong"),
        reported({"weak": 0.2, "strong": 0.8}),
        reviewed("weak", 0.0),
        reviewed("weak", 1.0),
    ]
    assert told(rows).shares.misrouted == Rate(2, 6)


def test_the_time_of_a_decision_is_measured_not_summed_up_from_its_layers() -> None:
    """O-07: the total was the sum of the layers' times, and 0 for clarification."""
    rows = [
        decision(ran(SIMILARITY, 0.6, "weak", elapsed_s=0.5), elapsed_s=0.02),
        decision(clarification=True, elapsed_s=0.04),
    ]
    assert told(rows).mean_elapsed_s == pytest.approx(0.03)


# Layers


def test_each_layer_is_judged_by_what_it_proposed_itself() -> None:
    """U-06: each layer got the false positives of all layers, and the accuracy of all decisions."""
    row = decision(
        ran(KEYWORD, 0.5, "strong", threshold=0.8),
        ran(SIMILARITY, 0.9, "weak"),
        chosen="weak",
        right="strong",
    )
    keyword, similarity = told([row] * 10).layers
    assert (keyword.missed, keyword.false_positives) == (10, 0)
    assert keyword.accuracy == Rate(0, 0)
    assert keyword.proposed == Rate(10, 10)
    assert (similarity.missed, similarity.false_positives) == (0, 10)
    assert similarity.accuracy == Rate(0, 10)


def test_a_layer_is_judged_by_its_choice_even_if_another_endpoint_was_called() -> None:
    row = decision(ran(SIMILARITY, 0.9, "strong"), chosen="weak", quality=1.0)
    assert layer([row]).accuracy == Rate(0, 1)
    assert told([row]).shares.accuracy == Rate(1, 1)


@pytest.mark.parametrize("chosen", ["weak", "strong"])
def test_an_opportunity_was_missed_whether_or_not_the_decision_was_right(chosen: str) -> None:
    """O-03: an earlier layer that was right but not sure was never found if the route succeeded."""
    row = decision(
        ran(KEYWORD, 0.75, "strong", threshold=0.8),
        ran(SIMILARITY, 0.9, chosen),
        chosen=chosen,
        right="strong",
    )
    assert layer([row], KEYWORD).missed == 1


def test_shadow_runs_and_layers_that_declined_for_another_reason_missed_nothing() -> None:
    rows = [
        decision(ran(SIMILARITY, 0.6, "weak", shadow=True), right="weak"),
        decision(ran(SIMILARITY, 0.9, "weak", status=LayerStatus.DECLINED), right="weak"),
        decision(ran(SIMILARITY, 0.6, "weak", status=LayerStatus.LATE), right="weak"),
    ]
    found = layer(rows)
    assert found.missed == 0
    assert (found.attempts, found.shadows) == (2, 1)
    assert found.proposed == Rate(3, 3)


def test_wrong_decisions_just_above_the_threshold_are_told_apart() -> None:
    rows = [decision(ran(SIMILARITY, c, "weak"), right="strong") for c in (0.71, 0.74, 0.9)]
    found = layer(rows)
    assert (found.false_positives, found.close) == (3, 2)


def test_a_layer_decides_a_share_of_the_decisions_that_it_could_have_seen() -> None:
    """D-02: early layers were graded by their share of successes, which is meant to be low."""
    ruled = decision(ran(SIMILARITY, 0.9, "weak", shadow=True))
    skipped = decision(ran(SIMILARITY, 0.0, "", status=LayerStatus.SKIPPED))
    declined = decision(ran(SIMILARITY, 0.5, "weak"), chosen="weak", quality=1.0)
    decided = decision(ran(SIMILARITY, 0.9, "weak"), chosen="weak", quality=1.0)
    found = layer([ruled, skipped, declined, decided, decided])
    assert found.decided == Rate(2, 3)
    assert found.mean_confidence == pytest.approx((0.9 + 0.5 + 0.9 + 0.9) / 4)
    assert found.mean_elapsed_s == pytest.approx(0.01)
    accuracy, captured = found.grades
    assert (accuracy.name, accuracy.grade) == ("accuracy of similarity", Grade.GOOD)
    assert (captured.name, captured.grade) == ("decisions by similarity", Grade.GOOD)


def test_layers_without_a_threshold_are_left_out() -> None:
    assert [one.layer for one in told([]).layers] == [KEYWORD, SIMILARITY]


# Endpoints and tasks


def test_endpoints_tell_how_often_they_were_chosen_and_how_good_their_answers_were() -> None:
    rows = [
        reported({"weak": 0.5, "strong": 1.0}, "weak"),
        reviewed("weak", 1.0),
        reviewed("idle"),
        reviewed("", clarification=True),
    ]
    idle, strong, weak = told(rows).endpoints
    assert (idle.endpoint, idle.chosen, idle.quality.mean) == ("idle", 1, None)
    assert idle.quality.interval == UNKNOWN
    assert (strong.endpoint, strong.chosen, strong.quality.mean) == ("strong", 0, 1.0)
    assert (weak.chosen, weak.quality.mean, weak.quality.labelled) == (2, 0.75, 2)
    assert weak.quality.interval.low < 0.75 < weak.quality.interval.high


def test_kinds_of_task_are_told_apart() -> None:
    rows = [
        reviewed("weak", 1.0, task="write"),
        reviewed("weak", 0.0, task="repair"),
        reviewed("weak", task="repair"),
    ]
    repair, write = told(rows).tasks
    assert (repair.task, repair.decisions, repair.accuracy) == ("repair", 2, Rate(0, 1))
    assert (write.task, write.quality.mean, write.accuracy) == ("write", 1.0, Rate(1, 1))


# Alerts and recommendations


def test_a_share_beyond_its_target_is_an_alert_in_words() -> None:
    found = told([*[reviewed("weak", 1.0)] * 60, *[reviewed("weak", 0.0)] * 40])
    assert found.alerts == ("accuracy of decisions: 60.0% of 100, should be at least 95%",)
    assert grades(found)["accuracy of decisions"] is Grade.BAD


def test_a_few_cases_may_miss_the_target_but_do_not_alarm() -> None:
    found = told([reviewed("weak", 0.0), reviewed("weak", 1.0)])
    assert grades(found)["accuracy of decisions"] is Grade.WATCH


def test_many_corrections_and_slow_decisions_alarm() -> None:
    rows = [*[decision(right="strong", elapsed_s=0.25)] * 50, *[reviewed("weak", 1.0)] * 50]
    found = told(rows)
    assert grades(found)["decisions that were corrected"] is Grade.BAD
    assert grades(found)["mean time of a decision"] is Grade.WATCH
    assert "mean time of a decision: 125.0 ms of 100, should be at most 100 ms" in found.alerts
    assert grades(told(rows[:50]))["mean time of a decision"] is Grade.BAD
    assert grades(told(rows[50:]))["mean time of a decision"] is Grade.GOOD


def test_a_layer_that_is_surely_too_often_wrong_should_be_raised() -> None:
    wrong = [decision(ran(SIMILARITY, 0.72, "weak"), right="strong")] * 6
    right = [decision(ran(SIMILARITY, 0.9, "weak"), chosen="weak", right="weak")] * 5
    advice = told([*wrong, *right]).recommendations[0]
    assert advice == (
        "raise the threshold of similarity: similarity is right in 45.5% of 11 decisions, which is "
        "surely less than 88%, 6 just above the threshold"
    )
    sure = [decision(ran(SIMILARITY, 0.95, "weak"), right="strong")] * 6
    assert told(sure).recommendations[0].startswith("train similarity or change its topics: ")
    assert not any(words.startswith("raise") for words in told(wrong[:5]).recommendations)


def test_a_layer_that_is_right_below_its_threshold_and_above_should_be_lowered() -> None:
    missed = [decision(ran(SIMILARITY, 0.6, "weak"), right="weak")] * 6
    decided = [decision(ran(SIMILARITY, 0.9, "weak"), right="weak")] * 100
    (advice,) = told([*missed, *decided]).recommendations
    assert advice == (
        "lower the threshold of similarity: it was right 6 times below it, and is right in 100.0% "
        "of 100 decisions"
    )
    assert told([*missed[:5], *decided]).recommendations == ()


def test_a_sampled_week_of_a_good_router_meets_every_target() -> None:
    """N-09: accuracy > 95%, capture 30% and 40%, corrections and clarifications < 5%."""
    rows = draw_reviewed(np.random.default_rng(7), 4000)
    found = analyze(rows, DEFAULT_THRESHOLDS, since=0.0, until=SPAN_S)
    assert found.decisions == 4000
    assert set(grades(found).values()) == {Grade.GOOD}
    assert found.alerts == ()


def test_reports_that_tell_no_quality_leave_everything_unknown() -> None:
    row = Reviewed(event(), {"weak": OutcomeReport("d", "weak", compiled=True)})
    found = told([row])
    assert found.shares.accuracy == Rate(0, 0)
    assert found.shares.corrected == Rate(0, 1)


def test_what_callers_keep_on_correcting_is_proposed_as_a_topic() -> None:
    """X-21: a correction that is made three times is no accident."""
    again = OutcomeReport("", "weak", corrected_endpoint="strong")
    rows = [Reviewed(event("weak", task="sql", at=1.0), {"weak": again}) for _ in range(3)]
    (proposed,) = [words for words in told(rows).recommendations if "topic" in words]
    assert "give 'strong' requests of task 'sql'" in proposed
    assert not any("by a topic" in words for words in told(rows[:2]).recommendations)

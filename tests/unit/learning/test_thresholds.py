"""The tuner: what it takes for evidence, and where it moves a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.core.feedback import Reviewed
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, LayerStatus, ThresholdSet
from gateway.learning.evidence import evidence_of, runs_of
from gateway.learning.labels import label_of
from gateway.learning.thresholds import (
    DEFAULT_TUNER,
    LayerTuning,
    Move,
    TunerSettings,
    Tuning,
    operating_points,
    propose,
)
from tests.fakes.cascades import decision, ran
from tests.fakes.logged import reviewed

SIMILARITY = LayerName.SIMILARITY


def at(threshold: float, layer: LayerName = SIMILARITY) -> ThresholdSet:
    return ThresholdSet(4, ((layer, threshold),))


def said(
    confidence: float, *, right: bool, times: int = 1, threshold: float = 0.7, shadow: bool = False
) -> list[Reviewed]:
    """Decisions in which the layer proposed `weak`, and what would have been right."""
    record = ran(SIMILARITY, confidence, "weak", threshold=threshold, shadow=shadow)
    best = "weak" if right else "strong"
    return [decision(record, right=best)] * times


def sharp(edge: float, times: int = 40) -> list[Reviewed]:
    """Right from `edge` on, wrong below it: `times` proposals each .01 from .45 to .99."""
    return [
        row
        for hundredth in range(45, 100)
        for row in said(hundredth / 100, right=hundredth / 100 >= edge, times=times)
    ]


def only(tuning: Tuning) -> LayerTuning:
    (layer,) = tuning.layers
    return layer


def tune(rows: Sequence[Reviewed], threshold: float, **settings: float) -> LayerTuning:
    return only(propose(rows, at(threshold), TunerSettings(**settings)))


# Where it moves


def test_the_optimum_is_the_lowest_threshold_that_is_surely_accurate_enough() -> None:
    found = tune(sharp(0.75), 0.7)
    assert found.optimum is not None
    assert found.optimum.threshold == 0.73
    assert found.optimum.bound >= 0.88
    assert found.optimum.precision == pytest.approx(25 / 27)
    assert found.optimum.coverage == pytest.approx(27 / 55)
    points = operating_points(_evidence(sharp(0.75)), 0.0, DEFAULT_TUNER)
    assert all(not point.reaches(0.88) for point in points if point.threshold < 0.73)


def test_a_threshold_moves_by_a_step_at_most() -> None:
    raised = propose(sharp(0.9), at(0.6))
    assert only(raised).move is Move.RAISED
    assert raised.thresholds == ThresholdSet(5, ((SIMILARITY, 0.65),))
    assert raised.changed
    assert raised.words == "change similarity 0.60 to 0.65"
    lowered = propose(sharp(0.55), at(0.8))
    assert only(lowered).move is Move.LOWERED
    assert lowered.thresholds.of(SIMILARITY) == 0.75


def test_a_full_step_is_not_taken_when_less_is_missing() -> None:
    """U-04: the older tuner took the full step even when 0.02 away, and so went past."""
    assert tune(sharp(0.75), 0.70).proposed.threshold == 0.73
    assert tune(sharp(0.75), 0.76).proposed.threshold == 0.73


@pytest.mark.parametrize("threshold", [0.73, 0.72, 0.74])
def test_within_the_dead_band_nothing_changes(threshold: float) -> None:
    present = at(threshold)
    found = propose(sharp(0.75), present)
    assert found.thresholds is present
    assert not found.changed
    assert found.words == "nothing is to be changed"
    assert only(found).move is Move.KEPT
    assert only(found).reason.endswith(f"{threshold:.2f} is close enough")


def test_what_is_exactly_at_the_dead_band_moves() -> None:
    assert tune(sharp(0.75), 0.75).proposed.threshold == 0.73


def test_thresholds_stay_within_their_bounds() -> None:
    assert tune(sharp(0.45), 0.52).proposed.threshold == 0.5
    assert tune(sharp(0.75), 0.7, lowest=0.5, highest=0.72).optimum is None
    outside = said(0.99, right=True, times=200, threshold=1.0)
    assert tune(outside, 1.0).proposed.threshold == 0.95
    below = [*sharp(0.75), *said(0.3, right=False, times=50)]
    assert tune(below, 0.3).proposed.threshold == 0.5


def test_the_grid_ends_at_its_bound() -> None:
    points = operating_points(_evidence([]), 0.0, TunerSettings(lowest=0.505, highest=0.95))
    assert points[0].threshold == 0.505
    assert points[-1].threshold == 0.945


def test_clarification_and_layers_without_a_threshold_are_never_tuned() -> None:
    present = ThresholdSet(1, ((SIMILARITY, 0.7), (LayerName.CLARIFY, 1.0), (LayerName.SHAPE, 0.6)))
    found = propose(sharp(0.9), present)
    assert [one.layer for one in found.layers] == [SIMILARITY]
    assert found.thresholds.of(LayerName.CLARIFY) == 1.0
    assert found.thresholds.of(LayerName.SHAPE) == 0.6


# What it takes


def test_less_than_a_hundred_outcomes_change_nothing() -> None:
    found = tune(said(0.72, right=False, times=99), 0.7)
    assert found.move is Move.UNDECIDED
    assert found.labelled == 99
    assert found.reason == "not enough known outcomes: 99, 1 more needed"


def test_less_than_twenty_near_the_threshold_change_nothing() -> None:
    rows = [*said(0.9, right=True, times=300), *said(0.75, right=True, times=19)]
    found = tune(rows, 0.7)
    assert found.move is Move.UNDECIDED
    assert found.near == 19
    assert found.reason == "not enough known outcomes within 0.05 of 0.70: 19, 1 more needed"


def test_a_threshold_does_not_wander_where_no_confidence_ever_was() -> None:
    rows = said(0.86, right=True, times=500)
    thresholds = at(0.85)
    for _ in range(10):
        thresholds = propose(rows, thresholds).thresholds
    assert thresholds.of(SIMILARITY) == 0.8


def test_unknown_outcomes_are_no_samples() -> None:
    """O-06: what nobody reported counted as right."""
    unknown = [reviewed(layers=(ran(SIMILARITY, 0.72, "weak"),))] * 500
    assert tune(unknown, 0.7).labelled == 0


def test_requests_for_clarification_are_no_samples() -> None:
    """L-09: asking back counted as a success of full confidence."""
    record = ran(SIMILARITY, 0.6, "weak")
    asked = [decision(record, quality=1.0, clarification=True, decided_by="clarify")] * 500
    assert tune(asked, 0.7).labelled == 0


def test_layers_that_did_not_run_or_proposed_nothing_are_no_samples() -> None:
    rows = [
        decision(ran(SIMILARITY, 0.72, "weak", status=LayerStatus.SKIPPED), right="weak"),
        decision(ran(SIMILARITY, 0.0, "", status=LayerStatus.ABSTAINED), right="weak"),
    ] * 200
    found = tune(rows, 0.7)
    assert found.labelled == 0
    assert found.current.precision is None
    assert found.current.latency_s == pytest.approx(0.01)


def test_no_threshold_scores_like_another() -> None:
    """U-02: (TP + TN) / N, with TN the right ones below, is the share right for every threshold."""
    rows = [*sharp(0.75, times=20), *said(0.9, right=False, times=30)]
    runs = runs_of((row, label_of(row)) for row in rows)[SIMILARITY]
    grid = [one / 100 for one in range(50, 96, 5)]
    older = {
        sum(bool(right) for record, right in runs if record.confidence >= threshold)
        + sum(bool(right) for record, right in runs if record.confidence < threshold)
        for threshold in grid
    }
    assert len(older) == 1  # the first of the grid, 0.50, won each time
    points = operating_points(_evidence(rows), 0.0, DEFAULT_TUNER)
    assert len({point.bound for point in points}) == len(points)
    assert tune(rows, 0.6).move is Move.RAISED


def test_answers_below_the_threshold_are_known_from_layers_that_did_not_decide() -> None:
    """U-03: samples were only what the layer decided, so that nothing was known below."""
    decided = [row for c in (72, 76, 80, 84) for row in said(c / 100, right=True, times=60)]
    assert tune(decided, 0.7).move is Move.LOWERED
    wrong = said(0.68, right=False, times=60)
    shadows = said(0.66, right=False, times=60, shadow=True)
    found = tune([*decided, *wrong, *shadows], 0.7)
    assert found.move is Move.KEPT
    assert found.labelled == 360
    assert found.optimum is not None
    assert found.optimum.threshold == 0.69


def test_a_layer_is_judged_by_its_own_proposal() -> None:
    """U-06: the outcome of the decision was credited to layers that proposed another endpoint."""
    other = ran(LayerName.KNN, 0.95, "strong", threshold=0.85)
    rows = [decision(ran(SIMILARITY, 0.69, "weak"), other, chosen="strong", quality=1.0)] * 200
    present = ThresholdSet(1, ((SIMILARITY, 0.7), (LayerName.KNN, 0.85)))
    similarity, knn = propose(rows, present).layers
    assert similarity.optimum is None
    assert operating_points(_evidence(rows), 0.0, DEFAULT_TUNER)[0].precision == 0.0
    assert knn.current.precision == 1.0


def test_below_proposals_of_unknown_outcome_the_known_ones_stand_for_them() -> None:
    """Asking back hides most of what a last layer said below its threshold."""
    hidden = [
        decision(ran(SIMILARITY, 0.68, "weak"), clarification=True, decided_by="clarify")
    ] * 400
    rows = [
        *said(0.8, right=True, times=200),
        *said(0.68, right=True, times=5, shadow=True),
        *said(0.68, right=False, times=35, shadow=True),
    ]
    few = operating_points(_evidence(rows), 0.0, DEFAULT_TUNER)[0]
    assert few.precision == pytest.approx(205 / 240)
    all_of_them = operating_points(_evidence([*rows, *hidden]), 0.0, DEFAULT_TUNER)[0]
    assert all_of_them.precision == pytest.approx((200 + 440 / 8) / 640)
    assert all_of_them.ceiling - all_of_them.bound > few.ceiling - few.bound


def test_where_nothing_is_known_below_the_threshold_it_is_not_lowered() -> None:
    """U-03: what is known above the threshold says nothing of what is below."""
    hidden = [decision(ran(SIMILARITY, c / 100, "weak"), clarification=True) for c in (40, 64, 69)]
    above = said(0.72, right=True, times=300)
    assert tune([*above, *hidden], 0.7).move is Move.KEPT
    some = said(0.67, right=True, times=2, shadow=True)
    assert tune([*above, *hidden, *some], 0.7).proposed.threshold == 0.65
    assert tune(above, 0.7).proposed.threshold == 0.65


def test_easy_requests_in_shadow_do_not_hide_that_own_decisions_are_wrong() -> None:
    easy = said(0.72, right=True, times=1000, shadow=True)
    hard = [*said(0.72, right=True, times=50), *said(0.72, right=False, times=50)]
    found = tune([*easy, *hard, *said(0.9, right=True, times=300)], 0.7)
    assert found.current.bound >= 0.88
    assert found.current.own_ceiling >= 0.88
    worse = tune([*easy, *hard, *said(0.9, right=True, times=100)], 0.7)
    assert worse.current.bound >= 0.88
    assert worse.current.own_ceiling < 0.88
    assert worse.move is Move.RAISED


# Without a threshold that is proven


def test_what_is_not_refuted_stays_until_more_is_known() -> None:
    found = tune([*said(0.72, right=True, times=95), *said(0.72, right=False, times=10)], 0.7)
    assert found.optimum is None
    assert found.move is Move.UNDECIDED
    assert found.reason.endswith("the present one may have it: more outcomes needed")


def test_what_is_refuted_is_raised_to_the_highest_at_last() -> None:
    rows = [row for c in range(45, 100) for row in said(c / 100, right=c % 2 == 0, times=10)]
    found = tune(rows, 0.7)
    assert found.optimum is None
    assert found.proposed.threshold == 0.75
    assert found.move is Move.RAISED
    at_last = tune(rows, 0.95)
    assert at_last.move is Move.KEPT
    assert at_last.reason.endswith("there is none higher: train the layer or switch it off")


# What it reports


def test_the_expected_time_is_that_of_the_layer_and_of_those_after_it() -> None:
    rows = [
        decision(ran(SIMILARITY, 0.8, "weak", elapsed_s=0.02), right="weak"),
        decision(
            ran(SIMILARITY, 0.6, "weak", elapsed_s=0.04),
            ran(LayerName.KNN, 0.9, "weak", threshold=0.85, elapsed_s=0.1),
            right="weak",
        ),
    ]
    present = ThresholdSet(1, ((SIMILARITY, 0.7), (LayerName.KNN, 0.85), (LayerName.HEAD, 0.9)))
    similarity, knn, head = propose(rows, present).layers
    assert head.current.latency_s is None
    assert head.current.coverage == 0.0
    assert knn.current.latency_s == pytest.approx(0.1)
    assert similarity.current.latency_s == pytest.approx(0.03 + 0.5 * 0.1)


def test_without_rows_nothing_is_proposed() -> None:
    found = propose([], DEFAULT_THRESHOLDS)
    assert found.thresholds is DEFAULT_THRESHOLDS
    assert [one.move for one in found.layers] == [Move.UNDECIDED] * 4


def _evidence(rows: Sequence[Reviewed]):
    runs = runs_of((row, label_of(row)) for row in rows)
    return evidence_of(runs[SIMILARITY], 0.7, DEFAULT_TUNER.step)

"""Drawn decisions follow the calibration that they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, LayerStatus
from gateway.learning.evidence import runs_of
from gateway.learning.labels import label_of
from tests.fakes.calibrated import SPAN_S, Calibration, draw_reviewed, true_threshold

LINE = Calibration(((0.0, 0.0), (1.0, 1.0)), (1.0,))
BENT = Calibration(((0.4, 0.1), (0.6, 0.5), (1.0, 1.0)), (0.25, 0.75))


def test_the_precision_of_a_straight_line_is_half_way_to_its_end() -> None:
    assert LINE.precision(0.5) == pytest.approx(0.75)
    assert LINE.precision(0.0) == pytest.approx(0.5)
    assert LINE.precision(1.0) == 1.0


def test_the_true_threshold_is_where_the_precision_is_the_target() -> None:
    assert true_threshold(LINE, 0.88) == pytest.approx(0.76)
    assert true_threshold(LINE, 0.6) == 0.5
    assert true_threshold(LINE, 0.99) is None
    found = true_threshold(BENT, 0.7)
    assert found is not None
    assert BENT.precision(found) == pytest.approx(0.7)


def test_the_precision_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(3)
    confidences = BENT.draw(rng, 200_000)
    assert confidences.min() >= 0.4
    assert np.mean(confidences < 0.6) == pytest.approx(0.25, abs=0.005)
    right = rng.random(200_000) < BENT.right(confidences)
    for threshold in (0.4, 0.55, 0.6, 0.8):
        mean = right[confidences >= threshold].mean()
        assert mean == pytest.approx(BENT.precision(threshold), abs=0.01)


@pytest.mark.parametrize(
    ("points", "masses", "words"),
    [
        (((0.0, 0.0),), (), "two points"),
        (((0.0, 0.0), (1.0, 1.0)), (0.5, 0.5), "a mass between"),
        (((0.5, 0.0), (0.5, 1.0)), (1.0,), "must rise"),
        (((0.0, 0.9), (1.0, 0.1)), (1.0,), "must rise"),
        (((0.0, 0.0), (1.0, 1.0)), (0.9,), "1 together"),
        (((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)), (0.0, 1.0), "above 0"),
    ],
)
def test_a_calibration_without_an_exact_answer_is_refused(points, masses, words) -> None:
    with pytest.raises(ValueError, match=words):
        Calibration(points, masses)


def test_the_same_seed_draws_the_same_decisions() -> None:
    first, second = (draw_reviewed(np.random.default_rng(5), 50) for _ in range(2))
    assert [row.event.decision_id for row in first] == [row.event.decision_id for row in second]
    assert [row.event.layers for row in first] == [row.event.layers for row in second]
    assert [row.reports for row in first] == [row.reports for row in second]


def test_outcomes_follow_confidence() -> None:
    """O-11: mix, errors and feedback were drawn independently of confidence."""
    rows = draw_reviewed(np.random.default_rng(1), 6000)
    for layer, runs in runs_of((row, label_of(row)) for row in rows).items():
        low = [right for record, right in runs if record.confidence < 0.5 and right is not None]
        high = [right for record, right in runs if record.confidence > 0.9 and right is not None]
        assert not low or np.mean(high) - np.mean(low) > 0.3, layer


def test_the_first_layer_that_is_sure_decides_and_some_of_the_others_run_as_shadows() -> None:
    rows = draw_reviewed(np.random.default_rng(2), 500, shadow_share=0.5, until=1e9)
    assert 1e9 - SPAN_S <= rows[0].event.at < rows[-1].event.at < 1e9
    shadows = 0
    for row in rows:
        decided = [one for one in row.event.layers if one.status is LayerStatus.DECIDED]
        assert len(decided) == (0 if row.event.clarification else 1)
        for record in decided:
            assert record.endpoint == row.event.chosen
            assert record.confidence >= record.threshold == DEFAULT_THRESHOLDS.of(record.layer)
        after = [one for one in row.event.layers if one.shadow]
        shadows += bool(after)
        assert not any(one.status is LayerStatus.DECIDED for one in after)
    assert 0.2 < shadows / len(rows) < 0.5


def test_requests_for_clarification_and_a_share_of_the_others_have_no_report() -> None:
    rows = draw_reviewed(np.random.default_rng(4), 1000, labelled=0.5)
    asked = [row for row in rows if row.event.clarification]
    assert asked
    assert not any(row.reports or row.event.chosen for row in asked)
    assert 0.4 < sum(bool(row.reports) for row in rows) / len(rows) < 0.6


def test_a_layer_without_a_calibration_is_not_there() -> None:
    rows = draw_reviewed(np.random.default_rng(4), 20, {LayerName.KNN: LINE})
    assert all([one.layer for one in row.event.layers] == [LayerName.KNN] for row in rows)
    assert draw_reviewed(np.random.default_rng(4), 0) == []

"""How far confidences are from what came out."""

from __future__ import annotations

import pytest

from gateway.learning.calibration import Bin, brier, expected_calibration_error, reliability


def test_a_router_that_is_sure_and_right_has_no_error() -> None:
    outcomes = [(1.0, True), (0.0, False)]
    assert brier(outcomes) == 0.0
    assert expected_calibration_error(outcomes) == 0.0


def test_the_brier_score_is_the_mean_squared_distance() -> None:
    assert brier([(0.8, True), (0.4, False)]) == pytest.approx((0.04 + 0.16) / 2)


def test_the_calibration_error_weighs_stretches_by_their_outcomes() -> None:
    outcomes = [(0.9, True), (0.9, True), (0.9, False), (0.2, False)]
    expected = (3 * abs(0.9 - 2 / 3) + 0.2) / 4
    assert expected_calibration_error(outcomes) == pytest.approx(expected)


def test_the_table_leaves_out_empty_stretches_and_keeps_a_confidence_of_1() -> None:
    table = reliability([(1.0, True), (0.96, False), (0.1, False)], bins=5)
    assert table == (Bin(0.0, 1, 0.1, 0.0), Bin(0.8, 2, 0.98, 0.5))


def test_nothing_is_known_of_no_outcome() -> None:
    assert brier([]) is None
    assert expected_calibration_error([]) is None
    assert reliability([]) == ()

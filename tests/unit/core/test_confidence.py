"""The probability that a chosen endpoint does at least as well as any other."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.confidence import UNFITTED, Confidence


def qualities(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_before_any_fit_outcomes_count_as_independent() -> None:
    # It is beaten when it fails (.2) and one of the others does not (1 - .5 x .5).
    assert UNFITTED.of(qualities(0.8, 0.5, 0.5), 0) == pytest.approx(1 - 0.2 * 0.75)


def test_the_confidence_is_that_of_the_chosen_one() -> None:
    both = qualities(0.9, 0.3)
    assert UNFITTED.of(both, 0) == pytest.approx(1 - 0.1 * 0.3)
    assert UNFITTED.of(both, 1) == pytest.approx(1 - 0.7 * 0.9)


def test_no_prediction_makes_it_certain() -> None:
    assert 0.99 < UNFITTED.of(qualities(1.0, 0.0), 0) < 1.0
    assert 0.0 < UNFITTED.of(qualities(0.0, 1.0), 0) < 0.05
    assert 0.99 < UNFITTED.of(qualities(1.0), 0) < 1.0


def test_a_fit_moves_and_stretches_the_log_odds() -> None:
    even = qualities(0.5, 0.5)
    odds = 0.75 / 0.25
    assert Confidence(bias=1.0, slope=0.0, fitted=9).of(even, 0) == pytest.approx(0.731, abs=1e-3)
    assert Confidence(bias=0.0, slope=2.0, fitted=9).of(even, 0) == pytest.approx(
        odds**2 / (1 + odds**2)
    )

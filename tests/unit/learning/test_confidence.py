"""Fitting of confidences."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.confidence import UNFITTED
from gateway.learning.confidence import fit_confidence
from gateway.learning.observed import Observed
from tests.fakes.past import asked


def observed(scores: np.ndarray, known: np.ndarray | None = None) -> Observed:
    features = tuple(asked("") for _ in scores)
    return Observed(features, ("a", "b"), scores, np.ones_like(scores) if known is None else known)


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Qualities, and right-or-wrong outcomes that are right with these chances."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(0.05, 0.95, (count, 2)).astype(np.float32)
    return quality, (rng.random((count, 2)) < quality).astype(np.float32)


def test_independent_outcomes_leave_it_as_it_was() -> None:
    quality, scores = drawn(4_000)
    fitted = fit_confidence(quality, observed(scores))
    assert (fitted.bias, fitted.slope) == pytest.approx((0.0, 1.0), abs=0.25)
    assert fitted.fitted == 4_000


def test_a_confidence_of_nine_tenths_is_right_nine_times_of_ten() -> None:
    """Regression of L-11: capped sums of scores, no probabilities; predictions here are flat."""
    quality, scores = drawn(6_000, seed=1)
    flat = (0.5 + (quality - 0.5) / 3).astype(np.float32)
    fitted = fit_confidence(flat[:3_000], observed(scores[:3_000]))
    best = flat.argmax(axis=1)
    sure = np.array([fitted.of(row, int(at)) for row, at in zip(flat, best, strict=True)])
    hits = scores[np.arange(len(scores)), best] >= scores.max(axis=1)
    for low, high in ((0.75, 0.85), (0.85, 0.95), (0.95, 1.0)):
        among = (sure[3_000:] >= low) & (sure[3_000:] < high)
        assert hits[3_000:][among].mean() == pytest.approx(sure[3_000:][among].mean(), abs=0.04)


def test_rows_with_one_outcome_do_not_count() -> None:
    """Regression of L-12: a missing label counted as success."""
    quality, scores = drawn(50)
    known = np.zeros_like(scores)
    known[:, 0] = 1.0
    assert fit_confidence(quality, observed(scores, known)) == UNFITTED


def test_only_endpoints_with_an_outcome_are_compared() -> None:
    scores = np.array([[0.0, 1.0, 0.0]] * 20, np.float32)
    known = np.ones_like(scores)
    quality = np.array([[0.9, 0.1, 0.2]] * 20, np.float32)
    features = (asked(""),) * 20
    beaten = fit_confidence(quality, Observed(features, ("a", "b", "c"), scores, known))
    known[:, 1] = scores[:, 1] = 0.0
    alone = fit_confidence(quality, Observed(features, ("a", "b", "c"), scores, known))
    assert beaten.fitted == alone.fitted == 20
    assert beaten.of(quality[0], 0) < 0.5
    assert alone.of(quality[0], 0) > 0.9


def test_predictions_that_mislead_only_tell_how_often_they_hit() -> None:
    quality, scores = drawn(2_000, seed=2)
    wrong = (1.0 - quality).astype(np.float32)
    fitted = fit_confidence(wrong, observed(scores))
    best = wrong.argmax(axis=1)
    hits = float((scores[np.arange(len(scores)), best] >= scores.max(axis=1)).mean())
    assert fitted.slope == 0.0
    assert fitted.of(wrong[0], 0) == pytest.approx(hits, abs=0.01)

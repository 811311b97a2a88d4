"""The tuner finds the thresholds that a known calibration has, and stays there (U-05, O-11)."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.matching import LayerName, ThresholdSet
from gateway.learning.thresholds import DEFAULT_TUNER, TUNED, propose
from tests.fakes.calibrated import Calibration, draw_reviewed, true_threshold

ROUNDS, BY_THEN, DECISIONS = 40, 12, 2000
"""From one end to the other it is nine steps; the rest is for staying."""


def steep(edge: float, top: float) -> Calibration:
    """A layer that is mostly wrong below `edge` and right from there on; ends at `top`, then 1."""
    points = ((0.3, 0.1), (edge - 0.05, 0.2), (edge + 0.05, top), (1.0, 1.0))
    return Calibration(points, (0.35, 0.25, 0.4))


CALIBRATIONS = {
    LayerName.KEYWORD: steep(0.75, 0.93),
    LayerName.SIMILARITY: steep(0.70, 0.97),
    LayerName.KNN: steep(0.75, 0.99),
    LayerName.HEAD: steep(0.70, 1.0),
}


@pytest.mark.parametrize(("seed", "start"), [(0, 0.5), (1, 0.95), (2, 0.7)])
def test_thresholds_come_within_a_step_of_the_true_ones_and_stay(seed: int, start: float) -> None:
    rng = np.random.default_rng(seed)
    true = {
        layer: true_threshold(CALIBRATIONS[layer], DEFAULT_TUNER.target(layer)) for layer in TUNED
    }
    thresholds = ThresholdSet(1, tuple((layer, start) for layer in TUNED))
    for round_ in range(ROUNDS):
        rows = draw_reviewed(rng, DECISIONS, CALIBRATIONS, thresholds, shadow_share=0.2)
        thresholds = propose(rows, thresholds).thresholds
        if round_ >= BY_THEN:
            for layer, best in true.items():
                assert best is not None
                assert 0.5 < best < 0.95
                assert abs(thresholds.of(layer) - best) <= 0.05, (round_, layer)

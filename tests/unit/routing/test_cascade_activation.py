"""How many endpoints two scores are worth: L-17."""

from __future__ import annotations

import pytest

from gateway.routing.cascade import Activation, ActivationSettings, activation


@pytest.mark.parametrize(
    ("best", "second", "expected"),
    [
        (0.0, 0.0, Activation.CLARIFY),
        (0.29, 0.0, Activation.CLARIFY),
        (0.30, 0.29, Activation.SINGLE),
        (0.30, 0.30, Activation.BEST_OF_TWO),
        (0.74, 0.55, Activation.BEST_OF_TWO),
        (0.75, 0.75, Activation.SINGLE),
        (0.70, 0.50, Activation.SINGLE),
        (0.70, 0.51, Activation.BEST_OF_TWO),
        (1.0, 1.0, Activation.SINGLE),
    ],
)
def test_one_endpoint_two_or_a_question(best: float, second: float, expected: Activation):
    """L-17: scores count from .30; one is enough from .75, or .20 ahead of the second."""
    assert activation(best, second) is expected


def test_the_bounds_are_settings():
    bold = ActivationSettings(activate=0.1, sure=0.4, margin=0.05)
    assert activation(0.2, 0.18) is Activation.CLARIFY
    assert activation(0.2, 0.18, bold) is Activation.BEST_OF_TWO
    assert activation(0.4, 0.39, bold) is Activation.SINGLE

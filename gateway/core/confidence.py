"""How sure a learned layer may be that the endpoint it finds best does best."""

from __future__ import annotations

from math import exp, log

import numpy as np

from gateway.core.value import value
from gateway.core.vocabulary import Floats

LEAST, MOST = 0.01, 0.99
"""Predictions are kept within, so that none is certain."""


@value
class Confidence:
    """Probability that a chosen endpoint does at least as well as any other.

    Were outcomes right or wrong, and independent, it would be p = 1 - (1 - quality of the chosen) x
    (chance that any other is right). The probability is the logistic function of `bias + slope x
    logit(p)`. That is p itself with 0 and 1, the values while it is `fitted` on no outcomes.
    """

    bias: float = 0.0
    slope: float = 1.0
    fitted: int = 0

    def of(self, quality: Floats, chosen: int) -> float:
        """Return the probability, given the predictions of one or more endpoints."""
        return 1.0 / (1.0 + exp(-(self.bias + self.slope * logit(quality, chosen))))


UNFITTED = Confidence()


def logit(quality: Floats, chosen: int) -> float:
    """Log-odds that the chosen one is as good as any other if outcomes were independent."""
    failing = 1.0 - quality.clip(LEAST, MOST)
    others = float(np.delete(failing, chosen).prod())
    beaten = float(failing[chosen]) * max(1.0 - others, LEAST)
    return log((1.0 - beaten) / beaten)

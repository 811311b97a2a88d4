"""Fits how often the endpoint that a layer finds best does at least as well as the others."""

from __future__ import annotations

from math import log

import numpy as np

from gateway.core.confidence import UNFITTED, Confidence, logit
from gateway.core.vocabulary import Floats
from gateway.learning.observed import Observed

FEWEST = 2
"""Outcomes of a request that can be compared."""

ROUNDS = 50
"""Steps of the fit. Each improves it, as the curvature is bounded by its largest, a quarter."""

PULL = 1.0
"""Ridge penalty towards the values that hold while nothing is fitted."""

STEEPEST = 30.0
"""Log-odds are kept within, where the logistic function is flat."""


def fit_confidence(predicted: Floats, observed: Observed) -> Confidence:
    """Fit to the rows with outcomes of several endpoints; only these endpoints are compared.

    `predicted` [rows, endpoints] must not have been learned from the same rows.
    """
    logits: list[float] = []
    hits: list[bool] = []
    for quality, scores, known in zip(predicted, observed.scores, observed.known, strict=True):
        compared = np.flatnonzero(known)
        if len(compared) >= FEWEST:
            best = int(quality[compared].argmax())
            logits.append(logit(quality[compared], best))
            hits.append(bool(scores[compared[best]] >= scores.max()))
    start = np.array([UNFITTED.bias, UNFITTED.slope])
    design = np.stack([np.ones(len(logits)), np.array(logits)], axis=1)
    target = np.array(hits, float)
    curve = 0.25 * design.T @ design + PULL * np.eye(2)
    found = start.copy()
    for _ in range(ROUNDS):
        odds = np.clip(design @ found, -STEEPEST, STEEPEST)
        uphill = design.T @ (target - 1.0 / (1.0 + np.exp(-odds))) - PULL * (found - start)
        found += np.linalg.solve(curve, uphill)
    if found[1] < 0.0:
        # Predictions that mislead tell nothing, so how often they hit is all that is known.
        return Confidence(log((sum(hits) + PULL) / (len(hits) - sum(hits) + PULL)), 0.0, len(hits))
    return Confidence(float(found[0]), float(found[1]), len(hits))

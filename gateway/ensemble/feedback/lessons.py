"""What one decision with known outcomes teaches the layers."""

from __future__ import annotations

from gateway.core.experience import Observation
from gateway.core.feedback import Reviewed
from gateway.learning.labels import label_of
from gateway.learning.rewards import is_possible


def observation_of(row: Reviewed) -> Observation | None:
    """Return what can be learned from a decision; None while nothing is known, or no features are.

    A correction says of the endpoint named that it would have been right, and of the one chosen
    that it was not, where no report about their answers says more.
    """
    features = row.event.features
    if features is None:
        return None
    label = label_of(row)
    scores = {name: quality for name, quality in label.qualities.items() if is_possible(quality)}
    if label.corrected:
        scores.setdefault(label.corrected, 1.0)
        scores.setdefault(row.event.chosen, 0.0)
    return Observation(features, tuple(scores.items()), row.event.at) if scores else None

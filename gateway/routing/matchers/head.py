"""What the words of the request predict, by trained weights (L-12)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.core.experience import Experience, LayerEstimate
from gateway.core.features import FEATURE_VERSION, Features
from gateway.routing.matchers.correction import Correction, proposed

LAYER = "head"

AS_MANY = 100.0
"""A head is taken to err as much as the mean of so many neighbours, which rank gains less well."""


def head(
    experience: Experience, features: Features, endpoints: Sequence[str]
) -> LayerEstimate | str:
    """Predict for the endpoints, or say why that is not possible."""
    return proposed(experience, features, endpoints, weighed(experience, features))


def weighed(experience: Experience, features: Features) -> Correction | str:
    """Sum the weights up; the support is how much of the request is known, beside the typical.

    An endpoint that the head was not trained on keeps the prior.
    """
    head = experience.head
    if head is None:
        return "no head is trained"
    if head.version != FEATURE_VERSION:
        return f"the head was trained on features of version {head.version}"
    if not set(head.endpoints).intersection(experience.endpoints):
        return "the head was trained on none of the endpoints whose outcomes are known"
    at, weights = head.vocabulary.weigh(features)
    by_name = dict(zip(head.endpoints, (weights @ head.weights[at]).tolist(), strict=True))
    share = float(weights @ weights)
    return Correction(
        layer=LAYER,
        quality=np.array([by_name.get(name, 0.0) for name in experience.endpoints], np.float32),
        support=min(share / head.typical, 1.0),
        words=f"{share:.0%} of its words are known from {head.observations} requests",
        confidence=head.confidence,
        effective_n=min(head.observations, AS_MANY),
    )

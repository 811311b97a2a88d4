"""How good each endpoint would be for a request, by everything that was learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.core.experience import Experience, LayerEstimate, Trend
from gateway.core.features import Features
from gateway.core.value import value
from gateway.core.vocabulary import Floats
from gateway.routing.matchers.correction import (
    Correction,
    cautious,
    corrected,
    standard_error,
    untold,
)
from gateway.routing.matchers.head import weighed
from gateway.routing.matchers.knn import LAYER as KNN
from gateway.routing.matchers.knn import remembered

BEST_SLACK = 20.0
"""Outcomes with which the means of the endpoints are half supported."""

__all__ = ["Estimate", "LayerEstimate", "estimate"]


@value
class Estimate:
    """Predicted quality, 0..1, of each endpoint asked about; differences between them are gains.

    `quality` is made to choose by, and so it is cautious: all but the best single endpoint are
    lowered by the standard error of what tells them apart, as far as that is not the table of task
    kinds. `expected` is without caution. `support`: 0..1, how far the learned layers are to be
    trusted here, the rest being the prior; 0 when none of the endpoints is known. `effective_n`:
    past requests that the neighbours stand for, weighed by similarity and age. `similarity`: mean
    cosine of the nearest. `layers`: what each layer says, the best informed first.
    """

    quality: tuple[tuple[str, float], ...]
    expected: tuple[tuple[str, float], ...]
    support: float = 0.0
    effective_n: float = 0.0
    similarity: float = 0.0
    layers: tuple[LayerEstimate, ...] = ()


def estimate(experience: Experience, features: Features, endpoints: Sequence[str]) -> Estimate:
    """Blend what the layers say; without support the prior remains, without that the neutral."""
    trend = experience.trend
    if trend is None or not set(endpoints).intersection(experience.endpoints):
        neutral = tuple((name, experience.neutral) for name in endpoints)
        return Estimate(neutral, neutral)
    found = (weighed(experience, features), remembered(experience, features))
    learned = [one for one in found if isinstance(one, Correction)]
    support = sum(one.support for one in learned) / max(len(learned), 1)
    open_share = untold(experience, features)
    blended: Floats = experience.prior(features)
    for one in learned:
        blended = blended + one.supported / np.float32(len(learned))
    blended = blended + trend.of(features.length) * np.float32((1.0 - support) * open_share)
    doubt = open_share * standard_error(max((one.effective_n for one in learned), default=0.0))
    near = next((one for one in learned if one.layer == KNN), None)
    return Estimate(
        quality=experience.named(cautious(experience, blended, endpoints, doubt), endpoints),
        expected=experience.named(blended, endpoints),
        support=support,
        effective_n=0.0 if near is None else near.effective_n,
        similarity=0.0 if near is None else near.similarity,
        layers=(
            *(corrected(experience, features, endpoints, one) for one in learned),
            *_prior_layers(experience, trend, features, endpoints),
        ),
    )


def _prior_layers(
    experience: Experience, trend: Trend, features: Features, endpoints: Sequence[str]
) -> list[LayerEstimate]:
    layers: list[LayerEstimate] = []
    row = experience.table.get(features.task)
    if row is not None:
        named = experience.named(row.quality, endpoints)
        words = f"{row.effective_n:.1f} past requests of this kind"
        layers.append(
            LayerEstimate("table", named, row.support, words, effective_n=row.effective_n)
        )
    named = experience.named(experience.means + trend.of(features.length), endpoints)
    layers.append(LayerEstimate("length", named, trend.support, f"{features.length} characters"))
    outcomes = float(experience.outcomes.sum())
    layers.append(
        LayerEstimate(
            layer="best",
            quality=experience.named(experience.means, endpoints),
            support=outcomes / (outcomes + BEST_SLACK),
            words=f"{outcomes:.1f} outcomes in all",
            effective_n=outcomes,
        )
    )
    return layers

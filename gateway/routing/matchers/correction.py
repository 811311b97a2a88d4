"""What a learned layer adds to the prior, how cautiously it is taken, and how it is reported."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.core.confidence import Confidence
from gateway.core.experience import Experience, LayerEstimate
from gateway.core.features import Features
from gateway.core.vocabulary import Floats

FULL_CONFIDENCE = 0.5
"""From this support on the confidence is as it was fitted; below, it fades to 0.

Of requests like those known, nine in ten have more.
"""

STANDARD_DEVIATION = 0.5
"""The largest of an outcome within 0..1. A mean of n outcomes errs by this / sqrt(n)."""


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What a layer adds to the prior, by endpoint of the experience; see `LayerEstimate`."""

    layer: str
    quality: Floats
    support: float
    words: str
    confidence: Confidence
    effective_n: float
    similarity: float = 0.0

    @property
    def supported(self) -> Floats:
        """As much of it as has support."""
        return self.quality * np.float32(self.support)


def untold(experience: Experience, features: Features) -> float:
    """Say how much the table of task kinds leaves open, 0..1."""
    row = experience.table.get(features.task)
    return 1.0 if row is None else 1.0 - row.support


def cautious(
    experience: Experience, quality: Floats, among: Collection[str], doubt: float
) -> Floats:
    """Lower all but the best single endpoint of some known ones by a doubt.

    To leave the best single endpoint for an error costs more than to miss a small gain.
    """
    places = [place for place, name in enumerate(experience.endpoints) if name in among]
    best = max(places, key=lambda place: experience.means[place])
    lowered = quality - np.float32(doubt)
    lowered[best] = quality[best]
    return lowered


def corrected(
    experience: Experience, features: Features, endpoints: Sequence[str], by: Correction
) -> LayerEstimate:
    """Report the prior with the correction for endpoints of which one or more are known."""
    expected = experience.prior(features) + by.supported
    doubt = untold(experience, features) * standard_error(by.effective_n)
    quality = experience.named(cautious(experience, expected, endpoints, doubt), endpoints)
    chosen = max(range(len(quality)), key=lambda place: quality[place][1])
    plain = np.array([one for _, one in experience.named(expected, endpoints)], np.float32)
    return LayerEstimate(
        layer=by.layer,
        quality=quality,
        support=by.support,
        words=by.words,
        confidence=by.confidence.of(plain, chosen) * min(by.support / FULL_CONFIDENCE, 1.0),
        effective_n=by.effective_n,
        similarity=by.similarity,
    )


def proposed(
    experience: Experience, features: Features, endpoints: Sequence[str], by: Correction | str
) -> LayerEstimate | str:
    """Report a correction, or say why there is none for these endpoints."""
    if isinstance(by, str):
        return by
    if not set(endpoints).intersection(experience.endpoints):
        return "no outcome of these endpoints is known yet"
    return corrected(experience, features, endpoints, by)


def standard_error(outcomes: float) -> float:
    """Return how much the mean of so many outcomes errs; with none, as much as one does."""
    return STANDARD_DEVIATION / (outcomes + 1.0) ** 0.5

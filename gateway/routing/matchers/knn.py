"""What came of the most similar past requests (L-11)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.experience import Experience, LayerEstimate
from gateway.core.features import Features
from gateway.routing.matchers.correction import Correction, proposed

LAYER = "knn"


def knn(
    experience: Experience, features: Features, endpoints: Sequence[str]
) -> LayerEstimate | str:
    """Predict for the endpoints, or say why that is not possible."""
    return proposed(experience, features, endpoints, remembered(experience, features))


def remembered(experience: Experience, features: Features) -> Correction | str:
    """Ask the neighbours; the support is how similar they are, beside what is typical."""
    memory = experience.memory
    if memory is None:
        return "no outcome is known yet"
    found = memory.recall(features)
    return Correction(
        layer=LAYER,
        quality=found.correction,
        support=min(found.similarity / memory.typical, 1.0),
        words=f"{found.effective_n:.1f} past requests, the nearest {found.similarity:.2f} like it",
        confidence=memory.confidence,
        effective_n=found.effective_n,
        similarity=found.similarity,
    )

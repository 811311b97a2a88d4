"""What past outcomes taught: arrays that every request reads and none changes.

The quality of an endpoint on a request, 0..1, is predicted in steps. The prior is the mean of the
endpoint, and its mean on that kind of task as far as the table knows it. The memory adds what
similar requests had beside their prior, the head what the words say. Where those two have no
support, the trend over the length stands in for them.

Each step has two parts. The *level* is common to all endpoints: such requests are easy or hard,
whoever answers them. *Deviations* are by endpoint, and only they change which is best. So an
endpoint that was given only hard requests is not held for a bad one, and where several endpoints
answered the same requests the difference of two predictions is a regression on the gain itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from types import MappingProxyType

import numpy as np

from gateway.core.features import Features
from gateway.core.head import Head
from gateway.core.memory import Memory
from gateway.core.value import value
from gateway.core.vocabulary import Floats

__all__ = [
    "NO_EXPERIENCE",
    "Experience",
    "Head",
    "LayerEstimate",
    "Memory",
    "Observation",
    "TaskRow",
    "Trend",
]

NEUTRAL = 0.5
"""Quality expected of an endpoint while nothing is known of any."""

_NO_FLOATS: Floats = np.zeros(0, np.float32)
_NO_TABLE: Mapping[str, TaskRow] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One past request, and how well each of one or several endpoints did.

    `scores`: (endpoint, quality 0..1) pairs, each endpoint once. `at`: unix seconds.
    """

    features: Features
    scores: tuple[tuple[str, float], ...]
    at: float = 0.0


@value
class LayerEstimate:
    """What one layer predicts: the quality, 0..1, of each endpoint asked about.

    `support`: 0..1, how far the request is like those that the layer knows. `words` say what it
    went by. `confidence`: probability that the endpoint it finds best does at least as well as each
    other; 0 for layers that are part of the prior, which decide nothing by themselves.
    `effective_n`: past requests that it rests on, weighed by age and similarity, and `similarity`:
    mean cosine of the nearest of them; 0 where the layer does not tell.
    """

    layer: str
    quality: tuple[tuple[str, float], ...]
    support: float
    words: str
    confidence: float = 0.0
    effective_n: float = 0.0
    similarity: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """Straight lines over the logarithm of the length.

    `centre` and `scale`: mean and standard deviation of log(1 + length). Lengths farther from the
    centre than `reach` deviations count as that far. `slopes`, by endpoint: level and deviation
    together. `support`: 0..1.
    """

    centre: float
    scale: float
    reach: float
    slopes: Floats
    support: float

    def of(self, length: int) -> Floats:
        """Return what to add to the means at this length."""
        z = (log(1 + length) - self.centre) / self.scale
        return self.slopes * np.float32(min(max(z, -self.reach), self.reach))


@dataclass(frozen=True, slots=True, eq=False)
class TaskRow:
    """Quality of each endpoint on one kind of task.

    `effective_n`: requests of that kind, weighed by age; `support`: 0..1.
    """

    quality: Floats
    support: float
    effective_n: float


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """Everything learned up to one moment; shared by any number of requests.

    With the default settings it takes 90 MB at most, of 10,000 requests of the longest kind, and
    some 10 to 30 MB of common ones; a head for nine endpoints 3 MB.

    `means` and `outcomes` are by endpoint: shrunk mean quality, and number of outcomes, weighed by
    age. `neutral`: the quality expected of an endpoint that is not among `endpoints`: the mean over
    all outcomes. `trend` and `memory` are None only where there are no endpoints.
    """

    version: int
    observations: int
    endpoints: tuple[str, ...] = ()
    means: Floats = field(default_factory=lambda: _NO_FLOATS)
    outcomes: Floats = field(default_factory=lambda: _NO_FLOATS)
    neutral: float = NEUTRAL
    trend: Trend | None = None
    table: Mapping[str, TaskRow] = field(default_factory=lambda: _NO_TABLE)
    memory: Memory | None = None
    head: Head | None = None

    def prior(self, features: Features) -> Floats:
        """Predict without a look at the words: by kind of task as far as known, else the means."""
        row = self.table.get(features.task)
        if row is None:
            return self.means
        return self.means + (row.quality - self.means) * np.float32(row.support)

    def named(self, quality: Floats, endpoints: Sequence[str]) -> tuple[tuple[str, float], ...]:
        """Name a prediction [endpoints], kept within 0..1, for the endpoints asked about.

        One that nothing is known of gets the neutral quality.
        """
        within = np.minimum(np.maximum(quality, np.float32(0.0)), np.float32(1.0)).tolist()
        known = dict(zip(self.endpoints, within, strict=True))
        return tuple([(name, known.get(name, self.neutral)) for name in endpoints])


NO_EXPERIENCE = Experience(version=0, observations=0)
"""What a gateway knows before its first outcome."""

"""From observations to what the router reads."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from gateway.core.experience import Experience, Head, Observation
from gateway.learning.memory import learn_memory
from gateway.learning.observed import observed_of
from gateway.learning.prior import learn_prior
from gateway.learning.settings import DEFAULT_LEARNING, LearningSettings


def learn(
    observations: Sequence[Observation],
    settings: LearningSettings = DEFAULT_LEARNING,
    *,
    head: Head | None = None,
    version: int,
) -> Experience:
    """Learn everything but the head, which is trained apart; well below a second for 10,000."""
    observed = observed_of(observations, settings)
    if not observed.features:
        return Experience(version=version, observations=0, head=head)
    prior = learn_prior(observed, settings)
    return Experience(
        version=version,
        observations=len(observed.features),
        endpoints=observed.endpoints,
        means=prior.means,
        outcomes=prior.outcomes,
        neutral=prior.neutral,
        trend=prior.trend,
        table=MappingProxyType(prior.table),
        memory=learn_memory(observed, prior.expected, settings),
        head=head,
    )

"""How outcomes are turned into numbers. The defaults were measured together, for all data alike."""

from __future__ import annotations

from gateway.core.value import value


@value
class LearningSettings:
    """Constants of the learner.

    An "outcome" is the score of one endpoint on one request, weighed by its age. Something shrunk
    with a slack of k is k / (n + k) of what was believed before, after n outcomes.
    """

    max_observations: int = 10_000
    """Observations kept; of more, the latest. Bounds the time of a decision and the memory."""

    max_endpoints: int = 64
    """Endpoints kept; of more, those with the most outcomes."""

    max_tasks: int = 256
    """Kinds of task kept; of more, those with the most observations."""

    half_life_s: float = 30 * 86_400.0
    """Age, before the latest observation, at which an outcome counts half."""

    mean_slack: float = 4.0
    """Of the mean of an endpoint, towards that of all."""

    trend_slack: float = 100.0
    """Of the slopes over length, towards zero."""

    trend_reach: float = 2.0
    """Standard deviations of the log length up to which a slope is believed."""

    task_slack: float = 10.0
    """Of an endpoint's mean on a kind of task, towards what its length predicts."""

    neighbours: int = 200
    """Most similar past requests that predict for a new one."""

    memory_slack: float = 20.0
    """Of what neighbours predict, towards zero."""

    head_words: int = 65_536
    """Words that a head knows; of more, those in most observations."""

    head_penalty: float = 5.0
    """Ridge penalty of a head's weights: outcomes that weigh as much as the belief in zero."""

    head_rounds: int = 30
    """Most steps of conjugate gradients for each endpoint."""

    head_least: int = 100
    """Fewest observations that a head is trained on."""


DEFAULT_LEARNING = LearningSettings()

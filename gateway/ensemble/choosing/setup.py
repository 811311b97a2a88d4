"""How the learned router is set up, and what it knows at one moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.experience import NO_EXPERIENCE, Experience
from gateway.core.experiments import Experiment
from gateway.core.features import Features
from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.hole import Request
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, ThresholdSet
from gateway.core.scoring import LiveInput
from gateway.core.topics import Topic
from gateway.core.value import value
from gateway.learning.bandit import AdaptiveSettings, BanditState
from gateway.routing.cascade import ORDER
from gateway.routing.fuse import DEFAULT_FUSION, FusionSettings

MOST_EXPOSED = 100_000
"""Decisions of experiments that wait for the tick; of more, the oldest are not counted."""

MOST_OWN = 10_000
"""Reports of the gateway's own that wait for the tick; of more, the oldest are lost."""

ALL_LAYERS = frozenset({*ORDER, LayerName.SHAPE})


@value
class ChoosingSetup:
    """What the configuration says of the learned router.

    `fused`: all layers decide together, else the first that is sure. `clarify`: a request about
    which no layer is sure is refused with questions, else the rules decide. `best_effort`: the
    surest layer is followed when none reaches its threshold. `min_gain`: predicted quality, 0..1,
    that a dearer endpoint must add. `shadow_share`: of requests, 0..1, whose later layers run after
    the decision. `features_per_s`: requests a second whose features are computed only to be
    recorded. `by_priority`: the priority of a request stands in for its objective.
    `two_when_close`: two candidates are asked for where two endpoints score alike. `from_checks`:
    unit tests that the gateway ran teach too. `adaptive` is None while the adaptive policy is off.
    """

    enabled: bool = True
    fused: bool = False
    layers: frozenset[LayerName] = ALL_LAYERS
    clarify: bool = False
    best_effort: bool = False
    min_gain: float = 0.02
    shadow_share: float = 0.1
    features_per_s: int = 50
    by_priority: bool = False
    two_when_close: bool = False
    from_checks: bool = True
    topics: tuple[Topic, ...] = ()
    fusion: FusionSettings = DEFAULT_FUSION
    adaptive: AdaptiveSettings | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LearnedState:
    """What is known at one moment: calls read it, the tick puts another in its place.

    `experiments` are those that run.
    """

    experience: Experience = NO_EXPERIENCE
    thresholds: ThresholdSet = DEFAULT_THRESHOLDS
    experiments: tuple[Experiment, ...] = ()
    bandit: BanditState = field(default_factory=BanditState)


@dataclass(slots=True)
class Knowledge:
    """Holds the state in force. It belongs to one event loop.

    `exposed` are the decisions that an experiment was part of, and `own` what the gateway found out
    about answers, until the tick has taken them in.
    """

    state: LearnedState = field(default_factory=LearnedState)
    exposed: deque[RoutingEvent] = field(
        default_factory=lambda: deque[RoutingEvent](maxlen=MOST_EXPOSED)
    )
    own: deque[OutcomeReport] = field(default_factory=lambda: deque[OutcomeReport](maxlen=MOST_OWN))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the chooser asks of the outside.

    `features` computes those of a request, `bare` those that cost nothing: without any words.
    `live` tells how an endpoint or group does, `record` takes a decision without waiting, `wall`
    tells unix seconds.
    """

    features: Callable[[Request], Features]
    bare: Callable[[Request], Features]
    live: Callable[[str], LiveInput]
    clock: Callable[[], float]
    wall: Callable[[], float]
    record: Callable[[RoutingEvent], object] | None = None

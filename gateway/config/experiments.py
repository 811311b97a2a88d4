"""Settings of experiments and of the adaptive policy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.config.problems import Problem
from gateway.config.section import Name, Section, Share
from gateway.core.experiments import Arm, Experiment, GuardRail, UnitKey
from gateway.core.hole import Objective, RoutingMode
from gateway.core.matching import LayerName
from gateway.learning.bandit import AdaptiveSettings

DecidingLayer = Literal[LayerName.KEYWORD, LayerName.SIMILARITY, LayerName.KNN, LayerName.HEAD]
Probability = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]

DEFAULT_RAIL = GuardRail()
DEFAULT_ADAPTIVE = AdaptiveSettings()


class ArmConfig(Section):
    """One arm of an experiment: what it does differently. What is left out stays as it is."""

    name: Name = Field(description="Its name, unique in the experiment.")
    weight: Positive = Field(default=1.0, description="Its part of all arms' weights is its share.")
    control: bool = Field(default=False, description="The arm that the others are held against.")
    shadow: bool = Field(
        default=False, description="Only record what it would have chosen; answer as without it."
    )
    layers: tuple[DecidingLayer, ...] | None = Field(
        default=None, description="The only learned layers that may decide; empty for none."
    )
    routing_mode: RoutingMode | None = Field(
        default=None, description="For requests that leave it to the configuration."
    )
    objective: Objective | None = Field(
        default=None, description="For requests that leave it balanced."
    )
    thresholds: dict[DecidingLayer, Share] = Field(
        default={}, description="In place of those in force."
    )
    endpoint: str | None = Field(default=None, description="First wherever it may be called.")

    def arm(self) -> Arm:
        """Return what the router works with."""
        return Arm(
            self.name,
            self.weight,
            control=self.control,
            shadow=self.shadow,
            layers=None if self.layers is None else frozenset(self.layers),
            routing_mode=self.routing_mode,
            objective=self.objective,
            thresholds=tuple(self.thresholds.items()),
            endpoint=self.endpoint or "",
        )


class GuardRailConfig(Section):
    """When an arm is stopped because it does harm."""

    margin: Share = Field(
        default=DEFAULT_RAIL.margin, description="How much lower its mean quality may be."
    )
    failure_margin: Share = Field(
        default=DEFAULT_RAIL.failure_margin, description="How much higher its share of failures."
    )
    alpha: Probability = Field(
        default=DEFAULT_RAIL.alpha, description="Probability of stopping an arm without harm."
    )


class ExperimentConfig(Section):
    """A share of the traffic, split among arms by a hash."""

    name: Name = Field(description="Unique name.")
    salt: str = Field(
        default="", max_length=128, description="Another one draws anew; default: the name."
    )
    unit: UnitKey = Field(default=UnitKey.SESSION, description="What stays in one arm.")
    label: str = Field(
        default="", max_length=128, description="Key of the label that makes the unit."
    )
    share: Share = Field(default=0.0, description="Part of the units that take part.")
    enabled: bool = Field(default=True, description="Off: nobody takes part.")
    guard_rail: GuardRailConfig = Field(
        default=GuardRailConfig(), description="How much harm stops an arm."
    )
    arm: tuple[ArmConfig, ...] = Field(
        min_length=1, max_length=16, description="The ways that are compared."
    )

    @model_validator(mode="after")
    def arms_can_be_compared(self) -> Self:
        """Without a control arm nobody could tell that another one does harm."""
        names = [arm.name for arm in self.arm]
        if len(set(names)) < len(names):
            raise ValueError("two arms have the same name; give each its own")
        controls = [arm for arm in self.arm if arm.control]
        if len(controls) > 1:
            raise ValueError("more than one arm is the control; keep one")
        if any(arm.shadow for arm in controls):
            raise ValueError("the control arm answers requests, so it cannot be a shadow")
        if not controls and not all(arm.shadow for arm in self.arm):
            raise ValueError("arms that answer need one to be held against; set control on it")
        return self

    @model_validator(mode="after")
    def label_is_named(self) -> Self:
        """A label that nobody reads, or none where one is asked for, is a mistake."""
        if (self.unit is UnitKey.LABEL) != bool(self.label):
            raise ValueError('unit = "label" and the key `label` need each other')
        return self

    def experiment(self) -> Experiment:
        """Return what the router works with."""
        return Experiment(
            self.name,
            self.salt or self.name,
            tuple(arm.arm() for arm in self.arm),
            self.unit,
            self.label,
            self.share,
            self.enabled,
            GuardRail(**self.guard_rail.model_dump()),
        )


class AdaptiveConfig(Section):
    """The adaptive policy: Thompson sampling among the endpoints that the rules allow."""

    enabled: bool = Field(default=False, description="Off: the rules and learned layers decide.")
    half_life_s: Positive = Field(
        default=DEFAULT_ADAPTIVE.half_life_s, description="Age at which an outcome counts half."
    )
    prior_good: Positive = Field(
        default=DEFAULT_ADAPTIVE.prior_good, description="Good answers believed in beforehand."
    )
    prior_bad: Positive = Field(
        default=DEFAULT_ADAPTIVE.prior_bad, description="Bad answers believed in beforehand."
    )
    min_evidence: float = Field(
        default=DEFAULT_ADAPTIVE.min_evidence,
        ge=0,
        le=1e6,
        description="Outcomes that an endpoint needs before it may take over.",
    )
    min_reward: Share = Field(
        default=DEFAULT_ADAPTIVE.min_reward, description="Mean reward that it needs besides."
    )
    warm_up_share: Probability = Field(
        default=DEFAULT_ADAPTIVE.warm_up_share,
        description="Most traffic of all endpoints together that lack either.",
    )
    floor: Probability = Field(
        default=DEFAULT_ADAPTIVE.floor, description="Traffic that is spread evenly, to explore."
    )
    draws: int = Field(
        default=DEFAULT_ADAPTIVE.draws, ge=16, le=4096, description="Samples that tell who is best."
    )
    max_classes: int = Field(
        default=DEFAULT_ADAPTIVE.max_classes,
        ge=1,
        le=100_000,
        description="Classes kept; of more, those with the most evidence.",
    )

    def settings(self) -> AdaptiveSettings:
        """Return what the policy itself works with."""
        return AdaptiveSettings(**self.model_dump(exclude={"enabled"}))


def experiment_problems(
    experiments: Sequence[ExperimentConfig], endpoints: Collection[str]
) -> list[Problem]:
    """Check what no single experiment can tell: names, salts and the endpoints that arms name."""
    problems: list[Problem] = []
    names = [one.name for one in experiments]
    salts = [one.salt or one.name for one in experiments]
    for place, one in enumerate(experiments):
        path = f"experiment[{place}]"
        if one.name in names[:place]:
            why = f"{one.name!r} is used twice"
            problems.append(Problem(f"{path}.name", why, "give each its own name"))
        elif salts[place] in salts[:place]:
            why = "another experiment has the same salt, so that both would split alike"
            problems.append(Problem(f"{path}.salt", why, "give each its own salt"))
        problems += [
            Problem(
                f"{path}.arm[{at}].endpoint",
                f"{arm.endpoint!r} is not among the endpoints",
                f"use one of: {', '.join(endpoints)}",
            )
            for at, arm in enumerate(one.arm)
            if arm.endpoint is not None and arm.endpoint not in endpoints
        ]
    return problems

"""Settings of the threshold tuner."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gateway.config.section import Section, Share
from gateway.core.matching import LayerName
from gateway.learning.thresholds import TunerSettings

Bound = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class AccuracyTargets(Section):
    """Share of its decisions that each layer should get right."""

    keyword: Bound = Field(default=0.80, description="Of the keyword layer.")
    similarity: Bound = Field(default=0.88, description="Of the similarity layer.")
    knn: Bound = Field(default=0.92, description="Of the nearest neighbours.")
    head: Bound = Field(default=0.96, description="Of the trained head.")


class TunerConfig(Section):
    """How thresholds are proposed from outcomes; nothing is applied unless somebody does it."""

    window_h: float = Field(
        default=168.0, gt=0, le=87_600, allow_inf_nan=False, description="Hours of outcomes used."
    )
    step: float = Field(
        default=0.05,
        ge=0.01,
        le=0.5,
        allow_inf_nan=False,
        description="Largest change of a threshold in one proposal.",
    )
    min_samples: int = Field(
        default=100, ge=1, le=1_000_000, description="Known outcomes that a layer needs."
    )
    min_near: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="Known outcomes needed within a step of the threshold.",
    )
    dead_band: Share = Field(default=0.02, description="A smaller distance changes nothing.")
    lowest: Bound = Field(default=0.5, description="Lowest threshold that is proposed.")
    highest: Bound = Field(default=0.95, description="Highest threshold that is proposed.")
    accuracy_targets: AccuracyTargets = Field(
        default=AccuracyTargets(), description="What each layer should reach."
    )

    @model_validator(mode="after")
    def bounds_leave_room(self) -> TunerConfig:
        """Without room between them nothing could be tuned."""
        if self.lowest >= self.highest:
            raise ValueError("lowest must be below highest")
        return self

    def settings(self) -> TunerSettings:
        """Return what the tuner works with."""
        targets = self.accuracy_targets.model_dump()
        return TunerSettings(
            step=self.step,
            min_samples=self.min_samples,
            min_near=self.min_near,
            dead_band=self.dead_band,
            lowest=self.lowest,
            highest=self.highest,
            accuracy_targets=tuple((LayerName(name), share) for name, share in targets.items()),
        )

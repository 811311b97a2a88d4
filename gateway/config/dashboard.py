"""Settings of the dashboards: the page, the terminal's and the RPC go by the same (D-02)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gateway.config.section import Seconds, Section, Share
from gateway.core.matching import LayerName
from gateway.core.overview import LONGEST_WINDOW_S, SHORTEST_WINDOW_S, Look
from gateway.ensemble.overview.targets import OverviewBars
from gateway.learning.layer_report import CAPTURE
from gateway.learning.targets import (
    ACCURACY,
    CLARIFICATIONS,
    CORRECTIONS,
    LATENCY_S,
    MISROUTINGS,
    Bar,
)

Window = Annotated[float, Field(ge=SHORTEST_WINDOW_S, le=LONGEST_WINDOW_S, allow_inf_nan=False)]


class TargetsConfig(Section):
    """What routing should achieve, and from where on it alarms."""

    accuracy: Share = Field(
        default=ACCURACY.target, description="Least share of decisions that are right."
    )
    accuracy_alarm: Share = Field(default=ACCURACY.alarm, description="It alarms below this.")
    keyword_share: Share = Field(
        default=CAPTURE[LayerName.KEYWORD][0],
        description="Least share of decisions by the keyword layer.",
    )
    keyword_share_alarm: Share = Field(
        default=CAPTURE[LayerName.KEYWORD][1], description="It alarms below this."
    )
    similarity_share: Share = Field(
        default=CAPTURE[LayerName.SIMILARITY][0],
        description="Least share of decisions by the similarity layer.",
    )
    similarity_share_alarm: Share = Field(
        default=CAPTURE[LayerName.SIMILARITY][1], description="It alarms below this."
    )
    decision_s: Seconds = Field(
        default=LATENCY_S.target, description="Longest mean time of a decision."
    )
    decision_s_alarm: Seconds = Field(default=LATENCY_S.alarm, description="It alarms above this.")
    corrections: Share = Field(
        default=CORRECTIONS.target,
        description="Most decisions, of those reported about, that a caller corrects.",
    )
    corrections_alarm: Share = Field(default=CORRECTIONS.alarm, description="It alarms above this.")
    clarifications: Share = Field(
        default=CLARIFICATIONS.target, description="Most decisions that ask back."
    )
    misroutings: Share = Field(
        default=MISROUTINGS.target,
        description="Most decisions, of those known, that gave a bad answer where another endpoint "
        "was right.",
    )

    @model_validator(mode="after")
    def alarms_lie_beyond(self) -> TargetsConfig:
        """An alarm that comes before its target is missed would never be understood."""
        for name in ("accuracy", "keyword_share", "similarity_share"):
            if getattr(self, f"{name}_alarm") > getattr(self, name):
                raise ValueError(f"{name}_alarm must not be above {name}")
        for name in ("decision_s", "corrections"):
            if getattr(self, f"{name}_alarm") < getattr(self, name):
                raise ValueError(f"{name}_alarm must not be below {name}")
        return self

    def bars(self) -> OverviewBars:
        """Return what numbers are held against."""
        return OverviewBars(
            accuracy=Bar(ACCURACY.name, self.accuracy, self.accuracy_alarm),
            keyword=Bar("decisions by keyword", self.keyword_share, self.keyword_share_alarm),
            similarity=Bar(
                "decisions by similarity", self.similarity_share, self.similarity_share_alarm
            ),
            decision_s=Bar(LATENCY_S.name, self.decision_s, self.decision_s_alarm, least=False),
            corrections=Bar(
                CORRECTIONS.name, self.corrections, self.corrections_alarm, least=False
            ),
            clarifications=Bar(
                CLARIFICATIONS.name, self.clarifications, self.clarifications, least=False
            ),
            misroutings=Bar(MISROUTINGS.name, self.misroutings, self.misroutings, least=False),
        )


class DashboardConfig(Section):
    """What every dashboard shows, in the browser, in the terminal and by RPC."""

    enabled: bool = Field(
        default=True,
        description="Count requests and decisions by the minute, in memory; else nothing is "
        "counted for it and no dashboard has anything to show.",
    )
    refresh_s: float = Field(
        default=Look().refresh_s,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        description="Seconds between two looks of a live dashboard.",
    )
    window_s: Window = Field(
        default=Look().window_s, description="Seconds back that are shown at first."
    )
    targets: TargetsConfig = Field(default=TargetsConfig(), description="What should be reached.")

    def look(self) -> Look:
        """Return how dashboards look at first."""
        return Look(self.window_s, self.refresh_s)

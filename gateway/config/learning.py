"""Settings of what learns from outcomes, and of where decisions and outcomes are kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from gateway.config.section import Seconds, Section, Share
from gateway.core.matching import LayerName

Weight = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class Method(StrEnum):
    """How the layers' proposals become one choice."""

    CASCADE = "cascade"
    FUSION = "fusion"


class OnAbstain(StrEnum):
    """What happens to a request about which no layer is sure enough."""

    RULES = "rules"
    CLARIFY = "clarify"


class LearningConfig(Section):
    """The learned layers of the router. Without outcomes and topics the rules alone decide."""

    enabled: bool = Field(default=True, description="Ask the learned layers; else rules only.")
    method: Method = Field(
        default=Method.CASCADE,
        description="cascade: the first layer that is sure decides; fusion: all of them together.",
    )
    layers: frozenset[LayerName] = Field(
        default=frozenset(LayerName) - {LayerName.CLARIFY}, description="Layers that are asked."
    )
    on_abstain: OnAbstain = Field(
        default=OnAbstain.RULES,
        description="When no layer is sure: rules, or clarify: refuse with questions.",
    )
    best_effort: bool = Field(
        default=False, description="Take the surest layer when none reaches its threshold."
    )
    by_priority: bool = Field(
        default=False,
        description="Interactive requests are for speed and batches for cost, unless they say.",
    )
    two_when_close: bool = Field(
        default=False, description="Ask for two candidates where two endpoints score alike."
    )
    builtin_topics: bool = Field(
        default=False, description="Add topics for security, constraints, speed, quality, docs."
    )
    embedder: str = Field(
        default="",
        description="Of the similarity layer: `module:callable`, or the path of an ONNX model; "
        "empty: hashed n-grams.",
    )
    keyword_weight: Weight = Field(default=0.40, description="Weight in the fusion.")
    similarity_weight: Weight = Field(default=0.40, description="Weight in the fusion.")
    shape_weight: Weight = Field(default=0.15, description="Weight in the fusion.")
    knn_weight: Weight = Field(default=0.40, description="Weight in the fusion.")
    head_weight: Weight = Field(default=0.40, description="Weight in the fusion.")
    shape_boost: float = Field(
        default=1.3, ge=1, le=10, allow_inf_nan=False, description="Boost of the shape layer alone."
    )
    high: Share = Field(default=0.70, description="Evidence of a HIGH match.")
    medium: Share = Field(default=0.50, description="Evidence of a MEDIUM match.")
    coverage: Share = Field(default=0.50, description="Coverage of a HIGH match.")
    ambiguity: Share = Field(
        default=0.15, description="Two endpoints whose scores are closer than this are alike."
    )
    parallel: bool = Field(default=True, description="Run layers that wait at the same time.")
    workers: int = Field(default=4, ge=1, le=64, description="Threads for layers that block.")
    timeout_s: Seconds = Field(default=5.0, description="Longest time of one layer.")
    share: float = Field(
        default=0.2, gt=0, le=1, description="Part of a request's time that all layers may take."
    )
    shadow_share: Share = Field(
        default=0.1,
        description="Share of decisions after which the layers left run too, where they only "
        "compute, so that it is known what they would have said.",
    )
    min_gain: Share = Field(
        default=0.02,
        description="A dearer endpoint is taken where its predicted quality is better by this.",
    )
    from_checks: bool = Field(
        default=True, description="Learn from unit tests that the gateway itself ran."
    )
    tick_s: Seconds = Field(default=2.0, description="Time between two looks at new outcomes.")
    max_observations: int = Field(
        default=10_000, ge=100, le=100_000, description="Latest outcomes that the layers know."
    )

    @model_validator(mode="after")
    def levels_in_order(self) -> LearningConfig:
        """A medium match cannot ask for more than a high one."""
        if self.medium > self.high:
            raise ValueError("medium must not be above high")
        return self


class OutcomesConfig(Section):
    """Where decisions and what callers report about them are kept."""

    enabled: bool = Field(
        default=True, description="Give each decision an id and take outcomes for it."
    )
    path: str = Field(
        default=":memory:", description="SQLite file; :memory: forgets everything at the end."
    )
    max_events: int = Field(
        default=10_000, ge=100, le=100_000_000, description="Latest decisions that are kept."
    )
    max_age_h: float = Field(
        default=720.0, gt=0, le=87_600, description="Age in hours of the oldest decision."
    )
    queue: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Decisions waiting to be written; more drop.",
    )
    call_s: Seconds = Field(default=5.0, description="Longest time of one call to the store.")
    features_per_s: int = Field(
        default=50,
        ge=0,
        le=1_000_000,
        description="Requests a second whose features are computed only to be recorded.",
    )
    log_path: str = Field(
        default="", description="Folder of a JSON-lines log of events; empty: none is written."
    )
    log_bytes: int = Field(
        default=64 * 1024 * 1024, ge=4096, description="Size at which the log starts a new file."
    )
    log_age_h: float = Field(
        default=720.0, gt=0, le=87_600, description="Age at which it starts a new file."
    )
    log_files: int = Field(default=12, ge=1, le=10_000, description="Files of the log kept.")

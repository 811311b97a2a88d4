"""The settings of everything that guards requests and attempts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.config.section import Seconds, Section, Share
from gateway.ensemble.hold import Boundary

OffSeconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class RetryConfig(Section):
    """Retries on the same endpoint or group, as gRFC A6 has them; transient faults only."""

    max_tries: int = Field(
        default=3, ge=1, le=5, description="Tries on one endpoint or group, the first included."
    )
    base_s: Seconds = Field(default=0.1, description="Wait before the first retry, ±20%.")
    factor: float = Field(default=2.0, ge=1, le=10, description="Growth of the wait.")
    max_s: Seconds = Field(default=2.0, description="Longest wait, ±20%.")
    budget_tokens: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Failures an endpoint's retry budget holds; no retry from half of it on.",
    )
    budget_ratio: float = Field(
        default=0.1, ge=0.001, le=10, description="What a success gives back to that budget."
    )


class HedgeConfig(Section):
    """A second call where the first is slower than 95% of the others; off by default."""

    enabled: bool = Field(default=False, description="Hedge calls to idempotent endpoints.")
    budget: float = Field(
        default=0.05, ge=0.001, le=1, description="Hedges for each call, at most: 0.05 is 5%."
    )
    max_calls: int = Field(default=2, ge=2, le=5, description="Calls at once, the first included.")


class BreakerConfig(Section):
    """The circuit breaker of each endpoint."""

    failure_share: float = Field(
        default=0.5, gt=0, le=1, description="Opens at this share of failures."
    )
    slow_share: float = Field(
        default=1.0, gt=0, le=1, description="Opens at this share of slow calls."
    )
    slow_s: Seconds = Field(default=60.0, description="A unary call of this time is slow.")
    minimum_calls: int = Field(
        default=10, ge=1, le=100_000, description="Calls in the window before it may open."
    )
    window: Literal["count", "time"] = Field(
        default="count", description="The window holds the last calls, or the last seconds."
    )
    window_size: int = Field(
        default=50, ge=1, le=3600, description="Calls, or seconds, in the window."
    )
    open_s: Seconds = Field(default=5.0, description="Time before it lets calls try again.")
    permits: int = Field(default=3, ge=1, le=1000, description="Calls let through to try.")
    half_open_max_s: OffSeconds = Field(
        default=0.0, description="Longest trying before it opens again; 0 = no limit."
    )

    @model_validator(mode="after")
    def window_holds_the_minimum(self) -> BreakerConfig:
        """A breaker that never has calls enough would never open."""
        if self.window == "count" and self.minimum_calls > self.window_size:
            raise ValueError("minimum_calls must not be above window_size")
        return self


class TimeoutConfig(Section):
    """Stalls of a streamed answer; the total is each endpoint's timeout_s. 0 = off."""

    first_text_s: OffSeconds = Field(default=0.0, description="Longest wait for the first text.")
    between_texts_s: OffSeconds = Field(
        default=30.0, description="Longest silence of an endpoint within a streamed answer."
    )


class StreamConfig(Section):
    """When a streamed answer is committed to."""

    hold: Boundary = Field(
        default=Boundary.LINE,
        description="Keep text back until this boundary; until then a fallback is silent.",
    )
    hold_chars: int = Field(
        default=1024, ge=1, le=1_048_576, description="Most characters kept back without one."
    )


class AdmissionConfig(Section):
    """How many requests are worked on at once, and how many wait for their turn."""

    max_running: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Worked on at once, open streams included."
    )
    max_queued: int = Field(default=2_000, ge=0, le=1_000_000, description="Waiting at once.")
    max_queued_per_tenant: int = Field(
        default=1024, ge=0, le=1_000_000, description="Waiting at once of one tenant."
    )
    max_wait_s: Seconds = Field(default=30.0, description="Longest wait of one request.")


class TenantBudgetConfig(Section):
    """What each tenant (`x-ensemble-tenant`) may spend in a window of time; no limit by default."""

    window_s: Seconds = Field(default=3600.0, description="Length of the window.")
    max_cost_micros: int | None = Field(
        default=None, ge=0, description="Cost in millionths of the configured currency."
    )
    max_tokens: int | None = Field(default=None, ge=1, description="Tokens written.")
    max_attempts: int | None = Field(default=None, ge=1, description="Calls to endpoints.")


class IdempotencyConfig(Section):
    """Answers kept for callers who repeat a request_id."""

    window_s: Seconds = Field(default=600.0, description="How long an answer is kept.")
    max_entries: int = Field(default=10_000, ge=1, le=1_000_000, description="Most answers kept.")
    max_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024, le=2**40, description="Most bytes of answers kept."
    )


class BalanceConfig(Section):
    """How a replica of a group is chosen."""

    by: Literal["load", "session"] = Field(
        default="load",
        description="load: the less loaded of two at random; session: the same for a session_id.",
    )
    decay_s: Seconds = Field(default=10.0, description="Time in which a latency peak fades.")


class EjectionConfig(Section):
    """Replicas that do much worse than the others of their group rest for a while (gRFC A50)."""

    enabled: bool = Field(default=True, description="Eject outliers.")
    interval_s: Seconds = Field(default=10.0, description="Time between judgements.")
    base_s: Seconds = Field(default=30.0, description="First rest; grows with each one.")
    max_s: Seconds = Field(default=300.0, description="Longest rest.")
    max_percent: int = Field(
        default=10, ge=0, le=100, description="Most replicas of a group at rest; at least one."
    )


class WarmupConfig(Section):
    """Endpoints with `warmup = true` start with a small share of the traffic."""

    share: float = Field(default=0.05, gt=0, le=1, description="Share of what would go to it.")
    calls: int = Field(default=50, ge=1, le=100_000, description="Calls before it may graduate.")
    success: Share = Field(default=0.8, description="Success rate it needs to graduate.")


class HealthCheck(StrEnum):
    """How an endpoint is asked whether it serves."""

    AUTO = "auto"
    NONE = "none"
    WATCH = "watch"
    HTTP = "http"


class HealthConfig(Section):
    """Active health checks of endpoints."""

    interval_s: Seconds = Field(default=5.0, description="Time between HTTP or oip checks.")
    timeout_s: Seconds = Field(default=2.0, description="Longest HTTP or oip check.")
    healthy_after: int = Field(
        default=1, ge=1, le=100, description="Good checks in a row to serve."
    )
    unhealthy_after: int = Field(
        default=2, ge=1, le=100, description="Bad checks in a row to stop serving."
    )


class BreakerMode(StrEnum):
    """Whether an endpoint's breaker decides, or an operator did."""

    AUTO = "auto"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"
    FORCED_OPEN = "forced_open"


class Concurrency(StrEnum):
    """Where the limit of calls at once comes from."""

    FIXED = "fixed"
    ADAPTIVE = "adaptive"

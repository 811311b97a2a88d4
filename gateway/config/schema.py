"""Every setting, its range and its default. docs/config.md is generated from this file.

Precedence: command line, environment (`ENSEMBLE_SECTION__KEY`), configuration file, default.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.config.cache import CacheConfig
from gateway.config.checking import ChecksConfig, SandboxConfig
from gateway.config.dashboard import DashboardConfig
from gateway.config.experiments import AdaptiveConfig, ExperimentConfig
from gateway.config.jobs import JobsConfig
from gateway.config.learning import LearningConfig, OutcomesConfig
from gateway.config.oip import OipConfig, OipTensors
from gateway.config.openai import OpenAiConfig
from gateway.config.pipeline_tables import PipelineTable
from gateway.config.reliability import (
    AdmissionConfig,
    BalanceConfig,
    BreakerConfig,
    BreakerMode,
    Concurrency,
    EjectionConfig,
    HealthCheck,
    HealthConfig,
    HedgeConfig,
    IdempotencyConfig,
    RetryConfig,
    StreamConfig,
    TenantBudgetConfig,
    TimeoutConfig,
    WarmupConfig,
)
from gateway.config.section import Name, Seconds, Section
from gateway.config.telemetry import AdminConfig, TelemetryConfig
from gateway.config.topics import TopicTable
from gateway.config.trace import TraceConfig
from gateway.config.tuner import TunerConfig
from gateway.core.decision import ChainPolicy
from gateway.core.endpoint import Capability, Protocol, Transport
from gateway.upstreams.openai_fim import FimStyle, template_of
from gateway.upstreams.options import Dialect, OpenAiMode


class ServerConfig(Section):
    """The listener."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=50051, ge=0, le=65535, description="Port; 0 takes a free one.")
    default_deadline_s: Seconds = Field(
        default=300.0, description="Deadline of a caller without one, and the longest allowed."
    )
    max_message_bytes: int = Field(
        default=8 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024, description="Largest message taken."
    )
    max_in_flight: int = Field(
        default=12_000, ge=1, le=1_000_000, description="RPCs served at once; more are refused."
    )
    batch_in_flight: int = Field(
        default=16, ge=1, le=1024, description="Holes of one batch stream worked on at once."
    )
    drain_delay_s: float = Field(
        default=0.0, ge=0, le=600, description="Time between NOT_SERVING and the end of listening."
    )
    drain_grace_s: Seconds = Field(
        default=305.0, description="Time for running requests to end; above the longest deadline."
    )
    reflection: bool = Field(default=True, description="Serve gRPC reflection.")
    transport: Transport = Field(
        default=Transport.GRPCIO,
        description="What carries gRPC; h2 is the gateway's own engine: quicker, and young.",
    )

    @model_validator(mode="after")
    def grace_outlasts_deadlines(self) -> ServerConfig:
        """A grace shorter than a deadline would make callers send a running job twice."""
        if self.drain_grace_s < self.default_deadline_s:
            raise ValueError("drain_grace_s must be at least default_deadline_s")
        return self


class EnsembleConfig(Section):
    """Fallback and best-of-N."""

    fallback_enabled: bool = Field(
        default=True, description="Walk the chain when the primary fails."
    )
    max_attempts: int = Field(
        default=3, ge=1, le=10, description="Endpoints tried in sequence, the primary included."
    )
    best_of_n: int | None = Field(
        default=None, ge=1, le=128, description="Most candidates when the request does not say."
    )
    in_flight: int = Field(
        default=4, ge=1, le=128, description="Candidates of one request asked for at once."
    )
    margin: float = Field(
        default=1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How sure a choice by test cases must be to ask for fewer; 1 is certain.",
    )
    min_confidence: float = Field(
        default=0.6,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Least confidence of a fill of a refinement.",
    )
    default_endpoint: str | None = Field(
        default=None, description="Endpoint when no rule matches; default: the first one listed."
    )
    scorer: Literal["default", "legacy_speed"] = Field(
        default="default",
        description="How confidence is computed; legacy_speed is for parity only.",
    )


class RouterConfig(Section):
    """Thresholds of the routing rules."""

    constraint_limit: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="More constraints than this go to constrained generation.",
    )
    fast_below: float = Field(default=0.3, ge=0, le=1, description="Complexity below this is fast.")
    quality_above: float = Field(
        default=0.7, ge=0, le=1, description="Complexity above this is hard."
    )
    complexity: Literal["v1", "v2"] = Field(default="v2", description="Complexity estimator.")
    security_chain: ChainPolicy = Field(
        default=ChainPolicy.STRICT, description="Chain of secure holes."
    )
    constrained_chain: ChainPolicy = Field(
        default=ChainPolicy.PREFER, description="Chain of that rule."
    )
    fast_chain: ChainPolicy = Field(default=ChainPolicy.PREFER, description="Chain of that rule.")
    quality_chain: ChainPolicy = Field(
        default=ChainPolicy.PREFER, description="Chain of that rule."
    )

    @model_validator(mode="after")
    def bands_do_not_overlap(self) -> RouterConfig:
        """A hole cannot be both simple and hard."""
        if self.fast_below > self.quality_above:
            raise ValueError("fast_below must not be above quality_above")
        return self


class MetricsConfig(Section):
    """The sliding window of the per-endpoint counters."""

    window_s: Seconds = Field(default=300.0, description="Age of the oldest attempt in the window.")
    window_attempts: int = Field(
        default=256, ge=1, le=10_000, description="Most attempts in the window."
    )


class LogConfig(Section):
    """Log lines go to standard error; none ever holds a prompt or a completion."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level."
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto is text on a terminal, else JSON."
    )


class EndpointConfig(Section):
    """One remote model."""

    name: Name = Field(description="Unique name.")
    url: str = Field(
        description="native, oip: host:port, grpc:// or grpcs://; openai: http(s)://host/v1."
    )
    protocol: Protocol = Field(default=Protocol.NATIVE, description="How to speak to it.")
    model: str = Field(default="", description="Model to ask for; empty = the server's default.")
    capabilities: frozenset[Capability] = Field(
        default=frozenset({Capability.CODE_COMPLETION}), description="What it is good at."
    )
    priority: int = Field(default=0, ge=-1000, le=1000, description="Lower is tried first.")
    cost_per_1k_tokens: float = Field(
        default=0.0, ge=0, le=1000, allow_inf_nan=False, description="Price of 1,000 tokens."
    )
    timeout_s: Seconds = Field(default=300.0, description="Longest time of one attempt.")
    max_context: int = Field(default=0, ge=0, description="Tokens it takes in all; 0 = not stated.")
    tags: frozenset[str] = Field(default=frozenset(), description="Free tags for hard filters.")
    drained: bool = Field(default=False, description="Give it no requests.")
    continues: bool = Field(default=True, description="It can go on from a partial answer.")
    group: Name | None = Field(
        default=None, description="Replicas of one model share a group; routed to as one endpoint."
    )
    weight: float = Field(
        default=1.0, gt=0, le=1000, description="Share of its group's traffic, relative."
    )
    idempotent: bool = Field(
        default=True, description="Asking it twice does no harm; else no hedges, few retries."
    )
    max_concurrency: int = Field(
        default=1024, ge=1, le=1_000_000, description="Most calls at once."
    )
    concurrency: Concurrency = Field(
        default=Concurrency.FIXED, description="adaptive finds a lower limit by latency."
    )
    max_waiting: int = Field(
        default=64, ge=0, le=100_000, description="Calls that wait when no other endpoint is left."
    )
    breaker: BreakerMode = Field(
        default=BreakerMode.AUTO, description="auto, or what an operator decides instead."
    )
    health: HealthCheck = Field(
        default=HealthCheck.AUTO,
        description="auto: http where health_path is set, else watch for native ones, "
        "ServerReady and ModelReady for oip, none for openai.",
    )
    health_path: str = Field(default="", description="http: path that answers 2xx when it serves.")
    health_service: str = Field(default="", description="watch: service name to ask for.")
    warmup: bool = Field(default=False, description="New: a small share of traffic at first.")
    transport: Transport = Field(
        default=Transport.GRPCIO,
        description="native, oip: what carries gRPC; h2 is the gateway's own engine.",
    )
    secret_ref: str | None = Field(
        default=None, description="env:NAME or file:/path of its bearer token."
    )
    openai_mode: OpenAiMode = Field(
        default=OpenAiMode.CHAT, description="openai: which call to use."
    )
    dialect: Dialect = Field(default=Dialect.OPENAI, description="openai: which fields it has.")
    logprobs: bool = Field(default=False, description="openai: ask for log-probabilities.")
    fim: FimStyle = Field(
        default=FimStyle.SERVER,
        description="openai completions: how the text after the hole is told; server: by `suffix`.",
    )
    fim_template: str = Field(
        default="",
        max_length=1024,
        description="fim = custom: the prompt, with {prefix} and {suffix} once each.",
    )
    fim_stop: tuple[str, ...] = Field(
        default=(), max_length=16, description="fim = custom: texts that end a fill."
    )

    oip: OipTensors = Field(
        default=OipTensors(), description="oip: its tensors, and how it streams."
    )

    @model_validator(mode="after")
    def oip_fits(self) -> EndpointConfig:
        """The protocol has no default model, and a table that nobody reads is a mistake."""
        if self.protocol is Protocol.OIP and not self.model:
            raise ValueError('protocol = "oip" needs model: a server has any number of them')
        if self.protocol is not Protocol.OIP and self.oip != OipTensors():
            raise ValueError('oip applies to protocol = "oip" only; remove it')
        return self

    @model_validator(mode="after")
    def health_check_fits(self) -> EndpointConfig:
        """A check that cannot be made would leave the endpoint unchecked without a word."""
        if self.health is HealthCheck.HTTP and not self.health_path:
            raise ValueError('health = "http" needs health_path')
        if self.health is HealthCheck.WATCH and self.protocol is not Protocol.NATIVE:
            raise ValueError('health = "watch" needs protocol = "native"; use http')
        return self

    @model_validator(mode="after")
    def fim_can_be_used(self) -> EndpointConfig:
        """A template that is not used, or holds one side only, would spoil fills without a word."""
        custom = self.fim is FimStyle.CUSTOM
        if not custom and (self.fim_template or self.fim_stop):
            raise ValueError('fim_template and fim_stop need fim = "custom"')
        if self.fim is not FimStyle.SERVER and self.openai_mode is not OpenAiMode.COMPLETIONS:
            raise ValueError('fim needs openai_mode = "completions"')
        if custom:
            try:
                template_of(self.fim, self.fim_template)
            except ValueError as error:
                raise ValueError(f"fim_template: {error}") from None
        return self

    @field_validator("secret_ref")
    @classmethod
    def secret_by_reference(cls, value: str | None) -> str | None:
        """Refuse a token written into the file, without repeating it."""
        if value is not None and not (
            (value.startswith("env:") and value[4:].isidentifier()) or value.startswith("file:/")
        ):
            raise ValueError("must be env:NAME or file:/path, never the secret itself")
        return value


class Settings(BaseSettings):
    """A whole configuration. Load it with `gateway.config.load.load`."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="ENSEMBLE_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    server: ServerConfig = Field(default=ServerConfig(), description="The listener.")
    ensemble: EnsembleConfig = Field(default=EnsembleConfig(), description="The ensemble.")
    router: RouterConfig = Field(default=RouterConfig(), description="The routing rules.")
    admission: AdmissionConfig = Field(default=AdmissionConfig(), description="Admission.")
    idempotency: IdempotencyConfig = Field(
        default=IdempotencyConfig(), description="Repeated requests."
    )
    cache: CacheConfig = Field(default=CacheConfig(), description="The result cache.")
    jobs: JobsConfig = Field(default=JobsConfig(), description="Jobs and their commands.")
    tenant_budget: TenantBudgetConfig = Field(
        default=TenantBudgetConfig(), description="Budgets of tenants."
    )
    stream: StreamConfig = Field(default=StreamConfig(), description="Streamed answers.")
    retry: RetryConfig = Field(default=RetryConfig(), description="Retries.")
    hedge: HedgeConfig = Field(default=HedgeConfig(), description="Hedges.")
    timeouts: TimeoutConfig = Field(default=TimeoutConfig(), description="Stalls.")
    breaker: BreakerConfig = Field(default=BreakerConfig(), description="Circuit breakers.")
    balance: BalanceConfig = Field(default=BalanceConfig(), description="Choice of replicas.")
    ejection: EjectionConfig = Field(default=EjectionConfig(), description="Outlier ejection.")
    warmup: WarmupConfig = Field(default=WarmupConfig(), description="New endpoints.")
    health: HealthConfig = Field(default=HealthConfig(), description="Health checks.")
    sandbox: SandboxConfig = Field(default=SandboxConfig(), description="Running candidates.")
    checks: ChecksConfig = Field(default=ChecksConfig(), description="Tools of the checks.")
    learning: LearningConfig = Field(default=LearningConfig(), description="Learned routing.")
    outcomes: OutcomesConfig = Field(default=OutcomesConfig(), description="Decisions kept.")
    tuner: TunerConfig = Field(default=TunerConfig(), description="Proposals of thresholds.")
    adaptive: AdaptiveConfig = Field(default=AdaptiveConfig(), description="Adaptive policy.")
    metrics: MetricsConfig = Field(default=MetricsConfig(), description="Counters.")
    telemetry: TelemetryConfig = Field(default=TelemetryConfig(), description="Traces, metrics.")
    admin: AdminConfig = Field(default=AdminConfig(), description="The admin listener.")
    dashboard: DashboardConfig = Field(default=DashboardConfig(), description="Dashboards.")
    trace: TraceConfig = Field(default=TraceConfig(), description="Execution traces.")
    log: LogConfig = Field(default=LogConfig(), description="Logs.")
    oip: OipConfig = Field(default=OipConfig(), description="Open Inference Protocol.")
    openai: OpenAiConfig = Field(default=OpenAiConfig(), description="The OpenAI API, in.")
    endpoint: tuple[EndpointConfig, ...] = Field(default=(), description="The remote models.")
    pipeline: tuple[PipelineTable, ...] = Field(default=(), description="Own pipelines.")
    topic: tuple[TopicTable, ...] = Field(default=(), description="What requests are about.")
    experiment: tuple[ExperimentConfig, ...] = Field(default=(), description="Experiments.")

"""What the tools about traces and endpoints answer. Times are milliseconds, prices micros."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """A part of an answer; a name that is not declared is a mistake of ours."""

    model_config = ConfigDict(extra="forbid")


class Latency(Answer):
    """Times of what was counted; zeros when nothing was."""

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Operation(Answer):
    """A stage over the window; `request` is the whole."""

    name: str
    calls: int
    errors: int
    error_rate: float
    latency: Latency


class Matcher(Operation):
    """A matcher of the router."""

    mean_confidence: float
    hit_rate: float = Field(description="Share of runs that proposed an endpoint.")


class Model(Operation):
    """An endpoint."""

    retries: int
    prompt_tokens: int
    completion_tokens: int
    cost_micros: int = Field(description="Millionths of the configured currency.")


class Totals(Answer):
    """All requests since the gateway started, traced or not."""

    uptime_s: float
    requests: int
    succeeded: int
    failed: int
    attempts: int
    fallback_used: int
    retries: int
    hedges: int
    shed: int = Field(description="Turned away because the gateway had too much to do.")


class Window(Answer):
    """What the kept traces say together."""

    window: str = Field(description="The window in words.")
    since: str = Field(description="When its first request began, ISO 8601; empty without any.")
    requests: int
    failed: int
    fallback_used: int
    traces_recorded: int = Field(description="Since the start.")
    traces_evicted: int
    traces_running: int
    traces_bytes: int = Field(description="About the memory that the kept traces take.")
    operations: list[Operation]
    matchers: list[Matcher]
    models: list[Model]
    omitted: int = Field(description="Entries left out of the three lists.")


class Telemetry(Answer):
    """Totals since the start, and averages over the traced requests."""

    since_start: Totals
    traced: Window | None = Field(description="null where the gateway keeps no traces.")
    note: str = Field(description="Why `traced` is null; else empty.")


class KeptText(Answer):
    """What the gateway keeps of a prompt or an answer, by its own policy."""

    policy: str = Field(description="none, hash, first or full.")
    sha256: str
    chars: int
    text: str


class WhyFailed(Answer):
    """Why a request failed."""

    kind: str
    origin: str = Field(description="Whose doing it was: caller, us, upstream.")
    reason: str
    message: str


class Summary(Answer):
    """One traced request, without its stages."""

    trace_id: str
    request_id: str
    decision_id: str
    started_at: str = Field(description="ISO 8601.")
    elapsed_ms: float
    status: str
    endpoint: str
    model: str
    decided_by: str
    rule: str
    confidence: float
    level: str
    dry_run: bool
    failure: WhyFailed | None
    prompt: KeptText


class Traces(Answer):
    """Traces, newest first."""

    traces: list[Summary]


class Stage(Answer):
    """One stage of a request."""

    id: int
    parent: int = Field(description="The stage that it is part of; 0 is the request.")
    name: str
    status: str
    started_ms: float = Field(description="From the beginning of the request.")
    elapsed_ms: float
    self_ms: float = Field(description="Without the stages inside it.")
    attributes: dict[str, str]


class Change(Answer):
    """Something of the gateway's state that was not the same after the request."""

    name: str
    before: str
    after: str


class WholeTrace(Summary):
    """One traced request with its stages."""

    answer: KeptText
    stages: list[Stage]
    omitted_stages: int = Field(description="Stages that are not in the list.")
    changes: list[Change]


class Exported(Answer):
    """A file that was written."""

    file: str = Field(description="Its name in the directory given by --export-dir.")
    format: str
    traces: int
    bytes: int


class Endpoint(Answer):
    """One endpoint as configured, and how it does at this moment."""

    name: str
    protocol: str
    url: str
    model: str
    capabilities: list[str]
    tags: list[str]
    group: str
    priority: int
    cost_micros_per_1k_tokens: int
    timeout_ms: float
    max_context_tokens: int = Field(description="0: not stated.")
    is_default: bool
    drained: bool
    breaker: str
    health: str
    ejected: bool
    warming_up: bool
    failure_rate: float | None = Field(description="null while too few calls were counted.")
    in_flight: int
    waiting: int


class Endpoints(Answer):
    """Endpoints in the router's order."""

    endpoints: list[Endpoint]
    omitted: int

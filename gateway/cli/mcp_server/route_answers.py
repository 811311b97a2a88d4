"""What the tools about a hole answer: where it would go and why, or its fill."""

from __future__ import annotations

from pydantic import Field

from gateway.cli.mcp_server.answers import Answer


class Excluded(Answer):
    """An endpoint that a hard filter took out."""

    endpoint: str
    reason: str
    detail: str


class Layer(Answer):
    """One layer's part in the decision."""

    layer: str
    status: str
    confidence: float
    threshold: float = Field(description="The confidence with which it decides.")
    endpoint: str
    topic: str
    reason: str
    shadow: bool
    elapsed_ms: float
    details: dict[str, str]


class Score(Answer):
    """An endpoint and its rank."""

    endpoint: str
    utility: float = Field(description="Ranks within this decision; no probability.")
    factors: dict[str, float]
    quality: float | None
    propensity: float


class Learned(Answer):
    """What the learned router found."""

    decided_by: str
    confidence: float
    level: str = Field(description="high, medium, low or none.")
    ambiguous: bool
    evidence: float
    coverage: float
    support: float = Field(description="Share of the prediction that rests on outcomes.")
    observations: int
    layers: list[Layer]
    scores: list[Score]
    features: dict[str, str]
    hints: dict[str, str]
    arms: dict[str, str]
    predictions: list[str]


class Questions(Answer):
    """The router cannot tell; generate would be refused until one of these is said."""

    questions: list[str]
    candidates: list[str]


class Route(Answer):
    """Where a hole would go."""

    primary: str
    fallbacks: list[str]
    why: str = Field(description="Why the primary won, in one sentence.")
    rule: str
    detail: str = Field(description="The rule in words, with the numbers that decided.")
    capability: str
    complexity: float
    estimator: str
    chain_policy: str
    excluded: list[Excluded]
    snapshot_version: int
    decision_id: str
    clarification: Questions | None
    learned: Learned | None = Field(description="null where only the rules were asked.")


class Verdict(Answer):
    """What one check found about the fill."""

    constraint: str
    status: str = Field(description="passed, failed, or unchecked, which never counts as passed.")
    reason: str
    required: bool


class Attempt(Answer):
    """One call to an endpoint."""

    endpoint: str
    try_number: int
    status: str
    reason: str
    detail: str
    elapsed_ms: float
    cost_micros: int
    candidate: int


class Fill(Answer):
    """A fill and what came with it."""

    text: str = Field(description="The model's own words, unchanged; cut where `text_cut` says so.")
    text_chars: int = Field(description="Length of the whole fill.")
    text_cut: bool
    finish_reason: str
    endpoint: str
    model: str
    confidence: float
    confidence_method: str
    verdicts: list[Verdict]
    attempts: list[Attempt]
    omitted_attempts: int
    prompt_tokens: int
    completion_tokens: int
    cost_micros: int = Field(description="Of all attempts, millionths of the configured currency.")
    elapsed_ms: float
    cached: bool
    request_id: str
    decision_id: str
    trace_id: str

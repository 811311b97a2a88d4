"""What an endpoint wrote, and what became of each call."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.chat import ToolCall
from gateway.core.constraint import Verdict
from gateway.core.value import value


class FinishReason(StrEnum):
    """Why generation ended."""

    UNSPECIFIED = "unspecified"
    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


@value
class Usage:
    """Tokens read and written, as the endpoint reported them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


NO_USAGE = Usage()


@value
class Completion:
    """A finished text of one endpoint. `logprobs`: one natural logarithm a token, or empty.

    `tokens`: the text of each of them, or empty. `tool_calls`: what a model in chat wants called,
    beside its text or in the place of one.
    """

    text: str
    finish_reason: FinishReason = FinishReason.UNSPECIFIED
    model: str = ""
    usage: Usage = NO_USAGE
    logprobs: tuple[float, ...] = ()
    tokens: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()


class AttemptStatus(StrEnum):
    """How a call to an endpoint ended."""

    OK = "ok"
    REJECTED = "rejected"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@value
class Attempt:
    """One call to one endpoint. `try_number` is 1-based; `reason` is a `Reason` or empty.

    `usage` is as reported. `cost_micros` is the cost of that, or of a guess where the endpoint may
    have worked without telling: a token for every 4 characters of prompt and text received.
    `part` names the hole of a refinement or the step of a pipeline that it was made for.
    """

    endpoint: str
    try_number: int
    status: AttemptStatus
    reason: str = ""
    detail: str = ""
    elapsed_s: float = 0.0
    usage: Usage = NO_USAGE
    cost_micros: int = 0
    candidate: int = 0
    part: str = ""


@value
class Candidate:
    """A completed text with what the checks found. `confidence` is finite and in 0..1.

    `elapsed_s` is the time from the call to its text, tries included; `check_s` that of the checks.
    `behaviour` says of each test case that ran whether it passed; `cluster` numbers the groups of
    candidates that behave alike, and `utility` is what the choice among them went by.
    """

    index: int
    endpoint: str
    completion: Completion
    verdicts: tuple[Verdict, ...] = ()
    confidence: float = 0.0
    method: str = ""
    seed: int | None = None
    temperature: float | None = None
    elapsed_s: float = 0.0
    check_s: float = 0.0
    behaviour: tuple[bool, ...] = ()
    cluster: int | None = None
    utility: float | None = None

    @property
    def accepted(self) -> bool:
        """True when no required check failed."""
        for verdict in self.verdicts:  # noqa: SIM110 - a generator costs more than most loops
            if verdict.refuses:
                return False
        return True

    def rated(self, confidence: float, method: str) -> Candidate:
        """Return the same candidate with a confidence and how it was computed."""
        return Candidate(
            self.index,
            self.endpoint,
            self.completion,
            self.verdicts,
            confidence,
            method,
            self.seed,
            self.temperature,
            self.elapsed_s,
            self.check_s,
            self.behaviour,
            self.cluster,
            self.utility,
        )

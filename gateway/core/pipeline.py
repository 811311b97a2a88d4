"""Pipelines: named steps from a draft to a verified text, and what came of a run."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.candidate import NO_USAGE, Attempt, Usage
from gateway.core.constraint import Verdict
from gateway.core.value import value


class StepKind(StrEnum):
    """What a step does (Y-01)."""

    DRAFT = "draft"
    CRITIQUE = "critique"
    REPAIR = "repair"
    VALIDATE = "validate"
    SELECT = "select"


class StepStatus(StrEnum):
    """How a step ended (Y-02)."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    FELL_BACK = "fell_back"
    NOT_NEEDED = "not_needed"


class OnError(StrEnum):
    """What a failed step does to its pipeline (Y-02)."""

    FAIL_FAST = "fail_fast"
    SKIP = "skip"
    FALLBACK = "fallback"


@value
class PipelineRun:
    """What is asked: a pipeline by name, with values for its parameters."""

    pipeline: str
    parameters: tuple[tuple[str, str], ...] = ()


@value
class StepNode:
    """One step that ended, for a caller to see (Y-08); `round` is 1-based.

    `error` is a reason of `core.faults` and words. `inputs` name where they came from, such as
    `draft.text`.
    """

    step: str
    kind: StepKind
    status: StepStatus
    round: int = 1
    text: str = ""
    issues: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    confidence: float = 0.0
    endpoint: str = ""
    attempts: tuple[Attempt, ...] = ()
    error: str = ""
    inputs: tuple[str, ...] = ()
    elapsed_s: float = 0.0

    @property
    def usage(self) -> Usage:
        """Tokens of the step's calls together."""
        total = NO_USAGE
        for attempt in self.attempts:
            total = total.plus(attempt.usage)
        return total

    @property
    def cost_micros(self) -> int:
        """Estimated cost of the step's calls together."""
        return sum(attempt.cost_micros for attempt in self.attempts)


@value
class PipelineReport:
    """Every step in the order it ended."""

    pipeline: str
    nodes: tuple[StepNode, ...]

    @property
    def completed(self) -> int:
        """Steps that ended well."""
        return sum(node.status is StepStatus.OK for node in self.nodes)


@value
class PipelineStarted:
    """The steps that will run, in the order of their definition."""

    pipeline: str
    steps: tuple[str, ...]


@value
class StepEnded:
    """A step ended."""

    node: StepNode

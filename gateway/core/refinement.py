"""Many typed holes of one source: what is asked, where each hole stands, what came of them."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.constraint import Constraint, Verdict
from gateway.core.hole import NO_SPEC, HoleSpec
from gateway.core.value import value


class FailureStrategy(StrEnum):
    """What to do with a hole whose fill was not good enough (P-03)."""

    RETRY_ALTERNATE = "retry_alternate"
    DECOMPOSE = "decompose"
    HUMAN_REVIEW = "human_review"
    SKIP = "skip"


class HoleStatus(StrEnum):
    """Where a hole stands (P-03); BLOCKED: a hole that it depends on was not filled (P-05)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    FILLED = "filled"
    FAILED = "failed"
    SKIPPED = "skipped"
    NEEDS_HUMAN = "needs_human"
    PENDING_CHILDREN = "pending_children"
    BLOCKED = "blocked"


TEMPERATURES = (0.9, 0.7, 0.5, 0.3, 0.1)
"""Temperature of the first, second, ... try of a hole (P-02); the last one stays."""

FEWEST_ROUNDS = 10
"""Rounds that a refinement has at least, unless its caller says how many."""


@value
class RefineHole:
    """One hole of a source; `marker` is the text that stands for it there, exactly once."""

    id: str
    marker: str
    spec: HoleSpec = NO_SPEC
    constraints: tuple[Constraint, ...] = ()
    depends_on: tuple[str, ...] = ()
    on_failure: FailureStrategy | None = None


@value
class RefineOptions:
    """How the holes are worked on (P-02).

    `max_iterations` None: 10 rounds, or one for each wave of holes where there are more. A round
    tries every hole that is ready once. `min_confidence` None: the configured one.
    """

    max_iterations: int | None = None
    min_confidence: float | None = None
    parallel: bool = True
    temperatures: tuple[float, ...] = TEMPERATURES
    on_failure: FailureStrategy = FailureStrategy.RETRY_ALTERNATE


@value
class Refinement:
    """What is asked about a source, which is the `prompt` of the request's hole."""

    holes: tuple[RefineHole, ...]
    options: RefineOptions = RefineOptions()


@value
class RefinedHole:
    """A hole and what became of it.

    `fill` is the accepted one, or of a hole left to a person the best that was rejected. `tries`
    counts how often a chain of endpoints was asked; `temperature` is that of the last time.
    """

    id: str
    status: HoleStatus
    fill: str = ""
    confidence: float = 0.0
    method: str = ""
    endpoint: str = ""
    model: str = ""
    tries: int = 0
    temperature: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""
    parent: str = ""
    children: tuple[str, ...] = ()


@value
class RefineReport:
    """What came of all holes, children after their parents; `iterations` are the rounds made."""

    holes: tuple[RefinedHole, ...]
    iterations: int
    complete: bool


@value
class RefineStarted:
    """The plan: ids in waves, of which each depends on earlier ones only."""

    waves: tuple[tuple[str, ...], ...]


@value
class HoleProgress:
    """A hole went to another status, or was tried; `iteration` is 1-based."""

    hole: RefinedHole
    filled: int
    total: int
    iteration: int

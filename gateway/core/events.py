"""What happens while a hole is filled, in the order it happens; a streamed answer is made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt
from gateway.core.constraint import Verdict
from gateway.core.decision import RoutingDecision
from gateway.core.pipeline import PipelineStarted, StepEnded
from gateway.core.refinement import HoleProgress, RefineStarted
from gateway.core.value import value


@value
class Started:
    """The route is known; always first. `decision_id` is empty when it is not recorded."""

    decision: RoutingDecision
    decision_id: str = ""


@value
class Delta:
    """A piece of the text, to be appended."""

    text: str
    candidate: int
    endpoint: str


@value
class AttemptFailed:
    """An attempt was left; the next one, if any, follows."""

    attempt: Attempt


@value
class Failover:
    """Text was already sent; another endpoint goes on after `resumed_at` characters."""

    from_endpoint: str
    to_endpoint: str
    resumed_at: int


@value
class Judged:
    """A check of the streamed text ended."""

    verdict: Verdict


Event = (
    Started
    | Delta
    | AttemptFailed
    | Failover
    | Judged
    | RefineStarted
    | HoleProgress
    | PipelineStarted
    | StepEnded
)

Emit = Callable[[Event], Awaitable[None]]
"""Hands one event to the caller and returns when there is room for the next: back-pressure."""


def events_of(answer: Answer) -> tuple[Event, ...]:
    """Tell an answer that was not streamed as a stream would have."""
    chosen = answer.chosen
    text = chosen.completion.text
    deltas = (Delta(text, chosen.index, chosen.endpoint),) if text else ()
    started = Started(answer.decision, answer.decision_id)
    return (started, *deltas, *map(Judged, chosen.verdicts))

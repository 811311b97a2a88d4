"""One request on its way through the gateway, and what is known about it so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, Candidate
from gateway.core.deadline import Deadline
from gateway.core.decision import RoutingDecision
from gateway.core.events import Emit
from gateway.core.hole import Request
from gateway.core.jobs import Steering
from gateway.core.pipeline import PipelineRun
from gateway.core.refinement import Refinement
from gateway.core.tracing import TraceRecorder


@dataclass(slots=True)
class Exchange:
    """A request with its deadline, its listener and its record.

    The record (`decision`, `attempts`, `candidates`, `streamed`) only grows, so that an error can
    be explained from it however the request ended. `emit` is set for a streamed answer;
    `streamed` holds the pieces of text already handed to the caller; `exhausted` turns true when
    no endpoint that may be called is left. `fingerprint` is a digest of the request's body when
    the caller named the request, so that a repetition can be told from another request; else empty.
    `replayed` turns true when the result is that of work which another exchange accounts for: its
    calls must not be counted again. `work` is set when more than one hole is to be filled, or by
    more than one step. `decision_id` is the id under which the decision is recorded, empty while
    there is none or it is not recorded. `trace` records the stages of a traced request; None, which
    is looked at and nothing else, of any other. `sampled_as` is the trace id of its span, where it
    has one that is sampled. `job` is what the request is seen and steered by, None where it is not;
    a `detached` one goes on when its caller leaves.
    """

    request: Request
    deadline: Deadline
    emit: Emit | None = None
    decision: RoutingDecision | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    streamed: list[str] = field(default_factory=list[str])
    exhausted: bool = False
    fingerprint: bytes = b""
    replayed: bool = False
    work: Refinement | PipelineRun | None = None
    decision_id: str = ""
    trace: TraceRecorder | None = None
    sampled_as: str = ""
    job: Steering | None = None
    detached: bool = False

    @property
    def trace_id(self) -> str:
        """The id by which its stages, or its spans, are found; empty where neither are kept."""
        return self.sampled_as if self.trace is None else self.trace.trace_id


Handle = Callable[[Exchange], Awaitable[Answer]]
"""Answers an exchange; raises Fault."""

Guard = Callable[[Handle], Handle]
"""Wraps a handle with one concern. Order lives in `gateway.app.REQUEST_STACK`."""

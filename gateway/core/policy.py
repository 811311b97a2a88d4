"""The one shape of everything that wraps a call to an endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from gateway.core.candidate import Attempt, AttemptStatus, Completion, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.ports import SendText, Task
from gateway.core.trace import StageStatus
from gateway.core.tracing import TraceRecorder


class Account(Protocol):
    """Keeps what a request may spend. Reserve before a call, settle after it."""

    @property
    def limited(self) -> bool:
        """False when it allows everything, so that nothing has to be reserved or settled."""
        ...

    @property
    def retry_after_s(self) -> float | None:
        """Seconds after which what was refused last may be allowed; None when waiting is vain."""
        ...

    def reserve(self, task: Task) -> str:
        """Set the worst case of one more call aside; return why not when it does not fit."""
        ...

    def settle(self, task: Task, usage: Usage | None) -> None:
        """Replace the reserved worst case by what the call used; None, unknown, leaves it."""
        ...


class Recorder(Protocol):
    """Counts attempts for each endpoint."""

    def started(self, endpoint: str) -> None:
        """Count one more attempt in flight."""
        ...

    def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
        """Count one attempt less in flight, and its outcome."""
        ...


@dataclass(slots=True)
class Invocation:
    """One call as it passes through the attempt stack.

    `send` is set for a streamed answer; `sent` turns true with the first text handed to it, after
    which nothing may be tried again. `attempts` is the request's record, to which each finished
    try is appended. `try_number` is 1-based.
    `last` is false while another endpoint would be tried after this one; `ahead` names those, in
    order. `first_by` is the time on the clock by which the first text of a streamed answer has to
    come. `tried` names the replicas already called for it; `elsewhere` says, of a call to a group
    that failed, whether a replica not among them may be called. `hedged` turns true when a second
    call was sent beside the first: such an invocation is not retried. `counted` is true of one
    whose faults were counted in the throttle while it ran, since there were several. `in_line` is
    true while it waits for a slot of its endpoint.
    `done` is the record of the call that ended last, None while there is none; `received` are the
    characters of text that came in the running call or that one.
    `writer` names the endpoint of the text handed to `send` when a call beside this one wrote it.
    `given_up` says in words which command ended the call, empty while none did: whoever cancels it
    for one says so first, and whoever records the call writes it down.
    `trace` records the tries of a traced request.
    """

    task: Task
    deadline: Deadline
    attempts: list[Attempt]
    account: Account
    send: SendText | None = None
    sent: bool = False
    try_number: int = 1
    last: bool = True
    ahead: tuple[Endpoint, ...] = ()
    first_by: float = inf
    tried: list[str] = field(default_factory=list[str])
    elsewhere: bool = False
    hedged: bool = False
    counted: bool = False
    in_line: bool = False
    done: Attempt | None = None
    received: int = 0
    writer: str = ""
    given_up: str = ""
    trace: TraceRecorder | None = None


Call = Callable[[Invocation], Awaitable[Completion]]
"""Performs an invocation; raises Fault."""

Policy = Callable[[Call], Call]
"""Wraps a call with one concern. Order lives in `gateway.app`."""


def not_called(
    invocation: Invocation,
    reason: Reason,
    words: str,
    *,
    kind: Kind = Kind.UNAVAILABLE,
    origin: Origin = Origin.US,
    retry_after_s: float | None = None,
) -> Fault:
    """Record that a policy kept the endpoint from being called, and return the fault to raise.

    Such an attempt is SKIPPED in the answer and in no statistics of the endpoint.
    """
    task = invocation.task
    skipped = Attempt(
        task.endpoint.name,
        invocation.try_number,
        AttemptStatus.SKIPPED,
        reason,
        words,
        candidate=task.candidate,
    )
    invocation.attempts.append(skipped)
    if invocation.trace is not None:
        record_try(invocation.trace, skipped, invocation.trace.clock())
    return Fault(kind, origin, reason, words, retry_after_s=retry_after_s)


_STAGE_STATUS = {
    AttemptStatus.OK: StageStatus.OK,
    AttemptStatus.CANCELLED: StageStatus.CANCELLED,
    AttemptStatus.SKIPPED: StageStatus.SKIPPED,
}


def record_try(trace: TraceRecorder, attempt: Attempt, began: float) -> None:
    """Add one call to an endpoint to a trace; `began` is a reading of the clock."""
    trace.record(
        "try",
        began,
        attempt.elapsed_s,
        _STAGE_STATUS.get(attempt.status, StageStatus.FAILED),
        endpoint=attempt.endpoint,
        try_number=attempt.try_number,
        outcome=attempt.status,
        reason=attempt.reason,
        detail=attempt.detail,
        prompt_tokens=attempt.usage.prompt_tokens,
        completion_tokens=attempt.usage.completion_tokens,
        cost_micros=attempt.cost_micros,
    )

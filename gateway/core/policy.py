"""The one shape of everything that wraps a call to an endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.core.candidate import Attempt, Completion
from gateway.core.deadline import Deadline
from gateway.core.outcome import Outcome
from gateway.core.ports import SendText, Task


class Account(Protocol):
    """Keeps what a request may spend. Reserve before a call, settle after it."""

    def reserve(self, task: Task) -> str:
        """Set the worst case of one more call aside; return why not when it does not fit."""
        ...

    def settle(self, task: Task, attempt: Attempt) -> None:
        """Replace the reserved worst case by what the finished attempt really cost."""
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
    `last` is false while another endpoint would be tried after this one.
    """

    task: Task
    deadline: Deadline
    attempts: list[Attempt]
    account: Account
    send: SendText | None = None
    sent: bool = False
    try_number: int = 1
    last: bool = True


Call = Callable[[Invocation], Awaitable[Completion]]
"""Performs an invocation; raises Fault."""

Policy = Callable[[Call], Call]
"""Wraps a call with one concern. Order lives in `gateway.app.ATTEMPT_STACK`."""

"""What the inside asks of the outside. Adapters implement these; nothing here has a body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Request, Sampling
from gateway.core.value import value

Clock = Callable[[], float]
"""Seconds on a monotonic clock."""

SendText = Callable[[str], Awaitable[None]]
"""Takes one piece of streamed text; returns when the next may be sent."""


class Operation(StrEnum):
    """What is wanted of a model: a fill, what is wrong with a draft, or the draft without that."""

    GENERATE = "generate"
    CRITIQUE = "critique"
    REPAIR = "repair"


@value
class Draft:
    """An earlier text for the hole and what is wrong with it, a line each."""

    text: str
    issues: tuple[str, ...] = ()


@value
class Task:
    """What one endpoint is asked.

    `sampling` is that of this candidate. `partial` is set after a cut stream: the text already
    sent, from which the endpoint must go on. `tries_before` counts the earlier tries, of which
    the endpoint is told (gRFC A6). `draft` is what to criticise or repair, None to generate.
    """

    request: Request
    endpoint: Endpoint
    sampling: Sampling
    candidate: int = 0
    partial: str = ""
    tries_before: int = 0
    operation: Operation = Operation.GENERATE
    draft: Draft | None = None


class Upstream(Protocol):
    """A connection to one endpoint. It never retries and never logs a prompt."""

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        """Complete the task's hole.

        Raises Fault for every failure, with the kinds of `core.faults`. Cancelling the call
        cancels the work at the endpoint.
        """
        ...

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        """Like `generate`, handing over each piece of text as it comes.

        Returns the completion with the whole text (without `task.partial`). A stream that ends
        without its end marker raises Fault(TRUNCATED).
        """
        ...

    async def close(self) -> None:
        """Close the connection; running calls end with Fault(CANCELLED or UNAVAILABLE)."""
        ...

"""Small core values for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.core.candidate import Completion, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Hole, Request, Sampling
from gateway.core.policy import Invocation
from gateway.core.ports import Task


class OpenAccount:
    """An account that allows so many calls and remembers what was settled."""

    limited = True

    def __init__(self, calls: int = 1_000, retry_after_s: float | None = None) -> None:
        self.calls = calls
        self.retry_after_s = retry_after_s
        self.settled: list[Usage | None] = []

    def reserve(self, task: Task) -> str:
        if self.calls == 0:
            return "no call is left"
        self.calls -= 1
        return ""

    def settle(self, task: Task, usage: Usage | None) -> None:
        self.settled.append(usage)


def make_request(prompt: str = "x = ", **fields: Any) -> Request:
    hole = fields.pop("hole", None) or Hole(prompt, fields.pop("suffix", ""))
    return Request(hole, "request-1", **fields)


def make_invocation(
    endpoint: Endpoint | None = None,
    *,
    deadline_at: float = 1e9,
    account: OpenAccount | None = None,
) -> Invocation:
    task = Task(make_request(), endpoint or Endpoint("alpha"), Sampling(max_tokens=16))
    return Invocation(task, Deadline(deadline_at), [], account or OpenAccount())


def unavailable(*, retry_after_s: float | None = None, retryable: bool = True) -> Fault:
    return Fault(
        Kind.UNAVAILABLE,
        Origin.UPSTREAM,
        Reason.UPSTREAM_UNAVAILABLE,
        "endpoint alpha is unavailable",
        retry_after_s=retry_after_s,
        retryable=retryable,
    )


def scripted(*steps: Fault | Completion | Callable[[], Any]) -> Any:
    """A call that does one step for each invocation and counts how often it was called."""

    class Script:
        calls = 0

        async def __call__(self, invocation: Invocation) -> Completion:
            step = steps[min(self.calls, len(steps) - 1)]
            self.calls += 1
            if callable(step):
                step = await step()
            if isinstance(step, Fault):
                raise step
            return step

    return Script()

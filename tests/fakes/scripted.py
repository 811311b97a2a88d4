"""Endpoints that follow scripts, in virtual time, and what they were asked.

A script is a list of steps, one for each call to the endpoint (the last one stays); a step is a
tuple of what the endpoint does: wait (a number of seconds), send a piece of text (a string), report
usage (a `Usage`), fail (a `Fault`). At the end of its step it answers with all its pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.ports import Clock, SendText, Task
from gateway.upstreams.errors import time_left

HANG = 1e8
MOST_TOKENS = 16
"""What each call of a test may write: its worst case in a budget."""

UNWORKED = frozenset(
    {
        Reason.UPSTREAM_UNREACHABLE,
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.UPSTREAM_OVERLOADED,
        Reason.UPSTREAM_REFUSED_REQUEST,
    }
)
"""Faults of scripts that say, before any text, that nothing was written."""

Part = float | str | Fault | Usage
Steps = Sequence[tuple[Part, ...]]


def overloaded(retry_after_s: float | None = None) -> Fault:
    return Fault(
        Kind.EXHAUSTED,
        Origin.UPSTREAM,
        Reason.UPSTREAM_OVERLOADED,
        "429",
        retry_after_s=retry_after_s,
        retryable=retry_after_s is not None,
    )


def unreachable() -> Fault:
    return Fault(
        Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNREACHABLE, "gone", retryable=True
    )


def refused_as_invalid() -> Fault:
    return Fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "400")


def cut() -> Fault:
    return Fault(Kind.TRUNCATED, Origin.UPSTREAM, Reason.UPSTREAM_TRUNCATED, "cut off")


@dataclass
class Asked:
    """One call as its endpoint saw it. `until`: the deadline it was given; `ends`: how often."""

    endpoint: str
    task: Task
    at: float
    until: float
    streamed: bool
    sent: list[str] = field(default_factory=list)
    number: int = 1
    usage: Usage | None = None
    fault: Fault | None = None
    how: str = "running"
    ended_at: float = 0.0
    ends: int = 0

    def end(self, how: str, at: float) -> None:
        self.how, self.ended_at = how, at
        self.ends += 1

    @property
    def text(self) -> str:
        return "".join(self.sent)

    @property
    def tokens(self) -> int:
        """Tokens as a ledger has them: as reported, none, or the worst case (decision 0019)."""
        if self.how == "answered" and self.usage is not None:
            return self.usage.completion_tokens
        told_nothing = self.fault is None or self.fault.reason not in UNWORKED
        return MOST_TOKENS if told_nothing or (self.streamed and self.sent) else 0


class Scripted:
    """A connection to one endpoint that does as its script says, and ends in time.

    Its calls are put down in `asked`. With `signed` each piece of text begins with its endpoint,
    call and place, so that no two are alike.
    """

    def __init__(
        self, endpoint: Endpoint, steps: Steps, clock: Clock, asked: list[Asked], *, signed: bool
    ) -> None:
        self._endpoint = endpoint
        self._steps = steps
        self._clock = clock
        self._asked = asked
        self._signed = signed
        self._calls = 0

    async def generate(self, task: Task, deadline: Deadline) -> Completion:
        return await self._answer(task, deadline, None)

    async def stream(self, task: Task, deadline: Deadline, send: SendText) -> Completion:
        return await self._answer(task, deadline, send)

    async def close(self) -> None: ...

    async def _answer(self, task: Task, deadline: Deadline, send: SendText | None) -> Completion:
        clock = self._clock
        time_left(self._endpoint, deadline, clock)
        step = self._steps[min(self._calls, len(self._steps) - 1)]
        self._calls += 1
        asked = Asked(self._endpoint.name, task, clock(), deadline.at, send is not None)
        asked.number = self._calls
        self._asked.append(asked)
        try:
            for part in step:
                await self._do(part, asked, send)
        except Fault as fault:
            asked.fault = fault
            asked.end("failed", clock())
            raise
        except asyncio.CancelledError:
            asked.end("cancelled", clock())
            raise
        usage = asked.usage = asked.usage or Usage(3, len(asked.sent))
        asked.end("answered", clock())
        return Completion(asked.text, FinishReason.STOP, "m", usage)

    async def _do(self, part: Part, asked: Asked, send: SendText | None) -> None:
        if isinstance(part, Fault):
            raise _anew(part)
        if isinstance(part, Usage):
            asked.usage = part
        elif isinstance(part, str):
            if self._signed:
                part = f"{asked.endpoint}{asked.number}.{len(asked.sent)}{part}"
            asked.sent.append(part)
            if send is not None:
                await send(part)
        elif part:
            await self._wait(part, asked.until)

    async def _wait(self, seconds: float, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await asyncio.sleep(seconds)
        except TimeoutError:
            words = "did not answer in time"
            raise Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, words) from None


def _anew(fault: Fault) -> Fault:
    """Make the fault anew: one that is raised twice keeps the frames of the first time alive."""
    return Fault(
        fault.kind,
        fault.origin,
        fault.reason,
        fault.message,
        retry_after_s=fault.retry_after_s,
        retryable=fault.retryable,
    )

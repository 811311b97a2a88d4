"""Calls that take their time, recorders and speeds, for tests of the policies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.core.candidate import Completion, Usage
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation
from gateway.state.expectations import Expected

HANG = 1e8


def takes(*steps: float | str) -> Callable[[Invocation], Awaitable[Completion]]:
    """Wait (numbers, in seconds) and send text; end in time as an upstream does."""

    async def call(invocation: Invocation) -> Completion:
        texts: list[str] = []
        try:
            async with asyncio.timeout_at(invocation.deadline.at):
                for step in steps:
                    if isinstance(step, str):
                        texts.append(step)
                        if invocation.send is not None:
                            await invocation.send(step)
                    else:
                        await asyncio.sleep(step)
        except TimeoutError:
            raise too_late() from None
        return Completion("".join(texts), usage=Usage(3, 5))

    return call


def too_late() -> Fault:
    return Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "did not answer in time")


class Recorder:
    """Counts what is in flight and keeps how it ended."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.ended_with: list[tuple[str, Outcome, float]] = []

    def started(self, endpoint: str) -> None:
        self.in_flight += 1

    def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
        self.in_flight -= 1
        self.ended_with.append((endpoint, outcome, elapsed_s))


class Speeds:
    """Knows what it is told, by endpoint."""

    def __init__(
        self,
        typical: dict[str, float] | None = None,
        least: dict[str, float] | None = None,
        first: dict[str, float] | None = None,
        late: dict[str, float] | None = None,
    ) -> None:
        self._typical, self._least, self._first = typical or {}, least or {}, first or {}
        self._late = late or {}
        self.firsts: list[tuple[str, float]] = []

    def first_text(self, endpoint: str, elapsed_s: float) -> None:
        self.firsts.append((endpoint, elapsed_s))

    def typical(self, endpoint: str) -> float | None:
        return self._typical.get(endpoint)

    def typical_first(self, endpoint: str) -> float | None:
        return self._first.get(endpoint)

    def expected(self, endpoint: str, now: float) -> Expected:
        return Expected(
            self._typical.get(endpoint), self._least.get(endpoint), self._late.get(endpoint)
        )

"""An ensemble over scripted endpoints, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.core.candidate import Completion, FinishReason, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.events import Event
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Invocation, Policy
from gateway.core.snapshot import Snapshot
from gateway.ensemble.client import EnsembleClient
from gateway.ensemble.judge import SCORERS
from gateway.ensemble.settings import EnsembleSettings
from gateway.policies.budget import budget
from gateway.policies.count import count
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.observe import observe
from gateway.policies.timeout import TimeoutSettings, timeout
from gateway.routing.router import ModelRouter
from gateway.state.fleet import Fleet
from gateway.validation.late import NO_TOOLS, Tools

Step = Callable[[Invocation], Awaitable[Completion]]
NO_STALLS = TimeoutSettings()


def guarded(call: Step, policies: list[Policy]) -> Step:
    """Wrap a call with policies, named outermost first."""
    for policy in reversed(policies):
        call = policy(call)
    return call


def says(text: str, *, pieces: int = 1, logprobs: tuple[float, ...] = ()) -> Step:
    """Answer with a text, streamed in so many pieces."""

    async def step(invocation: Invocation) -> Completion:
        if invocation.send is not None:
            size = max(1, -(-len(text) // pieces))
            for at in range(0, len(text), size):
                await invocation.send(text[at : at + size])
        return Completion(text, FinishReason.STOP, "m", Usage(10, 5), logprobs)

    return step


def fails(kind: Kind = Kind.UNAVAILABLE, *, after: str = "", **fields: Any) -> Step:
    """Fail, after streaming some text when asked to."""
    origin = fields.pop("origin", Origin.UPSTREAM)
    reason = fields.pop("reason", Reason.UPSTREAM_UNAVAILABLE)

    async def step(invocation: Invocation) -> Completion:
        if after and invocation.send is not None:
            await invocation.send(after)
        raise Fault(kind, origin, reason, "scripted failure", **fields)

    return step


def hangs(started: asyncio.Event | None = None, cancelled: list[str] | None = None) -> Step:
    """Never answer; remember a cancellation."""

    async def step(invocation: Invocation) -> Completion:
        if started is not None:
            started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if cancelled is not None:
                cancelled.append(invocation.task.endpoint.name)
            raise
        raise AssertionError

    return step


class Ensemble:
    """Endpoints in order of priority, each doing its step; what they were asked is kept."""

    def __init__(self, clock: Callable[[], float], steps: dict[str, Step], **settings: Any) -> None:
        self.asked: list[Invocation] = []
        self.clock = clock
        closed = settings.pop("cannot_continue", ())
        tools: Tools = settings.pop("tools", NO_TOOLS)
        capabilities: dict[str, frozenset[Capability]] = settings.pop("capabilities", {})
        endpoints = tuple(
            Endpoint(
                name,
                priority=place,
                cost_micros_per_1k=1000,
                continues=name not in closed,
                capabilities=capabilities.get(name, frozenset({Capability.FAST_INFERENCE})),
            )
            for place, name in enumerate(steps)
        )
        self.fleet = Fleet(steps, clock)
        stack = [budget(), observe(self.fleet, clock), timeout(NO_STALLS, clock, self.fleet)]
        self.client = EnsembleClient(
            ModelRouter(Snapshot.of(endpoints)),
            {name: guarded(self._call(step), stack) for name, step in steps.items()},
            settings=EnsembleSettings(**settings),
            scorer=SCORERS["default"],
            judgements=self.fleet,
            clock=clock,
            guards=(count(self.fleet, str), deadline(DeadlineSettings(), clock)),
            tools=tools,
        )

    def _call(self, step: Step) -> Step:
        async def call(invocation: Invocation) -> Completion:
            self.asked.append(invocation)
            return await step(invocation)

        return call

    def exchange(self, request: Any, *, stream: bool = False, seconds: float = 60.0) -> Exchange:
        self.events: list[Event] = []

        async def emit(event: Event) -> None:
            self.events.append(event)

        return Exchange(request, Deadline(self.clock() + seconds), emit if stream else None)

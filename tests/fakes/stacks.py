"""The stacks of a gateway of ours, in their order and with their state, over scripted endpoints.

The gateway itself composes them; only its connections are replaced, and time is virtual.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from json import dumps, loads
from random import Random
from typing import Any
from unittest.mock import patch

from gateway.app import Gateway
from gateway.config.load import build
from gateway.config.schema import Settings
from gateway.core.answer import Answer
from gateway.core.candidate import Attempt
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.events import Delta, Event
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.core.hole import Hole, Request, Sampling
from gateway.core.outcome import Outcome
from gateway.state.breaker import Breaker, BreakerState
from tests.fakes.scripted import MOST_TOKENS, Asked, Scripted, Steps
from tests.fakes.virtual import VirtualClock, run_virtual


@dataclass
class Ended:
    """A request and how it ended; `heard` are the texts that its listener was sent."""

    exchange: Exchange
    began: float
    at: float = 0.0
    answer: Answer | None = None
    fault: Fault | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def took(self) -> float:
        return self.at - self.began

    @property
    def text(self) -> str:
        assert self.answer is not None, self.fault
        return self.answer.chosen.completion.text

    @property
    def heard(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Delta)]

    @property
    def attempts(self) -> Sequence[Attempt]:
        return self.exchange.attempts if self.answer is None else self.answer.attempts

    @property
    def tries(self) -> list[tuple[str, str]]:
        return [(attempt.endpoint, str(attempt.status)) for attempt in self.attempts]


class Stacks:
    """A gateway whose endpoints, in order of priority, follow scripts. `asked`: their calls.

    `groups` names the replicas of each group, `each` has more keys for every endpoint and
    `endpoint` those of single ones; the other keywords are tables of the configuration. With
    `signed` each piece of text begins with its endpoint, call and place, so that no two are alike.
    """

    def __init__(
        self,
        scripts: Mapping[str, Steps],
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        each: Mapping[str, Any] | None = None,
        endpoint: Mapping[str, Mapping[str, Any]] | None = None,
        signed: bool = False,
        **tables: Any,
    ) -> None:
        group_of = {name: group for group, names in (groups or {}).items() for name in names}
        targets = list(dict.fromkeys(group_of.get(name, name) for name in scripts))
        endpoints = [
            {
                "name": name,
                "url": "grpc://localhost:1",
                "health": "none",
                "group": group_of.get(name),
                "priority": targets.index(group_of.get(name, name)),
                **(each or {}),
                **(endpoint or {}).get(name, {}),
            }
            for name in scripts
        ]
        self.clock = VirtualClock()
        self.asked: list[Asked] = []
        self._signed = signed
        self._scripts = scripts
        # Draws that are the same each time.
        with patch("gateway.parts.random", Random(7)):
            # A store has a thread of its own, which knows nothing of a virtual clock.
            kept = {"outcomes": {"enabled": False}}
            settings = _settings(dumps({**kept, **tables, "endpoint": endpoints}))
            self.gateway = Gateway(settings, clock=self.clock)
        self.parts = self.gateway.parts

    def calls(self) -> list[str]:
        return [asked.endpoint for asked in self.asked]

    def breaker(self, name: str) -> Breaker:
        return self.parts.endpoints[name].breaker

    def warm(self, *names: str, seconds: float = 0.5, calls: int = 40) -> Stacks:
        """Let endpoints have answered so many calls in so many seconds: they may be hedged."""
        fleet = self.parts.fleet
        for name in names:
            for _ in range(calls):
                fleet.started(name)
                fleet.ended(name, Outcome.SUCCESS, seconds)
                fleet.first_text(name, seconds)
                self.parts.hedges[self.parts.target_of(name)].called()
        return self

    async def ask(
        self,
        *,
        seconds: float = 60.0,
        stream: bool = False,
        reads_s: float = 0.0,
        name: str = "",
        keep: Callable[[Ended], None] | None = None,
        **fields: Any,
    ) -> Ended:
        """Ask the gateway; `reads_s` is what a listener takes for each text, `name` an id.

        `keep` is handed the request as it begins, for callers that leave.
        """
        request = Request(
            Hole("x = "), name or "request", sampling=Sampling(max_tokens=MOST_TOKENS), **fields
        )
        exchange = Exchange(request, Deadline(self.clock.now + seconds), fingerprint=name.encode())
        ended = Ended(exchange, self.clock.now)
        if keep is not None:
            keep(ended)

        async def emit(event: Event) -> None:
            if reads_s and isinstance(event, Delta):
                await asyncio.sleep(reads_s)
            ended.events.append(event)

        exchange.emit = emit if stream else None
        try:
            ended.answer = await self.gateway.ensemble.handle(exchange)
        except Fault as fault:
            ended.fault = fault
        finally:
            ended.at = self.clock.now
        return ended

    def run(self, main: Callable[[], Awaitable[Any]]) -> Any:
        """Run `main` inside the gateway; afterwards everything has to be at rest."""

        async def running() -> Any:
            async with self.open():
                result = await main()
                assert self.left_over() == []
            return result

        return run_virtual(self.clock, running())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Open the gateway and close it."""

        def connect(endpoint: Endpoint, *_: object) -> Scripted:
            steps = self._scripts[endpoint.name]
            return Scripted(endpoint, steps, self.clock, self.asked, signed=self._signed)

        with patch("gateway.app.connect", connect):
            async with self.gateway:
                yield

    def one(self, **how: Any) -> Ended:
        """Ask once."""
        return self.run(lambda: self.ask(**how))

    def left_over(self) -> list[str]:
        """Tell what is not as it was before any request; to be asked when all have ended."""
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        assert current is not None
        found = [f"task {task}" for task in asyncio.all_tasks() - {current}]
        found += [f"timer {timer}" for timer in loop._scheduled if not timer.cancelled()]
        found += [f"cancelled {current.cancelling()} times"] * bool(current.cancelling())
        found += [f"{asked} did not end once" for asked in self.asked if asked.ends != 1]
        parts = self.parts
        counts = {f"gate of {name}": of.gate.in_flight for name, of in parts.endpoints.items()}
        counts |= {f"line of {name}": of.gate.waiting for name, of in parts.endpoints.items()}
        counts |= {
            f"fleet of {one.endpoint}": one.in_flight for one in parts.fleet.read().endpoints
        }
        for group in parts.groups.values():
            counts |= {f"load of {name}": it.in_flight for name, it in group.load._cells.items()}
        admitted = parts.admission.read()
        counts |= {"admitted": admitted.running, "queued": admitted.queued}
        counts |= {"named requests": len(parts.replays._running)}
        counts |= {"cacheable requests": parts.flights.running}
        counts |= {
            f"permits of {name}": trials_under_way(of.breaker)
            for name, of in parts.endpoints.items()
        }
        return found + [f"{what}: {count}" for what, count in counts.items() if count]


def trials_under_way(breaker: Breaker) -> int:
    """Count the permits of a half_open breaker that were taken and neither used nor given back."""
    if breaker.state is not BreakerState.HALF_OPEN:
        return 0
    return breaker._settings.half_open_permits - breaker._permits - breaker._window.calls


@cache
def _settings(document: str) -> Settings:
    return build(loads(document), "test")

"""Work of named requests, acted out: who asks when, how long it takes and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion, Usage
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.events import Delta, Event, Started
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault
from gateway.policies.count import count
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.idempotent import idempotent
from gateway.state.replays import Replays, ReplaySettings
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

DECISION = RoutingDecision(
    "alpha", ("beta",), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)
VERDICT = Verdict("digits", VerdictStatus.PASSED)


class Counter:
    def __init__(self) -> None:
        self.seen: list[tuple[bool, int]] = []

    def finished(self, *, ok, attempts, fallback_used, fallback_exhausted) -> None:
        self.seen.append((ok, attempts))


@dataclass
class Listener:
    """What one caller of a stream was sent; it reads on while `open` is set."""

    events: list[Event] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def emit(self, event: Event) -> None:
        self.events.append(event)
        await self.open.wait()

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Delta))


class Stage:
    """The guard between the two it stands between, over scripted work."""

    def __init__(self, work: Callable[[Exchange], Awaitable[str]], **settings: Any) -> None:
        self.clock = VirtualClock()
        self.book = Replays(ReplaySettings(**settings), self.clock)
        self.counter = Counter()
        self.calls: list[Exchange] = []
        self.cancelled = 0

        async def handle(exchange: Exchange) -> Answer:
            self.calls.append(exchange)
            exchange.decision = DECISION
            try:
                text = await work(exchange)
            except asyncio.CancelledError:
                self.cancelled += 1
                exchange.attempts.append(Attempt("alpha", 1, AttemptStatus.CANCELLED))
                raise
            except Fault:
                exchange.attempts.append(Attempt("alpha", 1, AttemptStatus.FAILED))
                raise
            return self._answer(exchange, text)

        inner = deadline(DeadlineSettings(), self.clock)(handle)
        self.handle: Handle = count(self.counter, str)(idempotent(self.book, self.clock)(inner))

    def exchange(
        self,
        *,
        seconds: float = 60.0,
        body: bytes = b"body",
        listener: Listener | None = None,
        tenant: str = "",
    ) -> Exchange:
        return Exchange(
            make_request(tenant=tenant),
            Deadline(self.clock.now + seconds),
            listener.emit if listener else None,
            fingerprint=body,
        )

    def run(self, main: Callable[[], Awaitable[Any]]) -> Any:
        async def closing() -> Any:
            try:
                return await main()
            finally:
                await self.book.close()

        return run_virtual(self.clock, closing())

    def _answer(self, exchange: Exchange, text: str) -> Answer:
        chosen = Candidate(0, "alpha", Completion(text), (VERDICT,))
        exchange.attempts.append(
            Attempt("alpha", 1, AttemptStatus.OK, usage=Usage(1, 2), cost_micros=7)
        )
        exchange.candidates.append(chosen)
        return Answer(chosen, DECISION, tuple(exchange.attempts), (chosen,), 0.5)


async def quick(exchange: Exchange) -> str:
    """Answer at once, streaming when asked to."""
    if exchange.emit is not None:
        await exchange.emit(Started(DECISION))
        for piece in ("a", "b", "c"):
            await exchange.emit(Delta(piece, 0, "alpha"))
    return "abc"


def held(release: asyncio.Event) -> Callable[[Exchange], Awaitable[str]]:
    async def work(exchange: Exchange) -> str:
        if exchange.emit is not None:
            await exchange.emit(Started(DECISION))
            await exchange.emit(Delta("a", 0, "alpha"))
        await release.wait()
        if exchange.emit is not None:
            await exchange.emit(Delta("bc", 0, "alpha"))
        return "abc"

    return work


def slow(seconds: float, error: Exception | None = None) -> Callable[[Exchange], Awaitable[str]]:
    async def work(exchange: Exchange) -> str:
        await asyncio.sleep(seconds)
        if error is not None:
            raise error
        return "abc"

    return work


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)

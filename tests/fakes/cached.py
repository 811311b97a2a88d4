"""The cache between the guards it stands between, over scripted work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion
from gateway.core.constraint import Verdict
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault
from gateway.core.hole import Sampling
from gateway.policies.cache import CacheRules, cache
from gateway.policies.count import count
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.state.replays import shutting_down
from gateway.state.result_cache import CacheCounts, ResultCache, ResultCacheSettings
from gateway.state.single_flight import SingleFlight
from tests.fakes.stage import DECISION, VERDICT, Counter, Listener
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

PLAIN = Sampling(temperature=0.0)
Work = Callable[[Exchange], Awaitable[str]]


class Cached:
    """`calls` are the exchanges that were worked on; `counter` saw every request."""

    def __init__(
        self,
        work: Work,
        *,
        rules: CacheRules | None = None,
        coalesce: bool = True,
        verdict: Verdict = VERDICT,
        **settings: Any,
    ) -> None:
        self.clock = VirtualClock()
        self.results = ResultCache(ResultCacheSettings(**settings))
        self.flights = SingleFlight()
        self.counter = Counter()
        self.calls: list[Exchange] = []
        self.cancelled = 0
        # How many of the next answers a command to their job has changed.
        self.steered = 0

        async def handle(exchange: Exchange) -> Answer:
            self.calls.append(exchange)
            exchange.decision, exchange.decision_id = DECISION, f"decision-{len(self.calls)}"
            status = AttemptStatus.FAILED
            try:
                text = await work(exchange)
                status = AttemptStatus.OK
            except asyncio.CancelledError:
                self.cancelled += 1
                status = AttemptStatus.CANCELLED
                raise
            finally:
                exchange.attempts.append(Attempt("alpha", 1, status, cost_micros=7))
            chosen = Candidate(0, "alpha", Completion(text), (verdict,))
            exchange.candidates.append(chosen)
            self.steered -= 1
            return Answer(
                chosen,
                DECISION,
                tuple(exchange.attempts),
                (chosen,),
                0.5,
                decision_id=exchange.decision_id,
                steered=self.steered >= 0,
            )

        flights = self.flights if coalesce else None
        guard = cache(self.results, flights, rules or CacheRules(), str, self.clock)
        inner: Handle = deadline(DeadlineSettings(), self.clock)(guard(handle))
        self.handle: Handle = count(self.counter, str)(inner)

    def exchange(
        self,
        prompt: str = "x = ",
        *,
        seconds: float = 60.0,
        listener: Listener | None = None,
        **fields: Any,
    ) -> Exchange:
        request = make_request(prompt, **{"sampling": PLAIN} | fields)
        emit = listener.emit if listener else None
        return Exchange(request, Deadline(self.clock.now + seconds), emit)

    async def ask(self, prompt: str = "x = ", **how: Any) -> Answer:
        return await self.handle(self.exchange(prompt, **how))

    async def ends(self, *exchanges: Exchange) -> list[Answer | BaseException]:
        return await asyncio.gather(*map(self.handle, exchanges), return_exceptions=True)

    @property
    def counts(self) -> CacheCounts:
        return self.results.read(self.clock.now)

    def run(self, main: Callable[[], Awaitable[Any]]) -> Any:
        async def closing() -> Any:
            try:
                result = await main()
                current = asyncio.current_task()
                assert asyncio.all_tasks() == {current}
                assert self.flights.running == 0
                return result
            finally:
                await self.flights.close(shutting_down())

        return run_virtual(self.clock, closing())


def texts(ends: list[Answer | BaseException]) -> list[str]:
    """What each caller got: a text, or the reason of a fault."""
    return [
        end.chosen.completion.text
        if isinstance(end, Answer)
        else str(end.reason)
        if isinstance(end, Fault)
        else type(end).__name__
        for end in ends
    ]

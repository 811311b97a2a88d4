"""A request that was answered lately, or is being answered, is not worked on again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.core.answer import Answer
from gateway.core.caching import (
    CacheOperation,
    as_cached,
    cache_key,
    may_be_kept,
    may_be_shared,
    operation_of,
)
from gateway.core.canonical import NotCanonicalError
from gateway.core.events import Delta, events_of
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.hole import CachePolicy, Request
from gateway.core.ports import Clock
from gateway.core.trace import StageStatus
from gateway.core.value import value


class Found(Protocol):
    """A kept answer."""

    @property
    def answer(self) -> Answer:
        """The answer."""
        ...

    @property
    def age_s(self) -> float:
        """Seconds since it was kept."""
        ...


class Store(Protocol):
    """Keeps answers under keys."""

    @property
    def revision(self) -> bytes:
        """A digest of what answers depend on beside the request."""
        ...

    @property
    def generation(self) -> int:
        """A number that changes whenever kept answers become invalid."""
        ...

    def keeps(self, operation: CacheOperation) -> bool:
        """Say whether answers of an operation are kept at all."""
        ...

    def get(self, key: bytes, now: float) -> Found | None:
        """Return the answer kept under a key; None when there is none."""
        ...

    def put(
        self, key: bytes, operation: CacheOperation, answer: Answer, generation: int, now: float
    ) -> bool:
        """Keep an answer; say whether it is kept."""
        ...

    def coalesced(self) -> None:
        """Count a request that waits for the same one which is running."""
        ...

    def uncacheable(self) -> None:
        """Count a request that is not looked up."""
        ...

    def refused(self) -> None:
        """Count an answer that is not to be kept."""
        ...


class Place(Protocol):
    """One caller's place at the work of several."""

    async def answer(self) -> Answer:
        """Wait for the answer."""
        ...

    async def leave(self) -> None:
        """Give the place up, before the answer or after it."""
        ...


class Flights(Protocol):
    """Knows which requests are running."""

    def join(
        self, key: bytes, exchange: Exchange, handle: Handle, kept: Callable[[Answer], None]
    ) -> tuple[Place, bool]:
        """Take a place at the work of a key, begun now unless it runs; say whether it was begun."""
        ...


@value
class CacheRules:
    """`experiments` are running; `prompt_template` is the version of how holes become prompts."""

    experiments: bool = False
    prompt_template: str = ""


def cache(
    store: Store,
    flights: Flights | None,
    rules: CacheRules,
    target_of: Callable[[str], str],
    clock: Clock,
) -> Guard:
    """Answer from the store, or together with the same request that is running.

    Either costs no call, no place in the admission and nothing of a budget, and the answer says so.
    Each caller waits no longer than its own deadline allows, which stands outside. Without
    `flights` requests that run are not merged. `target_of` names the group of an endpoint.
    """

    def wrap(handle: Handle) -> Handle:
        desk = _Desk(store, flights, target_of, clock, handle)

        def cached(exchange: Exchange) -> Awaitable[Answer]:
            operation = operation_of(exchange, experiments=rules.experiments)
            if operation is not None and store.keeps(operation):
                key = _key(exchange.request, operation, store.revision, rules.prompt_template)
                if key is not None:
                    return desk.answer(exchange, operation, key)
            store.uncacheable()
            return handle(exchange)

        return cached

    return wrap


@dataclass(frozen=True, slots=True)
class _Desk:
    """Answers requests that may be cached."""

    store: Store
    flights: Flights | None
    target_of: Callable[[str], str]
    clock: Clock
    handle: Handle

    async def answer(self, exchange: Exchange, operation: CacheOperation, key: bytes) -> Answer:
        """Answer from the store, with others or by new work."""
        began = self.clock()
        refresh = exchange.request.cache_policy is CachePolicy.REFRESH
        found = None if refresh else self.store.get(key, began)
        if found is not None:
            self._record(exchange, began, "hit", age_s=found.age_s)
            _explain(exchange, found.answer)
            answer = as_cached(found.answer, found.age_s, self.clock() - began)
            return answer if exchange.emit is None else await _told(exchange, answer)
        keep = self._keeper(exchange, operation, key)
        if refresh or self.flights is None:
            self._record(exchange, began, "refresh" if refresh else "miss")
            answer = await self.handle(exchange)
            keep(answer)
            return answer
        place, begun = self.flights.join(key, exchange, self.handle, keep)
        self._record(exchange, began, "miss" if begun else "coalesced")
        if begun:
            return await _waited(place)
        self.store.coalesced()
        work, trace = _waited(place), exchange.trace
        answer = await (work if trace is None else trace.around("cache_wait", work))
        if exchange.replayed:
            if not may_be_shared(answer):
                exchange.decision, exchange.candidates, exchange.replayed = None, [], False
                return await self.answer(exchange, operation, key)
            answer = as_cached(answer, 0.0, self.clock() - began)
        return await _told(exchange, answer)

    def _keeper(
        self, exchange: Exchange, operation: CacheOperation, key: bytes
    ) -> Callable[[Answer], None]:
        """Make what keeps the answer to a request, if it is one to keep."""
        generation = self.store.generation

        def keep(answer: Answer) -> None:
            began, good = self.clock(), may_be_kept(answer, self.target_of)
            if not good:
                self.store.refused()
            kept = good and self.store.put(key, operation, answer, generation, began)
            if exchange.trace is not None:
                exchange.trace.record("cache_store", began, self.clock() - began, kept=kept)

        return keep

    def _record(self, exchange: Exchange, began: float, outcome: str, **told: object) -> None:
        if exchange.trace is not None:
            exchange.trace.record(
                "cache_lookup",
                began,
                self.clock() - began,
                StageStatus.OK,
                outcome=outcome,
                **told,
            )


def _key(
    request: Request, operation: CacheOperation, revision: bytes, prompt_template: str
) -> bytes | None:
    """Return the key of a request; None for one that holds what has no canonical bytes."""
    try:
        return cache_key(request, operation, revision, prompt_template)
    except NotCanonicalError:
        return None


def _explain(exchange: Exchange, answer: Answer) -> None:
    """Say in the record of a request that others did the work."""
    exchange.decision = answer.decision
    exchange.candidates = list(answer.candidates)
    exchange.replayed = True


async def _waited(place: Place) -> Answer:
    try:
        return await place.answer()
    finally:
        await place.leave()


async def _told(exchange: Exchange, answer: Answer) -> Answer:
    """Hand a whole answer to the listener of a streamed one, if there is any."""
    if exchange.emit is not None:
        for event in events_of(answer):
            if isinstance(event, Delta):
                exchange.streamed.append(event.text)
            await exchange.emit(event)
    return answer

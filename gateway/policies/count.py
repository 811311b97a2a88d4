"""Every request is counted once, however it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.core.answer import Answer
from gateway.core.candidate import AttemptStatus
from gateway.core.exchange import Exchange, Guard, Handle


class Counter(Protocol):
    """Counts requests of the whole ensemble."""

    def finished(
        self, *, ok: bool, attempts: int, fallback_used: bool, fallback_exhausted: bool
    ) -> None:
        """Count one request that ended."""
        ...


def count(counter: Counter, target_of: Callable[[str], str]) -> Guard:
    """Count requests, attempts, used fallbacks and exhausted chains apart.

    A fallback is used when an endpoint other than the primary was called; a chain is exhausted
    when the request failed and no endpoint that may be called is left. `target_of` names the group
    of a replica, and a lone endpoint as it is: replicas of the primary are no fallbacks.
    """

    def wrap(handle: Handle) -> Handle:
        async def counted(exchange: Exchange) -> Answer:
            ok = False
            try:
                answer = await handle(exchange)
                ok = True
            finally:
                called, others = _calls(exchange, target_of)
                counter.finished(
                    ok=ok,
                    attempts=called,
                    fallback_used=others > 0,
                    fallback_exhausted=exchange.exhausted and not ok,
                )
            return answer

        return counted

    return wrap


def _calls(exchange: Exchange, target_of: Callable[[str], str]) -> tuple[int, int]:
    """Count the calls made, and those to endpoints other than the primary.

    The calls of a repeated request are its first one's. A part of a request, such as a hole of a
    refinement, is routed by itself: its primary is the endpoint that was to be called first.
    """
    called = others = 0
    if exchange.replayed:
        return called, others
    primary = exchange.decision.primary if exchange.decision is not None else ""
    primaries: dict[str, str] = {}
    for attempt in exchange.attempts:
        target = target_of(attempt.endpoint)
        first = primaries.setdefault(attempt.part, target) if attempt.part else primary
        if attempt.status is not AttemptStatus.SKIPPED:
            called += 1
            others += target != first
    return called, others

"""Every request is counted once, however it ends."""

from __future__ import annotations

from typing import Protocol

from gateway.core.candidate import Answer, AttemptStatus
from gateway.core.exchange import Exchange, Guard, Handle


class Counter(Protocol):
    """Counts requests of the whole ensemble."""

    def finished(
        self, *, ok: bool, attempts: int, fallback_used: bool, fallback_exhausted: bool
    ) -> None:
        """Count one request that ended."""
        ...


def count(counter: Counter) -> Guard:
    """Count requests, attempts, used fallbacks and exhausted chains apart.

    A fallback is used when an endpoint other than the primary was called; a chain is exhausted
    when the request failed and no endpoint that may be called is left.
    """

    def wrap(handle: Handle) -> Handle:
        async def counted(exchange: Exchange) -> Answer:
            ok = False
            try:
                answer = await handle(exchange)
                ok = True
            finally:
                called, others = _calls(exchange)
                counter.finished(
                    ok=ok,
                    attempts=called,
                    fallback_used=others > 0,
                    fallback_exhausted=exchange.exhausted and not ok,
                )
            return answer

        return counted

    return wrap


def _calls(exchange: Exchange) -> tuple[int, int]:
    """Count the calls made, and those to endpoints other than the primary."""
    called = others = 0
    primary = exchange.decision.primary if exchange.decision is not None else ""
    for attempt in exchange.attempts:
        if attempt.status is not AttemptStatus.SKIPPED:
            called += 1
            others += attempt.endpoint != primary
    return called, others

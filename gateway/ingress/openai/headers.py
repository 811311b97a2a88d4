"""The headers of answers: of this API, and what the gateway tells beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.core.exchange import Exchange
from gateway.core.ports import Clock
from gateway.ingress.openai.answer import Done
from gateway.ingress.openai.call import HttpCall
from gateway.ingress.openai.errors import Header

MS = 1000
AT_ONCE: Header = (b"x-ratelimit-reset-requests", b"0s")
SOON: Header = (b"x-ratelimit-reset-requests", b"1s")
"""Room is made by requests that end, and nobody knows when."""


class Headers:
    """Writes headers. `limit`: how many requests may be worked on at once; `running`: are now.

    What they say of that holds for all callers together.
    """

    def __init__(self, limit: int, running: Callable[[], int], clock: Clock) -> None:
        self._limit = limit
        self._running = running
        self._clock = clock
        self._limited = (b"x-ratelimit-limit-requests", b"%d" % limit)

    def common(self, call: HttpCall) -> tuple[Header, ...]:
        """Write those of every answer, errors included."""
        left = self._limit - self._running()
        return (
            (b"x-request-id", call.request_id.encode()),
            (b"openai-processing-ms", b"%d" % ((self._clock() - call.started) * MS)),
            self._limited,
            (b"x-ratelimit-remaining-requests", b"%d" % left),
            AT_ONCE if left > 0 else SOON,
        )

    def stream(self, call: HttpCall, endpoint: str, trace_id: str) -> tuple[Header, ...]:
        """Write those of a stream that an endpoint begins."""
        return (
            *self.common(call),
            (b"x-ensemble-endpoint", endpoint.encode()),
            *_trace(call.exchanges, trace_id),
        )

    def whole(self, call: HttpCall, done: Sequence[Done], trace_id: str) -> tuple[Header, ...]:
        """Write those of a whole answer: of several choices the first one's."""
        exchange, answer = done[0]
        if answer.cache_age_s is not None:
            came = b"hit"
        else:
            came = b"replay" if exchange.replayed else b"miss"
        attempts = sum(len(one.attempts) for _, one in done)
        decision = answer.decision_id
        return (
            *self.common(call),
            (b"x-ensemble-endpoint", answer.chosen.endpoint.encode()),
            (b"x-ensemble-attempts", b"%d" % attempts),
            (b"x-ensemble-cache", came),
            *(((b"x-ensemble-decision", decision.encode()),) if decision else ()),
            *_trace(call.exchanges, trace_id),
        )

    def failed(self, call: HttpCall) -> tuple[Header, ...]:
        """Write those of an error."""
        attempts = sum(len(one.attempts) for one in call.exchanges)
        made = ((b"x-ensemble-attempts", b"%d" % attempts),) if call.exchanges else ()
        return (*self.common(call), *made, *_trace(call.exchanges, ""))


def _trace(exchanges: Sequence[Exchange], trace_id: str) -> tuple[Header, ...]:
    trace = next((one.trace_id for one in exchanges if one.trace_id), trace_id)
    return ((b"x-ensemble-trace", trace.encode()),) if trace else ()

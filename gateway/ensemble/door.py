"""What is the same for every protocol that requests come in by: exchanges, traces, detachment."""

from __future__ import annotations

from collections.abc import Awaitable
from secrets import token_hex

from gateway.core.answer import Answer
from gateway.core.deadline import Deadline
from gateway.core.events import Emit
from gateway.core.exchange import Exchange
from gateway.core.hole import Request
from gateway.core.ports import Clock
from gateway.core.tracing import TraceRecorder
from gateway.core.value import value
from gateway.ensemble.client import EnsembleClient
from gateway.ensemble.jobs.detached import DetachedRuns
from gateway.ensemble.jobs.keeper import JobKeeper
from gateway.ensemble.tracing import TraceDesk, tracing_off

TRACE_ID_BYTES = 16
"""W3C Trace Context, version 00."""


@value
class Asked:
    """How a caller wants a request watched and owned.

    `trace_id`: that of its own trace, empty when it has none. `local`: it is on this machine, which
    may decide whether it may have a trace. `detached`: the work outlives it.
    """

    trace_id: str = ""
    trace: bool = False
    local: bool = False
    detached: bool = False


NOTHING_ASKED = Asked()


class Door:
    """Begins exchanges and has them handled. Safe for any number of requests of one event loop.

    `longest_s` caps every deadline and stands in for a missing one; `traces` is None where no
    requests are traced.
    """

    def __init__(
        self,
        client: EnsembleClient,
        *,
        longest_s: float,
        clock: Clock,
        jobs: JobKeeper,
        detached: DetachedRuns,
        traces: TraceDesk | None = None,
    ) -> None:
        self.client = client
        self.longest_s = longest_s
        self.clock = clock
        self.jobs = jobs
        self.traces = traces
        self._detached = detached

    def deadline(self, left_s: float | None) -> Deadline:
        """Make the deadline of a request that may take `left_s` seconds; None is the longest."""
        longest_s = self.longest_s
        return Deadline(
            self.clock() + (longest_s if left_s is None else max(0.0, min(left_s, longest_s)))
        )

    def begin(
        self,
        request: Request,
        deadline: Deadline,
        emit: Emit | None = None,
        asked: Asked = NOTHING_ASKED,
    ) -> Exchange:
        """Begin an exchange. Raises Fault for a trace that its caller may not have."""
        exchange = Exchange(request, deadline, emit, trace=self._recorder(request.tenant, asked))
        if asked.detached:
            exchange.detached = True
            exchange.deadline = Deadline(self.clock() + self._detached.longest_s)
        return exchange

    def handle(self, exchange: Exchange) -> Awaitable[Answer]:
        """Have a request handled, and watched if it is traced. Raises Fault."""
        if exchange.detached:
            return self._detached.run(exchange, self._attended)
        return self._attended(exchange)

    def _attended(self, exchange: Exchange) -> Awaitable[Answer]:
        if exchange.trace is None or self.traces is None:
            return self.client.handle(exchange)
        return self.traces.traced(exchange, self.client.handle)

    def _recorder(self, tenant: str, asked: Asked) -> TraceRecorder | None:
        traces = self.traces
        if not asked.trace and (traces is None or not traces.samples()):
            return None
        if traces is None:
            raise tracing_off()
        if asked.trace:
            traces.permit(tenant, local=asked.local)
        return traces.begin(asked.trace_id or token_hex(TRACE_ID_BYTES))

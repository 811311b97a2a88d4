"""Traces requests that ask for it: begins a recorder, closes it however the request ends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from gateway.core.answer import Answer
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Request
from gateway.core.ports import Clock
from gateway.core.sanitise import cut
from gateway.core.trace import (
    FIRST_CHARS,
    NO_TEXT,
    StageStatus,
    TextPolicy,
    Trace,
    TraceFailure,
    changes_between,
    text_record,
)
from gateway.core.tracing import TraceRecorder
from gateway.core.value import value
from gateway.state.allowance import Allowances
from gateway.state.traces import TraceStore

MAX_NAME = 200
SLOWEST = 3
EXPERIENCE, THRESHOLDS = "experience.version", "thresholds.version"
"""Names in a reading of the state that a trace also says by themselves."""

log = logging.getLogger(__name__)


@value
class TracingSettings:
    """`text`: what is kept of prompts and answers, `first` characters with FIRST.

    `slow_s`: a traced request that takes longer is logged, without any text. `share`: of all
    requests, 0..1, that are traced without being asked. Who may ask: `tenants`, none named is
    every one; from another machine with `allow_remote` only; each tenant `per_s` times a second,
    and `burst` times at once.
    """

    text: TextPolicy = TextPolicy.FIRST
    first: int = FIRST_CHARS
    slow_s: float = 0.1
    share: float = 0.0
    tenants: frozenset[str] = frozenset()
    allow_remote: bool = False
    per_s: float = 20.0
    burst: int = 100


class TraceDesk:
    """Belongs to one event loop. `state` reads what of the gateway a request may change.

    `clock`: monotonic seconds, the same as that of the endpoints' calls; `wall`: unix seconds;
    `draw`: uniform numbers in [0, 1).
    """

    def __init__(
        self,
        settings: TracingSettings,
        store: TraceStore,
        state: Callable[[Request], Mapping[str, str]],
        clock: Clock,
        wall: Clock,
        draw: Callable[[], float],
    ) -> None:
        self.store = store
        self._settings = settings
        self._state = state
        self._clock = clock
        self._wall = wall
        self._draw = draw
        self._allowances = Allowances(settings.per_s, settings.burst, clock)

    def permit(self, tenant: str, *, local: bool) -> None:
        """Let a caller have one request traced; `local` says that it is on this machine.

        Raises Fault (DENIED, EXHAUSTED).
        """
        settings = self._settings
        if not (local or settings.allow_remote):
            raise _denied("callers of other machines may not; set trace.allow_remote = true")
        if settings.tenants and tenant not in settings.tenants:
            raise _denied("this x-ensemble-tenant may not; add it to trace.tenants")
        wait_s = self._allowances.take(tenant)
        if wait_s:
            raise Fault(
                Kind.EXHAUSTED,
                Origin.US,
                Reason.TRACING_LIMITED,
                f"trace: a tenant may have {settings.per_s:g} requests a second traced; wait "
                "`retry_after`, ask for none, or raise trace.per_s",
                retry_after_s=wait_s,
            )

    def begin(self, trace_id: str) -> TraceRecorder:
        """Begin to record a request, from now on."""
        return TraceRecorder(trace_id, self._clock)

    def samples(self) -> bool:
        """Say whether a request is to be traced that did not ask for it."""
        share = self._settings.share
        return share > 0 and self._draw() < share

    async def traced(
        self, exchange: Exchange, handle: Callable[[Exchange], Awaitable[Answer]]
    ) -> Answer:
        """Have a request handled that has a recorder, and keep its trace, however it ends."""
        with self.watch(exchange) as watched:
            watched.answer = await handle(exchange)
            return watched.answer

    def watch(self, exchange: Exchange, *, dry_run: bool = False) -> Watched:
        """Take a reading of the state; leaving the result keeps the trace of the exchange.

        Raises ValueError for an exchange without a recorder.
        """
        if exchange.trace is None:
            raise ValueError("the exchange has no recorder")
        before = self._state(exchange.request)
        number = self.store.begin()
        return Watched(self, exchange, exchange.trace, before, number, self._wall(), dry_run)

    def keep(self, watched: Watched) -> Trace | None:
        """Make the trace of a request that ended, and keep it. Raises nothing."""
        try:
            trace = self._made(watched)
        except Exception as error:  # noqa: BLE001 - tracing must never fail a request
            self.store.forget(watched.number)
            log.error("a trace was lost", extra={"error": type(error).__name__})  # noqa: TRY400
            return None
        self.store.record(watched.number, trace)
        if trace.elapsed_s > self._settings.slow_s:
            _log_slow(trace)
        return trace

    def _made(self, watched: Watched) -> Trace:
        exchange, answer, recorder = watched.exchange, watched.answer, watched.recorder
        ended = self._clock()
        stages, size = recorder.close(ended)
        request, settings = exchange.request, self._settings
        decision = exchange.decision if answer is None else answer.decision
        learned = None if decision is None else decision.learned
        after = self._state(request)
        prompt, kept = request.hole.prompt, NO_TEXT
        if answer is not None:
            kept = text_record(answer.chosen.completion.text, settings.text, settings.first)
        changes = changes_between(watched.before, after)
        if request.hole.suffix:
            prompt = f"{prompt}\0{request.hole.suffix}"
        recorded = text_record(prompt, settings.text, settings.first)
        return Trace(
            recorder.trace_id,
            cut(request.request_id, MAX_NAME),
            watched.at,
            ended - recorder.began,
            _status(watched.error),
            stages,
            decision_id=exchange.decision_id if answer is None else answer.decision_id,
            session_id=cut(request.session_id, MAX_NAME),
            dry_run=watched.dry_run,
            prompt=recorded,
            answer=kept,
            endpoint=_endpoint(exchange, answer),
            model="" if answer is None else cut(answer.chosen.completion.model, MAX_NAME),
            decided_by=""
            if decision is None
            else "rules"
            if learned is None
            else learned.decided_by,
            rule="" if decision is None else decision.reason,
            score=0.0 if answer is None else answer.chosen.confidence,
            level="" if learned is None else learned.match.level,
            parallel=answer is not None and len(answer.candidates) > 1,
            snapshot_version=0 if decision is None else decision.snapshot_version,
            threshold_version=int(watched.before.get(THRESHOLDS, 0)),
            experience_version=int(watched.before.get(EXPERIENCE, 0)),
            changes=changes,
            failure=_failure(watched.error),
            dropped_stages=recorder.dropped,
            size=size + len(recorded.text) + len(kept.text) + 100 * len(changes),
        )


@dataclass(slots=True)
class Watched:
    """A request that is traced, as a context manager: give it the `answer`, if there is one.

    `trace` is what was kept, after it ended; None when the trace was lost, which is logged.
    """

    _desk: TraceDesk
    exchange: Exchange
    recorder: TraceRecorder
    before: Mapping[str, str]
    number: int
    at: float
    dry_run: bool
    answer: Answer | None = None
    error: BaseException | None = None
    trace: Trace | None = None

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.error = error
        self.trace = self._desk.keep(self)


def tracing_off() -> Fault:
    """A trace is asked for where none is kept."""
    return Fault(
        Kind.INFEASIBLE,
        Origin.CALLER,
        Reason.TRACING_OFF,
        "trace: this gateway keeps no traces; set trace.enabled = true, or ask for none",
    )


def _denied(why: str) -> Fault:
    return Fault(
        Kind.DENIED,
        Origin.CALLER,
        Reason.TRACING_DENIED,
        f"trace: {why}, or ask for none",
    )


def unknown_trace(name: str) -> Fault:
    """No trace of that id is kept, or no longer."""
    return Fault(
        Kind.NOT_FOUND,
        Origin.CALLER,
        Reason.UNKNOWN_TRACE,
        f"id: no trace or request {cut(name, MAX_NAME)!r} is kept; ListTraces names those that are",
    )


def _status(error: BaseException | None) -> StageStatus:
    if error is None:
        return StageStatus.OK
    gone = isinstance(error, Fault) and error.kind is Kind.CANCELLED
    cancelled = gone or type(error).__name__ == "CancelledError"
    return StageStatus.CANCELLED if cancelled else StageStatus.FAILED


def _failure(error: BaseException | None) -> TraceFailure | None:
    if error is None:
        return None
    if isinstance(error, Fault):
        return TraceFailure(error.kind, error.origin, error.reason, cut(error.message))
    # The words of an unknown error may quote a prompt.
    cancelled = _status(error) is StageStatus.CANCELLED
    return TraceFailure(
        Kind.CANCELLED if cancelled else Kind.INTERNAL,
        Origin.CALLER if cancelled else Origin.US,
        Reason.CALLER_CANCELLED if cancelled else Reason.INTERNAL_ERROR,
        type(error).__name__,
    )


def _endpoint(exchange: Exchange, answer: Answer | None) -> str:
    """Name whose answer it was, or of a failed request the endpoint called last."""
    if answer is not None:
        return answer.chosen.endpoint
    return exchange.attempts[-1].endpoint if exchange.attempts else ""


def _log_slow(trace: Trace) -> None:
    slowest = sorted(trace.stages, key=lambda one: one.self_s, reverse=True)[:SLOWEST]
    log.warning(
        "slow request",
        extra={
            "request_id": trace.request_id,
            "trace_id": trace.trace_id,
            "elapsed_ms": round(trace.elapsed_s * 1000, 3),
            "endpoint": trace.endpoint,
            "slowest": {f"{one.id} {one.name}": round(one.self_s * 1000, 3) for one in slowest},
        },
    )

"""Spans of requests and calls, by the semantic conventions of OpenTelemetry.

One INTERNAL span for each request of the ensemble, one CLIENT span for each call to an endpoint as
its child. They hold names of the configuration, numbers and words of the product: no prompt, no
completion, no words of an error, no label and no header of a caller ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import replace
from urllib.parse import urlsplit

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from gateway.core.candidate import Attempt, AttemptStatus, Completion, FinishReason
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.exchange import Exchange
from gateway.core.ports import Operation, Task
from gateway.core.telemetry import RequestSpan
from gateway.core.trace import SAMPLED, TRACEPARENT
from gateway.telemetry import semconv
from gateway.telemetry.meter import reason_of, status_of

Attributes = dict[str, AttributeValue]

SCOPE = "gateway"
WORKFLOW = "ensemble"
CALL = semconv.Operation.TEXT_COMPLETION.value
QUEUE = 2048
"""Spans that wait to be sent; more are dropped."""

PROVIDERS = {Protocol.NATIVE: "ensemble", Protocol.OPENAI: "openai", Protocol.OIP: "oip"}

_PROPAGATOR = TraceContextTextMapPropagator()
_REQUEST: Attributes = {
    semconv.OPERATION_NAME: semconv.Operation.INVOKE_WORKFLOW.value,
    semconv.WORKFLOW_NAME: WORKFLOW,
}
_DROPPED: ContextVar[bool] = ContextVar("dropped", default=False)
"""True while a request runs that is not sampled."""


class _Ids(RandomIdGenerator):
    """Makes ids; that of the next trace is the one `wanted`, where that is set."""

    wanted = 0

    def generate_trace_id(self) -> int:
        """Return the wanted id once, then random ones."""
        wanted, self.wanted = self.wanted, 0
        return wanted or super().generate_trace_id()


class OtelTracer:
    """Draws spans and hands them to an exporter, from a thread of its own; implements Tracer.

    A caller that sends `traceparent` decides whether its trace is sampled; of the others `ratio` of
    all are. The trace of one that is recorded by stages has the same id in both. Whether a request
    is sampled is decided before anything is made for it. `close` sends what waits and ends the
    thread. Belongs to one event loop.
    """

    def __init__(self, exporter: SpanExporter, *, ratio: float, service: str) -> None:
        self._ids = _Ids()
        self._ratio = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            ParentBased(self._ratio),
            Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE))
        self._tracer = self._provider.get_tracer(SCOPE)
        self._endpoints: dict[str, Attributes] = {}

    def request(self, exchange: Exchange) -> RequestSpan:
        """Begin the span of a request, as a child of the caller's.

        Of one that is not sampled only the decision is handed on to the endpoints.
        """
        headers = exchange.request.trace_context
        sent = TRACEPARENT.fullmatch(dict(headers).get("traceparent", "")) if headers else None
        # An empty context: the caller's headers alone say what the parent is.
        parent = Context()
        if sent is not None:
            if not int(sent.group(2), 16) & SAMPLED:
                return DroppedSpan()
            parent = _PROPAGATOR.extract(dict(headers), parent)
        else:
            trace_id = self._trace_id(exchange)
            if trace_id & self._ratio.TRACE_ID_LIMIT >= self._ratio.bound:
                own = f"00-{trace_id:032x}-{self._ids.generate_span_id():016x}-00"
                kept = (pair for pair in headers if pair[0] == "baggage")
                context = (("traceparent", own), *kept)
                exchange.request = replace(exchange.request, trace_context=context)
                return DroppedSpan()
            self._ids.wanted = trace_id
        span = self._tracer.start_span(WORKFLOW, parent, SpanKind.INTERNAL, _REQUEST)
        exchange.sampled_as = f"{span.get_span_context().trace_id:032x}"
        return OtelRequestSpan(span)

    def attempt(self, task: Task, try_number: int) -> OtelAttemptSpan | None:
        """Begin the span of a call; None for one of a request that is not sampled."""
        if _DROPPED.get():
            return None
        endpoint = task.endpoint
        known = self._endpoints.get(endpoint.name)
        if known is None:
            known = self._endpoints[endpoint.name] = _described(endpoint)
        model = endpoint.model
        span = self._tracer.start_span(f"{CALL} {model}" if model else CALL, None, SpanKind.CLIENT)
        asked = {**known, **_asked(task)}
        if try_number > 1:
            asked["gateway.attempt.try"] = try_number
        return OtelAttemptSpan(span, task.request.trace_context, asked)

    def _trace_id(self, exchange: Exchange) -> int:
        """Take the id under which the stages of a request are recorded, else a new one."""
        recorded = exchange.trace
        return self._ids.generate_trace_id() if recorded is None else int(recorded.trace_id, 16)

    async def close(self) -> None:
        """Send what waits; what the collector does not take in time is lost."""
        await asyncio.to_thread(self._provider.shutdown)


class DroppedSpan:
    """Of a request that is not sampled: its calls have no spans either."""

    __slots__ = ("_token",)

    def __init__(self) -> None:
        self._token: Token[bool] = _DROPPED.set(True)

    def ended(self, exchange: Exchange, error: BaseException | None) -> None:
        """End it."""
        del exchange, error
        _DROPPED.reset(self._token)


class OtelRequestSpan:
    """The span of a request; while it runs it is the current one of its task's context."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] = contexts.attach(set_span_in_context(span))

    def ended(self, exchange: Exchange, error: BaseException | None) -> None:
        """End it: as an error only where the serving side is to blame."""
        contexts.detach(self._token)
        span = self._span
        if span.is_recording():
            code = status_of(error)
            known = _decided(exchange)
            known[semconv.RPC_RESPONSE_STATUS_CODE] = code
            if error is not None:
                known[semconv.ERROR_TYPE] = reason_of(error)
                if code in semconv.RPC_SERVER_ERRORS:
                    span.set_status(Status(StatusCode.ERROR))
            span.set_attributes(known)
            if exchange.decision is not None:
                span.update_name(f"{WORKFLOW} {exchange.decision.reason}")
            for attempt in exchange.attempts:
                if attempt.status is AttemptStatus.SKIPPED:
                    skipped = {"gateway.endpoint": attempt.endpoint, "reason": attempt.reason}
                    span.add_event("skipped", skipped)
            span.end()


class OtelAttemptSpan:
    """The span of a call. `attributes` are written when it ends, all at once: each time costs."""

    __slots__ = ("_attributes", "_span", "trace_context")

    def __init__(
        self, span: Span, trace_context: tuple[tuple[str, str], ...], attributes: Attributes
    ) -> None:
        self._span = span
        self._attributes = attributes
        context = span.get_span_context()
        ids = f"{context.trace_id:032x}-{context.span_id:016x}"
        headers = [("traceparent", f"00-{ids}-{context.trace_flags:02x}")]
        if context.trace_state:
            headers.append(("tracestate", context.trace_state.to_header()))
        self.trace_context = (*headers, *(pair for pair in trace_context if pair[0] == "baggage"))

    def ended(self, attempt: Attempt | None, completion: Completion | None) -> None:
        """End it: as an error whenever there was no answer."""
        span = self._span
        if span.is_recording():
            known = self._attributes
            if attempt is not None:
                known.update(_called(attempt))
            if completion is None:
                reason = "" if attempt is None else attempt.reason
                known[semconv.ERROR_TYPE] = reason or "_OTHER"
                span.set_status(Status(StatusCode.ERROR))
            elif completion.finish_reason is not FinishReason.UNSPECIFIED:
                known[semconv.RESPONSE_FINISH_REASONS] = (completion.finish_reason.value,)
            span.set_attributes(known)
            span.end()


def _described(endpoint: Endpoint) -> Attributes:
    known: Attributes = {
        semconv.OPERATION_NAME: CALL,
        semconv.PROVIDER_NAME: PROVIDERS[endpoint.protocol],
        "gateway.endpoint": endpoint.name,
        **_address(endpoint),
    }
    if endpoint.model:
        known[semconv.REQUEST_MODEL] = endpoint.model
    return known


def _asked(task: Task) -> Attributes:
    """What differs from the usual call: each attribute costs a microsecond."""
    sampling, generates = task.sampling, task.operation is Operation.GENERATE
    given: Mapping[str, AttributeValue | None] = {
        semconv.REQUEST_MAX_TOKENS: sampling.max_tokens,
        semconv.REQUEST_TEMPERATURE: sampling.temperature,
        semconv.REQUEST_TOP_P: sampling.top_p,
        semconv.REQUEST_TOP_K: sampling.top_k,
        semconv.REQUEST_SEED: sampling.seed,
        "gateway.operation": None if generates else task.operation.value,
        "gateway.candidate": task.candidate or None,
    }
    return {key: each for key, each in given.items() if each is not None}


def _address(endpoint: Endpoint) -> Attributes:
    url = endpoint.url if "://" in endpoint.url else f"//{endpoint.url}"
    parts = urlsplit(url)
    found: Attributes = {}
    if parts.hostname:
        found[semconv.SERVER_ADDRESS] = parts.hostname
    if parts.port:
        found[semconv.SERVER_PORT] = parts.port
    return found


def _called(attempt: Attempt) -> Attributes:
    found: Attributes = {"gateway.attempt.outcome": attempt.status.value}
    if attempt.cost_micros:
        found["gateway.cost_micros"] = attempt.cost_micros
    usage = attempt.usage
    if usage.prompt_tokens or usage.completion_tokens:
        found[semconv.USAGE_INPUT_TOKENS] = usage.prompt_tokens
        found[semconv.USAGE_OUTPUT_TOKENS] = usage.completion_tokens
    return found


def _decided(exchange: Exchange) -> Attributes:
    found: Attributes = {"gateway.attempts": len(exchange.attempts)}
    if exchange.replayed:
        found["gateway.replayed"] = True
    decision = exchange.decision
    if decision is not None:
        found["gateway.route.reason"] = decision.reason.value
        found["gateway.route.primary"] = decision.primary
        found["gateway.route.complexity"] = decision.complexity
        if decision.learned is not None:
            found["gateway.route.decided_by"] = decision.learned.decided_by
    if exchange.decision_id:
        found["gateway.decision_id"] = exchange.decision_id
    return found

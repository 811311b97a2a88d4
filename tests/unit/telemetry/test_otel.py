from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from gateway.core.candidate import Attempt, AttemptStatus, Completion, FinishReason, Usage
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, Learned, RoutingDecision, RoutingReason
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Sampling
from gateway.core.ports import Task
from gateway.core.tracing import TraceRecorder
from gateway.telemetry.otel import OtelTracer
from gateway.telemetry.otlp import NO_EXTRA, otlp_exporter
from tests.fakes.values import make_request

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "a=b"), ("baggage", "k=v"))
NOT_SAMPLED = (("traceparent", f"00-{TRACE}-{PARENT}-00"),)
DECISION = RoutingDecision(
    "fast", ("b",), RoutingReason.FAST_MATCH, "", None, 0.25, "v2", ChainPolicy.PREFER
)
FAST = Endpoint("fast", url="grpc://models.test:50061", model="tiny")
OK = Attempt("fast", 1, AttemptStatus.OK, usage=Usage(11, 3), cost_micros=14)

Work = Callable[[OtelTracer], Awaitable[None]]


def spans_of(work: Work, ratio: float = 1.0) -> tuple[ReadableSpan, ...]:
    """Do some work with a tracer and return its spans in the order of their ends."""
    kept = InMemorySpanExporter()

    async def main() -> None:
        tracer = OtelTracer(kept, ratio=ratio, service="test")
        await work(tracer)
        await tracer.close()

    asyncio.run(main())
    return kept.get_finished_spans()


def exchange(**fields: Any) -> Exchange:
    context = fields.pop("trace_context", ())
    made = Exchange(make_request(trace_context=context), Deadline(9.0), decision=DECISION)
    for name, what in fields.items():
        setattr(made, name, what)
    return made


def fault(kind: Kind, reason: Reason = Reason.UPSTREAM_ERROR) -> Fault:
    return Fault(kind, Origin.UPSTREAM, reason, "words with a secret")


def request_span(error: BaseException | None = None, **fields: Any) -> ReadableSpan:
    async def work(tracer: OtelTracer) -> None:
        made = exchange(**fields)
        tracer.request(made).ended(made, error)

    (span,) = spans_of(work)
    return span


def attempt_span(
    attempt: Attempt | None,
    completion: Completion | None,
    endpoint: Endpoint = FAST,
    **sampling: Any,
) -> ReadableSpan:
    async def work(tracer: OtelTracer) -> None:
        task = Task(make_request(), endpoint, Sampling(**sampling), candidate=2)
        tracer.attempt(task, 3).ended(attempt, completion)

    (span,) = spans_of(work)
    return span


def test_a_request_is_one_internal_span_named_by_its_decision():
    learned = replace(DECISION, learned=Learned("head"))
    span = request_span(decision=learned, decision_id="d-1", attempts=[OK])
    assert (span.kind, span.name, span.parent) == (SpanKind.INTERNAL, "ensemble fast_match", None)
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "ensemble",
        "rpc.response.status_code": "OK",
        "gateway.attempts": 1,
        "gateway.route.reason": "fast_match",
        "gateway.route.primary": "fast",
        "gateway.route.complexity": 0.25,
        "gateway.route.decided_by": "head",
        "gateway.decision_id": "d-1",
    }
    assert span.resource.attributes["service.name"] == "test"


def test_a_call_is_a_client_span_with_the_names_of_the_conventions():
    completion = Completion("secret", FinishReason.STOP, "secret model")
    span = attempt_span(OK, completion, max_tokens=16, temperature=0.5, seed=7, stop=("secret",))
    assert (span.kind, span.name) == (SpanKind.CLIENT, "text_completion tiny")
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "ensemble",
        "gen_ai.request.model": "tiny",
        "gen_ai.request.max_tokens": 16,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.seed": 7,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 3,
        "server.address": "models.test",
        "server.port": 50061,
        "gateway.endpoint": "fast",
        "gateway.candidate": 2,
        "gateway.attempt.try": 3,
        "gateway.attempt.outcome": "ok",
        "gateway.cost_micros": 14,
    }


def test_a_call_to_a_server_without_scheme_or_model_has_what_is_known():
    plain = Endpoint("plain", url="127.0.0.1:1", protocol=Protocol.OPENAI)
    span = attempt_span(Attempt("plain", 1, AttemptStatus.OK), Completion("x"), plain)
    known = dict(span.attributes or {})
    assert span.name == "text_completion"
    assert (known["server.address"], known["server.port"]) == ("127.0.0.1", 1)
    assert known["gen_ai.provider.name"] == "openai"
    assert not known.keys() & {"gen_ai.request.model", "gen_ai.response.finish_reasons"}
    nowhere = attempt_span(None, None, Endpoint("x"))
    assert not (nowhere.attributes or {}).keys() & {"server.address", "server.port"}


@pytest.mark.parametrize(
    ("kind", "code", "is_error"),
    [
        (Kind.UNAVAILABLE, "UNAVAILABLE", True),
        (Kind.DEADLINE, "DEADLINE_EXCEEDED", True),
        (Kind.INTERNAL, "INTERNAL", True),
        (Kind.INVALID, "INVALID_ARGUMENT", False),
        (Kind.EXHAUSTED, "RESOURCE_EXHAUSTED", False),
        (Kind.CANCELLED, "CANCELLED", False),
        (Kind.UNVERIFIED, "ABORTED", False),
        (Kind.INFEASIBLE, "FAILED_PRECONDITION", False),
    ],
)
def test_the_serving_side_is_in_error_only_for_what_the_caller_did_not_do(kind, code, is_error):
    span = request_span(fault(kind))
    known = dict(span.attributes or {})
    assert known["rpc.response.status_code"] == code
    assert known["error.type"] == "UPSTREAM_ERROR"
    assert (span.status.status_code is StatusCode.ERROR) is is_error
    assert span.status.description is None


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        (
            Attempt("fast", 1, AttemptStatus.TIMEOUT, Reason.UPSTREAM_TIMEOUT, "secret"),
            "UPSTREAM_TIMEOUT",
        ),
        (Attempt("fast", 1, AttemptStatus.CANCELLED, Reason.NOT_NEEDED), "NOT_NEEDED"),
        (None, "_OTHER"),
    ],
)
def test_the_asking_side_is_in_error_whenever_there_was_no_answer(attempt, error: str):
    span = attempt_span(attempt, None)
    assert dict(span.attributes or {})["error.type"] == error
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)


def test_a_request_that_was_not_routed_keeps_the_plain_name():
    assert request_span(fault(Kind.INVALID), decision=None).name == "ensemble"


def test_skipped_endpoints_are_events_and_no_spans():
    skipped = Attempt("b", 1, AttemptStatus.SKIPPED, Reason.BREAKER_OPEN, "secret")
    (event,) = request_span(attempts=[OK, skipped]).events
    assert (event.name, dict(event.attributes or {})) == (
        "skipped",
        {"gateway.endpoint": "b", "reason": "BREAKER_OPEN"},
    )


def test_calls_are_children_of_their_request_and_that_of_the_caller():
    told: list[dict[str, str]] = []

    async def work(tracer: OtelTracer) -> None:
        made = exchange(trace_context=SAMPLED)
        span = tracer.request(made)
        for number in (1, 2):
            call = tracer.attempt(Task(made.request, FAST, Sampling()), number)
            told.append(dict(call.trace_context))
            call.ended(OK, Completion("x"))
        span.ended(made, None)

    one, two, request = spans_of(work)
    assert {f"{span.context.trace_id:032x}" for span in (one, two, request)} == {TRACE}
    assert f"{request.parent.span_id:016x}" == PARENT
    assert one.parent.span_id == two.parent.span_id == request.context.span_id
    for span, headers in zip((one, two), told, strict=True):
        assert headers == {
            "traceparent": f"00-{TRACE}-{span.context.span_id:016x}-01",
            "tracestate": "a=b",
            "baggage": "k=v",
        }


@pytest.mark.parametrize(
    ("context", "ratio", "kept"),
    [(SAMPLED, 0.0, 2), (NOT_SAMPLED, 1.0, 0), ((), 0.0, 0), ((), 1.0, 2)],
)
def test_the_caller_decides_what_is_sampled_and_the_ratio_where_it_does_not(context, ratio, kept):
    headers: list[str] = []

    async def work(tracer: OtelTracer) -> None:
        made = exchange(trace_context=context)
        span = tracer.request(made)
        call = tracer.attempt(Task(made.request, FAST, Sampling()), 1)
        assert (call is not None) is bool(kept)
        headers.append(dict((call or made.request).trace_context)["traceparent"])
        if call is not None:
            call.ended(None, None)
        span.ended(made, fault(Kind.INTERNAL))
        assert bool(made.trace_id) is bool(kept)

    assert len(spans_of(work, ratio)) == kept
    assert bool(int(headers[0][-2:], 16) & 1) is bool(kept)


def test_requests_side_by_side_keep_their_calls_apart():
    async def work(tracer: OtelTracer) -> None:
        async def one(number: int) -> None:
            made = exchange()
            span = tracer.request(made)
            await asyncio.sleep(0)
            tracer.attempt(Task(made.request, FAST, Sampling(), number), 1).ended(OK, None)
            await asyncio.sleep(0)
            span.ended(made, None)

        await asyncio.gather(*(one(number) for number in range(5)))

    spans = spans_of(work)
    requests = {span.context.span_id for span in spans if span.kind is SpanKind.INTERNAL}
    parents = [span.parent.span_id for span in spans if span.kind is SpanKind.CLIENT]
    assert len(parents) == 5
    assert set(parents) == requests


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_stages_and_spans_of_a_request_have_one_id_also_without_a_caller_s(ratio: float):
    """T-09 ✗: ids of its own, by which nothing was found elsewhere."""
    told: list[str] = []

    async def work(tracer: OtelTracer) -> None:
        made = exchange(trace=TraceRecorder(TRACE, time.monotonic))
        span = tracer.request(made)
        call = tracer.attempt(Task(made.request, FAST, Sampling()), 1)
        told.append(dict((call or made.request).trace_context)["traceparent"])
        if call is not None:
            call.ended(OK, Completion("x"))
        span.ended(made, None)
        assert made.trace_id == TRACE
        other = exchange()
        tracer.request(other).ended(other, None)
        assert other.trace_id != TRACE

    spans = spans_of(work, ratio)
    assert told[0].split("-")[1] == TRACE
    ids = [f"{span.context.trace_id:032x}" for span in spans]
    assert ids[:2] == ([TRACE, TRACE] if ratio else [])


def test_of_a_request_that_is_not_sampled_the_callers_headers_go_on_as_they_are():
    async def work(tracer: OtelTracer) -> None:
        made = exchange(trace_context=NOT_SAMPLED)
        request = made.request
        span = tracer.request(made)
        assert tracer.attempt(Task(request, FAST, Sampling()), 1) is None
        span.ended(made, None)
        assert made.request is request
        assert made.trace_id == ""

    assert spans_of(work) == ()


def test_the_baggage_of_a_caller_without_a_trace_goes_on():
    async def work(tracer: OtelTracer) -> None:
        made = exchange(trace_context=(("tracestate", "a=b"), ("baggage", "k=v")))
        tracer.request(made).ended(made, None)
        assert [key for key, _ in made.request.trace_context] == ["traceparent", "baggage"]

    assert spans_of(work, 0.0) == ()


def test_a_malformed_traceparent_begins_a_trace_of_its_own():
    assert request_span(trace_context=(("traceparent", "secret"),)).parent is None
    assert (
        request_span(trace_context=(("traceparent", f"00-{'0' * 32}-{PARENT}-01"),)).parent is None
    )


def test_a_missing_extra_is_one_error_that_names_it(monkeypatch: pytest.MonkeyPatch):
    def missing(_: str) -> None:
        raise ImportError

    monkeypatch.setattr("gateway.telemetry.otlp.import_module", missing)
    with pytest.raises(ValueError, match=r"ensemble-gateway\[otlp\]") as caught:
        otlp_exporter("", 1.0)
    assert str(caught.value) == NO_EXTRA

"""Spans of a running gateway, as a collector gets them."""

from __future__ import annotations

import grpc
import pytest
from ensemble.v1.hole_pb2 import Constraint, RegexPattern
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.app import Gateway
from gateway.config.schema import Settings
from tests.fakes.gateways import (
    Door,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
    streamed,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script
from tests.fakes.watched import Collector, attributes, get, no_task_left

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
SECRET = "hunter2-planted"


def traced(collector: Collector, *urls: str, **tables: object) -> Settings:
    telemetry = {"traces": "otlp", "otlp_endpoint": collector.url, "sample_ratio": 1.0}
    return settings_of(*urls, telemetry=telemetry, **tables)


def by_kind(spans: list[Span], kind: Span.SpanKind.ValueType) -> list[Span]:
    return [span for span in spans if span.kind == kind]


async def test_a_request_and_its_calls_reach_the_collector_as_one_trace() -> None:
    down = Script(failure=Failure.UNAVAILABLE)
    async with (
        Collector() as collector,
        FakeModelServer(down) as first,
        FakeModelServer(Script()) as second,
    ):
        async with gateway_on_loopback(traced(collector, first.url, second.url)) as door:
            await door.generate(request(), metadata=TRACEPARENT)
        seen = [server.witness.asked[0].headers["traceparent"] for server in (first, second)]
    (whole,) = by_kind(collector.spans, Span.SPAN_KIND_INTERNAL)
    calls = by_kind(collector.spans, Span.SPAN_KIND_CLIENT)
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    assert {call.parent_span_id for call in calls} == {whole.span_id}
    assert [f"00-{TRACE}-{call.span_id.hex()}-01" for call in calls] == seen
    assert [call.status.code for call in calls] == [Status.STATUS_CODE_ERROR, 0]
    assert [attributes(call)["gateway.endpoint"] for call in calls] == ["a", "b"]
    assert attributes(calls[0])["error.type"] == "UPSTREAM_UNAVAILABLE"
    assert whole.status.code == Status.STATUS_CODE_UNSET
    assert whole.start_time_unix_nano <= calls[0].start_time_unix_nano
    assert calls[1].end_time_unix_nano <= whole.end_time_unix_nano


def constraint(name: str, pattern: str) -> Constraint:
    return Constraint(name=name, regex=RegexPattern(pattern=pattern))


async def test_a_best_of_three_has_three_calls_under_one_request() -> None:
    async with Collector() as collector, FakeModelServer(Script()) as server:
        settings = traced(collector, server.url)
        async with gateway_on_loopback(settings) as door:
            await failure(door.generate(request(n=3, constraints=[constraint("x", "no")])))
    (whole,) = by_kind(collector.spans, Span.SPAN_KIND_INTERNAL)
    calls = by_kind(collector.spans, Span.SPAN_KIND_CLIENT)
    assert len(calls) == 3
    assert {call.parent_span_id for call in calls} == {whole.span_id}
    assert {attributes(call).get("gateway.candidate", 0) for call in calls} == {0, 1, 2}


async def test_health_goes_on_with_everything_on() -> None:
    """The interceptor of OpenTelemetry breaks Watch: it iterates over a coroutine."""
    async with Collector() as collector, FakeModelServer(Script()) as server:
        settings = traced(collector, server.url, admin={"port": 0})
        async with gateway_on_loopback(settings) as door:
            await door.generate(request())
            stub = HealthStub(door.channel)
            answer = await stub.Check(HealthCheckRequest())
            assert answer.status == HealthCheckResponse.SERVING
            watch = stub.Watch(HealthCheckRequest(service="endpoint/a"))
            assert (await watch.read()).status == HealthCheckResponse.SERVING
            assert door.gateway is not None
            door.gateway.drain("a", drained=True)
            assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
            watch.cancel()


async def plant(door: Door) -> None:
    """Ask in every way with a secret in every place where a caller can put one."""
    labels = {"task": SECRET, SECRET: "x"}
    fields = {"suffix": SECRET, "labels": labels, "session_id": SECRET, "request_id": SECRET}
    metadata = (
        ("x-ensemble-tenant", SECRET),
        ("authorization", f"Bearer {SECRET}"),
        ("x-request-id", SECRET),
        ("baggage", f"k={SECRET}"),
        ("tracestate", f"k={SECRET}"),
        ("x-other", SECRET),
        *TRACEPARENT,
    )
    await door.generate(request(SECRET, **fields), metadata=metadata)
    await failure(door.generate(request(SECRET + "x", **fields), metadata=metadata))
    refused = constraint(SECRET, f"^{SECRET}[")
    await failure(door.generate(request(SECRET, constraints=[refused]), metadata=metadata))
    async for _ in door.stream(streamed(SECRET, sampling={"stop": [SECRET]}), metadata=metadata):
        pass
    rejected = constraint(SECRET, f"^no {SECRET}$")
    await failure(door.generate(request(SECRET, constraints=[rejected]), metadata=metadata))


async def test_a_planted_secret_is_in_no_metric_and_in_no_span() -> None:
    script = Script(failure=Failure.BROKEN, words=SECRET)
    good = Script(pieces=(SECRET, "x"), model=SECRET)
    async with (
        Collector() as collector,
        FakeModelServer(script) as first,
        FakeModelServer(good) as second,
    ):
        settings = traced(collector, first.url, second.url, admin={"port": 0})
        async with gateway_on_loopback(settings) as door:
            await plant(door)
            assert door.gateway is not None
            port = door.gateway.observability.admin_port
            assert port is not None
            _, page = await get(port)
    assert len(collector.spans) > 5
    # What a caller puts into `tracestate` belongs to its trace by the standard, and only there.
    shown = [span for span in collector.spans if SECRET in str(Span(name=span.name))]
    bare = [_without_state(span) for span in collector.spans]
    assert shown == []
    assert all(SECRET.encode() not in raw for raw in bare)
    assert SECRET not in page


def _without_state(span: Span) -> bytes:
    copy = Span()
    copy.CopyFrom(span)
    copy.ClearField("trace_state")
    return copy.SerializeToString()


async def test_a_collector_that_is_not_there_costs_no_answer() -> None:
    async with FakeModelServer(Script()) as server, no_task_left():
        telemetry: dict[str, object] = {"traces": "otlp", "otlp_endpoint": "http://127.0.0.1:1"}
        telemetry |= {"otlp_timeout_s": 0.2, "sample_ratio": 1.0}
        async with gateway_on_loopback(settings_of(server.url, telemetry=telemetry)) as door:
            assert (await door.generate(request())).text


def test_a_missing_extra_is_an_error_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ImportError

    monkeypatch.setattr("gateway.telemetry.otlp.import_module", missing)
    with pytest.raises(ValueError, match=r"ensemble-gateway\[otlp\]"):
        Gateway(settings_of("grpc://127.0.0.1:1", telemetry={"traces": "otlp"}))


async def test_without_traces_the_headers_of_the_caller_go_on_as_they_are() -> None:
    async with (
        FakeModelServer(Script()) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
    ):
        await door.generate(request(), metadata=TRACEPARENT)
        assert server.witness.asked[0].headers["traceparent"] == TRACEPARENT[0][1]
        with pytest.raises(grpc.aio.AioRpcError):
            await door.generate(request(""))

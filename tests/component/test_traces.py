"""Spans of a running gateway, as a collector gets them."""

from __future__ import annotations

import grpc
import pytest
from ensemble.v1.hole_pb2 import Constraint, RegexPattern
from ensemble.v1.telemetry_service_pb2 import GetTraceRequest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.app import Gateway
from gateway.config.schema import Settings
from tests.fakes.gateways import (
    failure,
    gateway_on_loopback,
    request,
    settings_of,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script
from tests.fakes.taught import trailer
from tests.fakes.watched import Collector, attributes, no_task_left

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)


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


async def test_one_id_leads_to_the_stages_and_to_the_spans_of_a_request() -> None:
    """T-09 ✗: ids of eight hex digits that led nowhere else; also without `traceparent`."""
    async with Collector() as collector, FakeModelServer(Script()) as server:
        async with gateway_on_loopback(traced(collector, server.url)) as door:
            for asked in (request(trace=True), request()):
                call = door.generate(asked)
                answer = await call
                assert await trailer(call, "x-ensemble-trace") == answer.trace_id
                kept = door.telemetry.GetTrace(GetTraceRequest(id=answer.trace_id))
                if asked.trace:
                    assert (await kept).trace.trace_id == answer.trace_id
                else:
                    assert (await failure(kept)).reason == "UNKNOWN_TRACE"
            failed = await failure(door.generate(request(endpoint_filter={"required_tags": ["x"]})))
            ids = [answer.trace_id, failed.details["FailureDetail"].trace_id]
            assert failed.trailers["x-ensemble-trace"] == ids[1]
        sent = server.witness.asked[1].headers["traceparent"]
    assert sent.split("-")[1] == ids[0]
    found = {span.trace_id.hex() for span in by_kind(collector.spans, Span.SPAN_KIND_INTERNAL)}
    assert len(found) == 3
    assert set(ids) < found


async def test_without_traces_the_headers_of_the_caller_go_on_as_they_are() -> None:
    async with (
        FakeModelServer(Script()) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
    ):
        await door.generate(request(), metadata=TRACEPARENT)
        assert server.witness.asked[0].headers["traceparent"] == TRACEPARENT[0][1]
        with pytest.raises(grpc.aio.AioRpcError):
            await door.generate(request(""))

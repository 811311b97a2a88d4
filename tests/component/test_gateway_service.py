"""What goes in and out beside the messages, health and reflection, and our own bugs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import gateway.ensemble.filler
from gateway import Gateway
from gateway.ingress.listener import ListenError
from tests.fakes.gateways import (
    Door,
    door_to,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
    streamed,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
SERVICES = [
    "ensemble.v1.AdminService",
    "ensemble.v1.GatewayService",
    "ensemble.v1.TelemetryService",
]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SECRET = "sk-of-the-endpoint"


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as server:
        yield server


@pytest.fixture
async def door(model: FakeModelServer) -> AsyncIterator[Door]:
    async with gateway_on_loopback(settings_of(model.url)) as opened:
        yield opened


async def trailers_of(call: object) -> dict[str, str]:
    return {key: str(value) for key, value in await call.trailing_metadata()}


# Metadata


@pytest.mark.parametrize("how", ["unary", "stream"])
async def test_the_trailers_say_what_happened(door: Door, model: FakeModelServer, how: str) -> None:
    metadata = (("traceparent", TRACEPARENT), ("x-request-id", "mine"))
    if how == "unary":
        call = door.generate(request(), timeout=10, metadata=metadata)
        answer = await call
    else:
        call = door.stream(streamed(), timeout=10, metadata=metadata)
        answer = [event async for event in call][-1].done
    trailers = await trailers_of(call)
    assert trailers["x-ensemble-endpoint"] == "a"
    assert trailers["x-ensemble-attempts"] == "1"
    assert trailers["x-ensemble-cache"] == "miss"
    assert trailers["x-ensemble-trace"] == TRACE_ID
    assert trailers["x-request-id"] == "mine"
    assert (answer.request_id, answer.trace_id) == ("mine", TRACE_ID)


async def test_a_request_without_an_id_gets_one(door: Door, model: FakeModelServer) -> None:
    first, second = [await door.generate(request(), timeout=10) for _ in range(2)]
    assert first.request_id
    assert first.request_id != second.request_id
    assert model.witness.asked[0].headers["x-request-id"] == first.request_id


async def test_the_messages_id_wins_over_the_headers(door: Door, model: FakeModelServer) -> None:
    metadata = (("x-request-id", "of the header"),)
    call = door.generate(request(request_id="of the message"), timeout=10, metadata=metadata)
    assert (await call).request_id == "of the message"
    assert (await trailers_of(call))["x-request-id"] == "of the message"
    assert model.witness.asked[0].headers["x-request-id"] == "of the message"


@pytest.mark.parametrize("value", ["", "00-short-b7ad6b7169203331-01", "nonsense " * 50])
async def test_a_broken_traceparent_stops_nothing(door: Door, value: str) -> None:
    call = door.generate(request(), timeout=10, metadata=(("traceparent", value),))
    assert (await call).trace_id == ""
    assert "x-ensemble-trace" not in await trailers_of(call)


@pytest.mark.parametrize("how", ["unary", "stream", "batch"])
async def test_only_the_trace_context_goes_upstream(
    door: Door, model: FakeModelServer, how: str
) -> None:
    metadata = (
        ("traceparent", TRACEPARENT),
        ("tracestate", "vendor=1"),
        ("baggage", "team=blue"),
        ("authorization", "Bearer of-the-caller"),
        ("cookie", "of-the-caller"),
        ("x-ensemble-tenant", "of-the-caller"),
        ("x-anything-bin", b"of-the-caller"),
    )
    if how == "unary":
        await door.generate(request(), timeout=10, metadata=metadata)
    elif how == "stream":
        _ = [event async for event in door.stream(streamed(), timeout=10, metadata=metadata)]
    else:
        batch = iter([pb.BatchGenerateRequest(request=request())])
        _ = [answer async for answer in door.batch(batch, timeout=10, metadata=metadata)]
    (asked,) = model.witness.asked
    assert asked.headers["traceparent"] == TRACEPARENT
    assert asked.headers["tracestate"] == "vendor=1"
    assert asked.headers["baggage"] == "team=blue"
    assert "authorization" not in asked.headers
    assert "of-the-caller" not in str(asked.headers)


async def test_the_endpoints_secret_replaces_the_callers(
    model: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_A", SECRET)
    settings = settings_of(model.url, endpoint=[{"secret_ref": "env:KEY_OF_A"}])
    async with gateway_on_loopback(settings) as door:
        metadata = (("authorization", "Bearer of-the-caller"),)
        await door.generate(request(), timeout=10, metadata=metadata)
    assert model.witness.asked[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_failure_tells_its_attempts_in_the_trailers(model: FakeModelServer) -> None:
    model.script.failure = Failure.UNAVAILABLE
    retry = {"max_tries": 3, "base_s": 0.001, "max_s": 0.001}
    async with gateway_on_loopback(settings_of(model.url, retry=retry)) as door:
        metadata = (("x-request-id", "mine"),)
        failed = await failure(door.generate(request(), timeout=10, metadata=metadata))
    assert failed.trailers["x-ensemble-attempts"] == "3"
    assert failed.trailers["x-request-id"] == "mine"
    assert [attempt.try_number for attempt in failed.attempts] == [1, 2, 3]
    assert len(model.witness.asked) == 3


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (Failure.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (Failure.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
        (Failure.INVALID, grpc.StatusCode.INVALID_ARGUMENT),
        (Failure.UNKNOWN_MODEL, grpc.StatusCode.UNAVAILABLE),
        (Failure.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE),
        (Failure.DENIED, grpc.StatusCode.UNAVAILABLE),
        (Failure.BROKEN, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_an_endpoints_status_is_mapped_not_leaked(
    door: Door, model: FakeModelServer, scripted: Failure, code: grpc.StatusCode
) -> None:
    model.script.failure = scripted
    failed = await failure(door.generate(request(), timeout=10))
    assert failed.code is code
    assert model.script.words not in str(failed)
    assert {"ErrorInfo", "RequestInfo", "FailureDetail"} <= set(failed.details)


# Health and reflection


async def test_health_is_serving_for_every_name(door: Door) -> None:
    stub = health_pb2_grpc.HealthStub(door.channel)
    for name in ("", *SERVICES):
        asked = health_pb2.HealthCheckRequest(service=name)
        assert (await stub.Check(asked, timeout=10)).status == SERVING
    unknown = health_pb2.HealthCheckRequest(service="nobody")
    assert (await failure(stub.Check(unknown, timeout=10))).code is grpc.StatusCode.NOT_FOUND


async def test_each_endpoint_has_a_health_of_its_own(model: FakeModelServer) -> None:
    settings = settings_of(model.url, model.url, endpoint=[{}, {"drained": True}])
    async with gateway_on_loopback(settings) as door:
        stub = health_pb2_grpc.HealthStub(door.channel)
        for name, status in (("endpoint/a", SERVING), ("endpoint/b", NOT_SERVING), ("", SERVING)):
            asked = health_pb2.HealthCheckRequest(service=name)
            assert (await stub.Check(asked, timeout=10)).status == status
        unknown = health_pb2.HealthCheckRequest(service="endpoint/c")
        assert (await failure(stub.Check(unknown, timeout=10))).code is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_sees_the_drain_and_is_let_go(model: FakeModelServer) -> None:
    async with gateway_on_loopback(settings_of(model.url)) as door:
        stub = health_pb2_grpc.HealthStub(door.channel)
        watch = aiter(stub.Watch(health_pb2.HealthCheckRequest(), timeout=10))
        assert (await anext(watch)).status == SERVING
        assert door.gateway is not None
        stop = asyncio.Event()
        stop.set()
        serving = asyncio.create_task(door.gateway.serve(stop))
        assert (await anext(watch)).status == NOT_SERVING
        with pytest.raises(StopAsyncIteration):
            await anext(watch)
        async with asyncio.timeout(5):
            await serving


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_the_services_and_describes_them(door: Door, version: str) -> None:
    method = door.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="ensemble.v1.GatewayService"),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="inference.GRPCInferenceService"
        ),
        reflection_pb2.ServerReflectionRequest(file_by_filename="inference/open_inference.proto"),
        reflection_pb2.ServerReflectionRequest(
            all_extension_numbers_of_type="inference.ModelInferRequest"
        ),
        reflection_pb2.ServerReflectionRequest(
            file_containing_extension=reflection_pb2.ExtensionRequest(
                containing_type="ensemble.v1.GenerateRequest", extension_number=1000
            )
        ),
    ]
    answers = [answer async for answer in method(iter(asked), timeout=10)]
    listed, *described, extensions, extension = answers
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {*SERVICES, "grpc.health.v1.Health"}
    assert not [name for name in names if name.startswith("endpoint/")]
    assert all(one.file_descriptor_response.file_descriptor_proto for one in described)
    assert not extensions.all_extension_numbers_response.extension_number
    assert extension.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_reflection_can_be_switched_off(model: FakeModelServer) -> None:
    settings = settings_of(model.url, server={"reflection": False})
    async with gateway_on_loopback(settings) as door:
        stub = reflection_pb2_grpc.ServerReflectionStub(door.channel)
        # Nothing is sent: a client that writes while it is refused sometimes hears INTERNAL.
        code = await stub.ServerReflectionInfo(timeout=10).code()
    assert code is grpc.StatusCode.UNIMPLEMENTED


# Limits and the end


async def test_a_taken_port_is_named(door: Door, model: FakeModelServer) -> None:
    settings = settings_of(model.url, server={"port": door.port})
    async with Gateway(settings) as second:
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{door.port}.*--port"):
            await second.start()
    await door.generate(request(), timeout=10)


async def test_more_calls_than_allowed_are_refused_at_once(model: FakeModelServer) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(_: object) -> None:
        held.set()
        await release.wait()

    model.hold = hold
    async with gateway_on_loopback(settings_of(model.url, server={"max_in_flight": 1})) as door:
        first = asyncio.ensure_future(door.generate(request(), timeout=20))
        async with asyncio.timeout(10):
            await held.wait()
        failed = await failure(door.generate(request(), timeout=10))
        release.set()
        assert (await first).endpoint == "a"
        async with asyncio.timeout(10):
            while not await served(door):  # a moment passes until the first one's place is free
                pass
    assert failed.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(model.witness.asked) == 2


async def served(door: Door) -> bool:
    try:
        return bool(await door.generate(request(), timeout=10))
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        return False


async def test_a_drain_lets_running_calls_end_and_takes_no_new_ones(
    model: FakeModelServer,
) -> None:
    release = asyncio.Event()
    model.hold = lambda _: release.wait()
    async with gateway_on_loopback(settings_of(model.url)) as door:
        assert door.gateway is not None
        running = asyncio.ensure_future(door.generate(request(), timeout=20))
        async with asyncio.timeout(10):
            await model.witness.started.wait()
            stop = asyncio.Event()
            stop.set()
            serving = asyncio.create_task(door.gateway.serve(stop))
            async with door_to(door.port) as late:
                while True:
                    refused = await failure(refuse_or_cancel(late))
                    if refused.code is grpc.StatusCode.UNAVAILABLE:
                        break
            assert not serving.done()
            release.set()
            assert (await running).text == model.script.text
            await serving


async def refuse_or_cancel(door: Door) -> None:
    """Ask with little time: until the listener is closed the call is taken, and ends by itself."""
    await door.generate(request(), timeout=0.1)


async def test_what_outlasts_the_grace_is_cancelled_at_the_endpoint_too(
    model: FakeModelServer,
) -> None:
    """Trap of grpc.aio: the caller is told UNAVAILABLE then, and may ask again elsewhere."""
    model.script.hang = True
    async with gateway_on_loopback(settings_of(model.url)) as door:
        running = asyncio.create_task(failure(door.generate(request(), timeout=20)))
        async with asyncio.timeout(10):
            await model.witness.started.wait()
            assert door.gateway is not None
            await door.gateway.__aexit__()
            assert (await running).code is grpc.StatusCode.UNAVAILABLE
            await model.witness.left.wait()


# Our own bugs


@pytest.mark.parametrize("how", ["unary", "stream", "batch"])
async def test_a_bug_of_ours_is_internal_and_tells_no_value(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    async def buggy(run: gateway.ensemble.filler.Run) -> None:
        raise ValueError(f"cannot handle {run.exchange.request.hole.prompt}")

    monkeypatch.setattr(gateway.ensemble.filler, "sequential", buggy)
    marked = request("the-secret-prompt", request_id="mine")
    if how == "batch":
        batch = door.batch(iter([pb.BatchGenerateRequest(index=1, request=marked)]), timeout=10)
        (answer,) = [one async for one in batch]
        code, message = answer.failure.code, answer.failure.message
        detail = answer.failure.detail
    else:
        stream = pb.GenerateStreamRequest(request=marked)
        call = door.generate(marked, timeout=10) if how == "unary" else door.stream(stream)
        failed = await failure(call)
        code, message = failed.code.value[0], failed.message
        detail = failed.details["FailureDetail"]
        assert "the-secret-prompt" not in str(failed)
    assert code == grpc.StatusCode.INTERNAL.value[0]
    assert "ValueError" in message
    assert (detail.reason, detail.request_id) == ("INTERNAL_ERROR", "mine")
    shown = " ".join(str(vars(record)) for record in caplog.records) + caplog.text
    assert "the-secret-prompt" not in shown
    assert "the-secret-prompt" not in message
    assert "ValueError" in shown
    assert "mine" in shown


async def test_a_failure_is_logged_with_the_callers_session_and_labels(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway.ingress")
    message = request(n=3, strategy=1, session_id="s-1", labels={"team": "blue"})
    with pytest.raises(grpc.aio.AioRpcError):
        await door.generate(message, timeout=10)
    (record,) = [entry for entry in caplog.records if entry.message == "request failed"]
    assert (record.session_id, record.labels) == ("s-1", {"team": "blue"})
    assert record.reason == "INVALID_FIELD"

"""A scripted gateway: every RPC of `ensemble.v1` that the client calls, on one free port.

A behaviour is what a handler does with `(request, context)`; each RPC takes the next one of its
script and keeps the last one. The server runs on gRPC's own threads, so that both clients may use
it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import telemetry_service_pb2 as telemetry
from ensemble.v1.decision_pb2 import RoutingDecision
from ensemble.v1.result_pb2 import Attempt, AttemptStatus
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

Behaviour = Callable[[Any, grpc.ServicerContext], Any]

UNARY = {
    "Generate": ("ensemble.v1.GatewayService", pb.GenerateRequest),
    "Route": ("ensemble.v1.GatewayService", pb.RouteRequest),
    "ListPipelines": ("ensemble.v1.GatewayService", pb.ListPipelinesRequest),
    "ListEndpoints": ("ensemble.v1.AdminService", admin.ListEndpointsRequest),
    "DrainEndpoint": ("ensemble.v1.AdminService", admin.DrainEndpointRequest),
    "UndrainEndpoint": ("ensemble.v1.AdminService", admin.UndrainEndpointRequest),
    "DescribeRouter": ("ensemble.v1.AdminService", admin.DescribeRouterRequest),
    "DescribeConfig": ("ensemble.v1.AdminService", admin.DescribeConfigRequest),
    "GetMetrics": ("ensemble.v1.TelemetryService", telemetry.GetMetricsRequest),
}
PATIENCE_S = 10.0

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
ANSWER = pb.GenerateResponse(text="return a + b", endpoint="fast")
DETAIL = pb.FailureDetail(
    reason="ALL_ENDPOINTS_FAILED",
    attempts=[
        Attempt(
            endpoint="fast",
            try_number=1,
            status=AttemptStatus.ATTEMPT_STATUS_TIMEOUT,
            reason="UPSTREAM_TIMEOUT",
            elapsed=Duration(nanos=203_000_000),
        )
    ],
    decision=RoutingDecision(primary="fast"),
    retry_after=Duration(nanos=250_000_000),
    request_id="r-1",
)
STARTED = pb.GenerateStreamResponse(started=pb.StreamStarted(request_id="r-1"))
DONE = pb.GenerateStreamResponse(done=pb.GenerateResponse(endpoint="fast"))


def delta(text: str) -> pb.GenerateStreamResponse:
    return pb.GenerateStreamResponse(delta=pb.StreamDelta(text=text, endpoint="fast"))


@dataclass
class Seen:
    """One RPC as it arrived."""

    method: str
    metadata: dict[str, str | bytes]
    time_left_s: float
    request: Any = None
    requests: list[Any] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


class FakeGateway:
    def __init__(self, **scripts: Behaviour | list[Behaviour]) -> None:
        self._scripts = {
            name: list(script) if isinstance(script, list) else [script]
            for name, script in scripts.items()
        }
        self.seen: list[Seen] = []
        self.arrived = threading.Event()
        self.target = ""
        self._server = grpc.server(ThreadPoolExecutor(8), handlers=_handlers(self._answer))

    def __enter__(self) -> Self:
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop(None).wait(PATIENCE_S)

    def _answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        seen = Seen(method, dict(context.invocation_metadata()), context.time_remaining())
        context.add_callback(seen.ended.set)
        self.seen.append(seen)
        self.arrived.set()
        script = self._scripts[method]
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        if hasattr(request, "__next__"):
            return behaviour(_noted(request, seen), context)
        seen.request = request
        return behaviour(request, context)


def _noted(requests: Iterator[Any], seen: Seen) -> Iterator[Any]:
    for request in requests:
        seen.requests.append(request)
        yield request


def _handlers(answer: Callable[[str, Any, Any], Any]) -> list[grpc.GenericRpcHandler]:
    services: dict[str, dict[str, grpc.RpcMethodHandler]] = {}
    for method, (service, request) in UNARY.items():
        services.setdefault(service, {})[method] = grpc.unary_unary_rpc_method_handler(
            lambda raw, context, method=method: answer(method, raw, context),
            request.FromString,
            lambda response: response.SerializeToString(),
        )
    gateway = services["ensemble.v1.GatewayService"]
    gateway["GenerateStream"] = grpc.unary_stream_rpc_method_handler(
        lambda request, context: answer("GenerateStream", request, context),
        pb.GenerateStreamRequest.FromString,
        pb.GenerateStreamResponse.SerializeToString,
    )
    gateway["Refine"] = grpc.unary_stream_rpc_method_handler(
        lambda request, context: answer("Refine", request, context),
        pb.RefineRequest.FromString,
        pb.RefineResponse.SerializeToString,
    )
    gateway["RunPipeline"] = grpc.unary_stream_rpc_method_handler(
        lambda request, context: answer("RunPipeline", request, context),
        pb.RunPipelineRequest.FromString,
        pb.RunPipelineResponse.SerializeToString,
    )
    gateway["BatchGenerate"] = grpc.stream_stream_rpc_method_handler(
        lambda requests, context: answer("BatchGenerate", requests, context),
        pb.BatchGenerateRequest.FromString,
        pb.BatchGenerateResponse.SerializeToString,
    )
    return [
        grpc.method_handlers_generic_handler(service, methods)
        for service, methods in services.items()
    ]


def says(response: Any) -> Behaviour:
    """Answer with a message."""
    return lambda _request, _context: response


def fails(
    code: grpc.StatusCode,
    message: str,
    detail: pb.FailureDetail | None = None,
    *trailers: tuple[str, str | bytes],
) -> Behaviour:
    """End the RPC with a status; with a detail, the way the gateway packs it among others."""

    def behaviour(_request: Any, context: grpc.ServicerContext) -> None:
        if detail is None:
            context.set_trailing_metadata(trailers)
            context.abort(code, message)
        rich = Status(code=code.value[0], message=message)
        infos = (ErrorInfo(reason=detail.reason, domain="x"), RequestInfo(request_id="x"), detail)
        for info in infos:
            packed = Packed()
            packed.Pack(info)
            rich.details.append(packed)
        status = rpc_status.to_status(rich)
        context.set_trailing_metadata((*status.trailing_metadata, *trailers))
        context.abort(code, message)

    return behaviour


def streams(*events: Any, then: Behaviour | None = None) -> Behaviour:
    """Send events, then end well or do something else."""

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from events
        if then is not None:
            then(request, context)

    return behaviour


def waits(_request: Any, context: grpc.ServicerContext) -> None:
    """Answer nothing until the RPC is over."""
    over = threading.Event()
    context.add_callback(over.set)
    over.wait(PATIENCE_S)

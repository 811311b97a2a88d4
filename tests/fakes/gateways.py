"""A gateway of ours on a free port of loopback, and how a caller of it reads its failures."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.admin_service_pb2_grpc import AdminServiceStub
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble.v1.telemetry_service_pb2_grpc import TelemetryServiceStub
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from gateway.app import Gateway
from gateway.config.load import build
from gateway.config.schema import Settings
from gateway.core.ports import Clock

DETAIL_KINDS: tuple[type[Message], ...] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.RequestInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.QuotaFailure,
    error_details_pb2.RetryInfo,
    pb.FailureDetail,
)
PLANE = os.environ.get("PLANE", "grpcio")
"""What carries the gRPC of the gateways under test: `make test-plane-b` runs them on the other."""

NAMES = "abcdefgh"
IMPATIENT = {"max_tries": 1}
"""Retries off: a test of fallback need not wait for them."""
AT_ONCE = {"hold": "none"}
"""Streams are committed to with their first piece, so that few pieces make a failover."""


def settings_of(
    *urls: str, endpoint: Iterable[dict[str, Any]] | None = None, **tables: Any
) -> Settings:
    """Check a configuration with endpoints a, b, c... at these URLs, in this order.

    `endpoint` adds keys to each of them; without others it listens on a free port.
    """
    more = list(endpoint or [{}] * len(urls))
    document = {
        "endpoint": [
            {"name": NAMES[place], "url": url, "priority": place, **more[place]}
            for place, url in enumerate(urls)
        ],
        "server": {"port": 0, "transport": PLANE, **tables.pop("server", {})},
        "retry": IMPATIENT,
        "stream": AT_ONCE,
        **tables,
    }
    return build(document, "test")


@dataclass
class Door:
    """A channel to a gateway and the stubs over it."""

    port: int
    channel: grpc.aio.Channel
    gateway: Gateway | None = None
    generate: Any = field(init=False)
    stream: Any = field(init=False)
    batch: Any = field(init=False)
    route: Any = field(init=False)
    admin: AdminServiceStub = field(init=False)
    telemetry: TelemetryServiceStub = field(init=False)

    def __post_init__(self) -> None:
        stub = GatewayServiceStub(self.channel)
        self.generate, self.route = stub.Generate, stub.Route
        self.stream, self.batch = stub.GenerateStream, stub.BatchGenerate
        self.admin = AdminServiceStub(self.channel)
        self.telemetry = TelemetryServiceStub(self.channel)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def raw(self, method: str) -> Any:
        """A unary method that sends bytes as they are."""
        return self.channel.unary_unary(f"/ensemble.v1.{method}")


@asynccontextmanager
async def door_to(port: int, gateway: Gateway | None = None) -> AsyncIterator[Door]:
    """Connect like a stranger: no retries, no limits, a connection of its own."""
    options = (
        ("grpc.enable_retries", 0),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        yield Door(port, channel, gateway)


@asynccontextmanager
async def gateway_on_loopback(
    settings: Settings, clock: Clock = time.monotonic
) -> AsyncIterator[Door]:
    """Run a gateway in this process and connect to it."""
    async with (
        Gateway(settings, clock=clock) as gateway,
        door_to(await gateway.start(), gateway) as door,
    ):
        yield door


def request(prompt: str = "x = ", **fields: Any) -> pb.GenerateRequest:
    return pb.GenerateRequest(prompt=prompt, **fields)


def streamed(prompt: str = "x = ", **fields: Any) -> pb.GenerateStreamRequest:
    return pb.GenerateStreamRequest(request=request(prompt, **fields))


@dataclass(frozen=True)
class Failure:
    """A failed RPC as its caller sees it; `details` by the name of their message."""

    code: grpc.StatusCode
    message: str
    details: dict[str, Any]
    trailers: dict[str, str | bytes]

    @property
    def reason(self) -> str:
        return str(self.details["ErrorInfo"].reason)

    @property
    def fields(self) -> list[str]:
        return [item.field for item in self.details["FailureDetail"].violations]

    @property
    def attempts(self) -> list[Any]:
        return list(self.details["FailureDetail"].attempts)


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """Read a failure; its status must agree with its details."""
    trailers = {key: value for key, value in error.trailing_metadata() or ()}  # noqa: C416 - grpc's Metadata is no mapping to dict()
    rich = trailers.get("grpc-status-details-bin", b"")
    assert isinstance(rich, bytes)
    status = Status.FromString(rich)
    details = {}
    for packed in status.details:
        for kind in DETAIL_KINDS:
            if packed.Is(kind.DESCRIPTOR):
                details[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
    if rich:
        assert (status.code, status.message) == (error.code().value[0], error.details())
        assert len(details) == len(status.details)
    return Failure(error.code(), error.details() or "", details, trailers)


async def failure(call: Any) -> Failure:
    """Await a call that must fail, or read a stream until it does."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return failure_of(error)
    raise AssertionError("the call did not fail")

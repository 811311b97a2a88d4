"""The measurements: gateway and model server in processes of their own, one call at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from ensemble.v1.gateway_service_pb2 import (
    FailureDetail,
    GenerateRequest,
    GenerateStreamRequest,
)
from google.rpc.status_pb2 import Status

from tests.load.latency.events import Events

if TYPE_CHECKING:
    from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

DEADLINE_S = 0.2
LONG_S = 30.0
DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Ended:
    """When a call with a deadline ended, in seconds from its start, and whether it was explained.

    `explained`: the status carried the attempts made so far.
    """

    after_s: float
    explained: bool


class WrongEndError(Exception):
    """A call ended as it must not; nothing can be measured."""


async def cancel_unary(stub: GatewayServiceAsyncStub, events: Events, name: str) -> float:
    """Cancel a running call; return the seconds until the model server knows."""
    call = stub.Generate(GenerateRequest(prompt="x = ", request_id=name), timeout=LONG_S)
    await events.time_of("started", name)
    left_at = time.monotonic()
    call.cancel()
    return await events.time_of("left", name) - left_at


async def cancel_stream(stub: GatewayServiceAsyncStub, events: Events, name: str) -> float:
    """Cancel a stream whose text is under way; return the seconds until the model server knows."""
    request = GenerateRequest(prompt="x = ", request_id=name)
    call = stub.GenerateStream(GenerateStreamRequest(request=request), timeout=LONG_S)
    async for event in call:
        if event.HasField("delta"):
            break
    left_at = time.monotonic()
    call.cancel()
    return await events.time_of("left", name) - left_at


async def meet_deadline(stub: GatewayServiceAsyncStub, name: str) -> Ended:
    """Ask with little time for what takes for ever; return when that ended."""
    request = GenerateRequest(prompt="x = ", request_id=name)
    started = time.monotonic()
    try:
        await stub.Generate(request, timeout=DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        after_s = time.monotonic() - started
        if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
            raise WrongEndError(f"{name} ended as {error.code().name}") from error
        return Ended(after_s, _attempts(error.trailing_metadata() or ()) > 0)
    raise WrongEndError(f"{name} was answered")


def _attempts(trailers: Iterable[tuple[str, str | bytes]]) -> int:
    for key, value in trailers:
        if key == DETAILS_KEY and isinstance(value, bytes):
            for packed in Status.FromString(value).details:
                detail = FailureDetail()
                if packed.Unpack(detail):
                    return len(detail.attempts)
    return 0

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpc import aio

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.ingress.context import Rpc


class FakeContext:
    def __init__(self, left: float | None = None, *metadata: tuple[str, str | bytes]) -> None:
        self.left = left
        self.metadata = metadata
        self.trailers: tuple[tuple[str, str], ...] = ()

    def invocation_metadata(self) -> Any:
        return self.metadata or None

    def time_remaining(self) -> float | None:
        return self.left

    def set_trailing_metadata(self, trailers: tuple[tuple[str, str], ...]) -> None:
        self.trailers = trailers

    async def write(self, raw: bytes) -> None:
        raise aio.InternalError("the RPC is over")


def rpc(left: float | None = None, *metadata: tuple[str, str | bytes]) -> Rpc:
    context: Any = FakeContext(left, *metadata)
    return Rpc(context)


@pytest.mark.parametrize(
    ("left", "at"),
    [
        (None, 1300.0),
        (0.999, 1000.999),
        (5.0, 1004.99),  # from 1 s on gRPC may have rounded up
        (10.0, 1009.9),
        (299.0, 1298.0),
        (305.0, 1300.0),
        (9999.0, 1300.0),
        (0.003, 1000.003),
        (0.001, 1000.0),  # what gRPC makes of a deadline that is over
        (0.0, 1000.0),
        (-3.0, 1000.0),
    ],
)
def test_a_deadline_is_the_callers_within_ours(left: float | None, at: float) -> None:
    assert rpc(left).deadline(1000.0, 300.0).at == pytest.approx(at, abs=1e-9)


def test_a_write_to_nobody_is_a_caller_who_left() -> None:
    with pytest.raises(Fault) as caught:
        asyncio.run(rpc().write(b""))
    fault = caught.value
    assert (fault.kind, fault.origin, fault.reason) == (
        Kind.CANCELLED,
        Origin.CALLER,
        Reason.CALLER_CANCELLED,
    )
    assert not fault.against_endpoint


def test_only_known_metadata_is_read() -> None:
    made = rpc(None, ("x-request-id", "i" * 500), ("baggage", "a=b"), ("cookie", "c"), ("x", b"y"))
    assert made.request_id == "i" * 128
    assert made.trace_context == (("baggage", "a=b"),)
    assert made.trace_id == ""


def test_the_trailers_have_the_trace_when_there_is_one() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    context: Any = FakeContext(None, ("traceparent", f"00-{trace}-b7ad6b7169203331-01"))
    made = Rpc(context)
    made.set_trailers(("a", "b"))
    assert context.trailers == (
        ("x-request-id", made.request_id),
        ("a", "b"),
        ("x-ensemble-trace", trace),
    )

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
        self.address = "ipv4:127.0.0.1:5000"
        self.trailers: tuple[tuple[str, str], ...] = ()

    def invocation_metadata(self) -> Any:
        return self.metadata or None

    def peer(self) -> str:
        return self.address

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


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv4:127.8.0.1:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv6:[::1]:5000", True),
        ("ipv6:%5B::ffff:127.0.0.1%5D:5000", True),
        ("unix:/run/gateway.sock", True),
        ("ipv4:10.0.0.7:5000", False),
        ("ipv6:%5Bfe80::1%5D:5000", False),
        ("ipv6:%5B::ffff:10.0.0.7%5D:5000", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_a_caller_is_local_only_where_its_address_says_so(address: str, local: bool) -> None:
    """V-13: what is for this machine alone is not for a stranger whose address is not known."""
    asked = rpc()
    context: Any = asked.context
    context.address = address
    assert asked.local is local


@pytest.mark.parametrize(
    "header",
    [
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"ff-{'1' * 32}-{'1' * 16}-01",
    ],
)
def test_an_id_that_is_none_is_not_handed_back(header: str) -> None:
    """T-09: the same headers count as a trace here as in OpenTelemetry."""
    assert rpc(None, ("traceparent", header)).trace_id == ""

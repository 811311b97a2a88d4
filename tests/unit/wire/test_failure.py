from __future__ import annotations

import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.wire.failure import status_to_wire


@pytest.mark.parametrize(
    ("fault", "category"),
    [
        (invalid("n", "too large"), "caller"),
        (Fault(Kind.EXHAUSTED, Origin.US, Reason.GATEWAY_OVERLOADED, "words"), "overload"),
        (Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, "words"), "caller"),
        (Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "words"), "transport"),
        (Fault(Kind.INTERNAL, Origin.US, Reason.INTERNAL_ERROR, "words"), "bug"),
    ],
)
def test_an_error_says_whom_it_concerns(fault: Fault, category: str) -> None:
    info = ErrorInfo()
    assert status_to_wire(fault, None, "id").details[0].Unpack(info)
    assert dict(info.metadata) == {
        "kind": fault.kind.value,
        "origin": fault.origin.value,
        "category": category,
    }

"""The table of gRPC: every status code to its fault."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.ports import Operation
from gateway.upstreams.errors import (
    BAD_CREDENTIALS,
    FAILED,
    GAVE_UP,
    NO_CONNECTION,
    NO_HINT,
    NONSENSE,
    NOT_ALLOWED,
    NOT_THE_PROTOCOL,
    OVERLOADED,
    REFUSED,
    REFUSED_REQUEST,
    TOO_LARGE_ANSWER,
    TOO_LARGE_REQUEST,
    TOO_LATE,
    UNKNOWN_MODEL,
    UNREACHABLE,
    UNSUPPORTED,
    ForeignError,
    Hint,
    hint_of,
)

STATUS: Mapping[grpc.StatusCode, ForeignError] = {
    # Never an error by itself; as one it makes no sense.
    grpc.StatusCode.OK: NONSENSE,
    grpc.StatusCode.CANCELLED: GAVE_UP,
    grpc.StatusCode.UNKNOWN: FAILED,
    grpc.StatusCode.INVALID_ARGUMENT: REFUSED_REQUEST,
    grpc.StatusCode.DEADLINE_EXCEEDED: TOO_LATE,
    grpc.StatusCode.NOT_FOUND: UNKNOWN_MODEL,
    grpc.StatusCode.ALREADY_EXISTS: FAILED,
    grpc.StatusCode.PERMISSION_DENIED: NOT_ALLOWED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OVERLOADED,
    grpc.StatusCode.FAILED_PRECONDITION: REFUSED_REQUEST,
    grpc.StatusCode.ABORTED: FAILED,
    grpc.StatusCode.OUT_OF_RANGE: REFUSED_REQUEST,
    grpc.StatusCode.UNIMPLEMENTED: NOT_THE_PROTOCOL,
    grpc.StatusCode.INTERNAL: FAILED,
    grpc.StatusCode.UNAVAILABLE: UNREACHABLE,
    grpc.StatusCode.DATA_LOSS: FAILED,
    grpc.StatusCode.UNAUTHENTICATED: BAD_CREDENTIALS,
}

# gRPC reports a message beyond the size limit of either side as RESOURCE_EXHAUSTED, which waiting
# never cures; only the words tell it from an overload.
_TOO_LARGE = re.compile(r"(CLIENT|SERVER): (Sent|Received) message larger than max")
# So is a connection that was never made reported as UNAVAILABLE, like a server that is not ready.
_NO_CONNECTION = re.compile(
    r"failed to connect to all addresses|connections to all backends failing|DNS resolution failed"
)
_DETAILS_KEY = "grpc-status-details-bin"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"


def fault_of_status(
    endpoint: Endpoint, error: grpc.aio.AioRpcError, operation: Operation = Operation.GENERATE
) -> Fault:
    """Classify a failed call.

    UNIMPLEMENTED speaks of the operation where the protocol leaves it to the server: what every
    server must do is refused by none that speaks the protocol.
    """
    code = error.code()
    if code is grpc.StatusCode.UNIMPLEMENTED and operation is not Operation.GENERATE:
        return UNSUPPORTED.fault(endpoint)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        too_large = _TOO_LARGE.match(error.details() or "")
        if too_large:
            ours = too_large.groups() == ("CLIENT", "Received")
            return (TOO_LARGE_ANSWER if ours else TOO_LARGE_REQUEST).fault(endpoint)
    if code is grpc.StatusCode.UNAVAILABLE and _NO_CONNECTION.search(error.details() or ""):
        return NO_CONNECTION.fault(endpoint)
    return STATUS[code].fault(endpoint, hint_in(error.trailing_metadata() or ()))


def hint_in(trailers: Iterable[tuple[str, str | bytes]]) -> Hint:
    """Read how long to wait.

    `grpc-retry-pushback-ms` goes first; a negative or unparsable value forbids a retry (gRFC A6).
    Otherwise the RetryInfo in the status details counts.
    """
    details = NO_HINT
    for key, value in trailers:
        if key == _PUSHBACK_KEY:
            return _pushback(value)
        if key == _DETAILS_KEY and isinstance(value, bytes):
            details = _retry_info(value)
    return details


def _pushback(value: str | bytes) -> Hint:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    # At most nine digits: gRPC reads the value as a 32-bit number.
    return hint_of(int(text) / 1000) if re.fullmatch(r"[0-9]{1,9}", text) else REFUSED


def _retry_info(value: bytes) -> Hint:
    try:
        for detail in Status.FromString(value).details:
            if detail.TypeName() == RetryInfo.DESCRIPTOR.full_name:
                delay = RetryInfo.FromString(detail.value).retry_delay
                return hint_of(delay.seconds + delay.nanos / 1e9)
    except DecodeError:
        return NO_HINT
    return NO_HINT

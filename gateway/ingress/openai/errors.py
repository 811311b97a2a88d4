"""How a failure looks in this API: one table from kind and reason to status, type and code.

The statuses are those of google/rpc/code.proto, where each gRPC status has one, but where the API
or HTTP has a better one.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from pydantic_core import to_json

from gateway.core.decision import ExclusionReason
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.value import value

Header = tuple[bytes, bytes]

INVALID_REQUEST = "invalid_request_error"
SERVER = "server_error"


@value
class Shape:
    """Status, `type` and `code` of an error body.

    `again` says whether the same request may be sent again: the official clients would repeat
    every 408, 409, 429 and 5xx by themselves. None leaves it to the status.
    """

    status: int
    type: str
    code: str | None
    again: bool | None = None


KINDS: Mapping[Kind, Shape] = {
    Kind.INVALID: Shape(400, INVALID_REQUEST, "invalid_value"),
    Kind.INFEASIBLE: Shape(400, INVALID_REQUEST, "infeasible"),
    Kind.EXHAUSTED: Shape(429, "rate_limit_error", "rate_limit_exceeded"),
    Kind.UNAVAILABLE: Shape(503, SERVER, "service_unavailable"),
    Kind.TRUNCATED: Shape(503, SERVER, "stream_truncated"),
    # The caller's time is over: by itself it must not spend as much again.
    Kind.DEADLINE: Shape(504, "timeout_error", "timeout", again=False),
    Kind.CANCELLED: Shape(499, "request_cancelled", "cancelled", again=False),
    # Every attempt that the request allows was made and paid for.
    Kind.UNVERIFIED: Shape(409, "unverified_error", "all_candidates_rejected", again=False),
    Kind.UNAUTHENTICATED: Shape(401, "authentication_error", "invalid_api_key"),
    Kind.DENIED: Shape(403, "permission_error", "permission_denied"),
    Kind.NOT_FOUND: Shape(404, INVALID_REQUEST, "not_found"),
    Kind.MALFORMED: Shape(502, SERVER, "bad_gateway"),
    Kind.INTERNAL: Shape(500, SERVER, "internal_error"),
}
"""What a reason without a row of its own looks like."""

REASONS: Mapping[Reason, Shape] = {
    Reason.UNKNOWN_ENDPOINT: Shape(404, INVALID_REQUEST, "model_not_found"),
    Reason.UNKNOWN_PIPELINE: Shape(404, INVALID_REQUEST, "model_not_found"),
    Reason.BUDGET_EXHAUSTED: Shape(429, "insufficient_quota", "insufficient_quota", again=False),
    Reason.REQUEST_ID_REUSED: Shape(400, INVALID_REQUEST, "request_id_reused"),
    # That the gateway's own credentials are wrong is not the fault of its caller's.
    Reason.UPSTREAM_AUTH: Shape(502, SERVER, "upstream_auth", again=False),
    Reason.UPSTREAM_MODEL_UNKNOWN: Shape(502, SERVER, "upstream_model_unknown", again=False),
    Reason.SHUTTING_DOWN: Shape(503, SERVER, "shutting_down", again=True),
    Reason.JOB_CANCELLED: Shape(409, "request_cancelled", "job_cancelled", again=False),
    Reason.JOB_STOPPED: Shape(409, "request_cancelled", "job_stopped", again=False),
}

TOO_LONG = Shape(400, INVALID_REQUEST, "context_length_exceeded")


class Refusal(Exception):
    """The request is none that HTTP or this API knows; it came to no fault of the core.

    `kind` is what it counts as; `headers` are sent with it.
    """

    def __init__(
        self, shape: Shape, message: str, kind: Kind, *, headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(message)
        self.shape = shape
        self.message = message
        self.kind = kind
        self.headers = headers


def shape_of(fault: Fault) -> Shape:
    """Find how a fault looks."""
    if fault.reason is Reason.NO_ELIGIBLE_ENDPOINT and _all_too_small(fault):
        return TOO_LONG
    return REASONS.get(fault.reason, KINDS[fault.kind])


def _all_too_small(fault: Fault) -> bool:
    """Say whether no endpoint can hold so much text, and nothing else is wrong."""
    mark = f"{ExclusionReason.CONTEXT_LENGTH}:"
    found = fault.violations
    return bool(found) and all(one.description.startswith(mark) for one in found)


def error_body(shape: Shape, message: str, param: str | None = None, **more: object) -> bytes:
    """Write the body of an error; `more` is what the gateway tells beside that API's four."""
    error = {"message": message, "type": shape.type, "param": param, "code": shape.code, **more}
    return to_json({"error": error})


def retry_headers(shape: Shape, retry_after_s: float | None) -> tuple[Header, ...]:
    """Say whether and when to come again."""
    headers: list[Header] = []
    if shape.again is not None:
        headers.append((b"x-should-retry", b"true" if shape.again else b"false"))
    if retry_after_s is not None and shape.again is not False and shape.status in {429, 503}:
        headers.append((b"retry-after", str(max(1, ceil(retry_after_s))).encode()))
        headers.append((b"retry-after-ms", str(max(1, ceil(retry_after_s * 1000))).encode()))
    return tuple(headers)

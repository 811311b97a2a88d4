"""The gRPC status of each reason that a failed request has, as docs/errors.md lists them."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

_REASONS: Final = {
    StatusCode.INVALID_ARGUMENT: (
        "INVALID_FIELD",
        "UNREADABLE_MESSAGE",
        "DUPLICATE_CONSTRAINT",
        "BROKEN_CONSTRAINT",
        "REQUEST_ID_REUSED",
        "UPSTREAM_REFUSED_REQUEST",
    ),
    StatusCode.FAILED_PRECONDITION: (
        "INFEASIBLE_CONSTRAINT",
        "NO_ELIGIBLE_ENDPOINT",
        "NO_LEARNED_LAYER",
        "CLARIFICATION_NEEDED",
        "OUTCOMES_OFF",
        "TRACING_OFF",
        "COMMAND_REFUSED",
    ),
    StatusCode.UNAVAILABLE: (
        "STORE_UNAVAILABLE",
        "ALL_ENDPOINTS_FAILED",
        "STREAM_TRUNCATED",
    ),
    StatusCode.PERMISSION_DENIED: ("TRACING_DENIED",),
    StatusCode.RESOURCE_EXHAUSTED: (
        "TRACING_LIMITED",
        "BUDGET_EXHAUSTED",
        "GATEWAY_OVERLOADED",
        "UPSTREAM_OVERLOADED",
    ),
    StatusCode.ABORTED: ("ALL_CANDIDATES_REJECTED",),
    StatusCode.DEADLINE_EXCEEDED: (
        "DEADLINE_EXCEEDED",
        "TOO_LITTLE_TIME",
    ),
    StatusCode.CANCELLED: (
        "CALLER_CANCELLED",
        "JOB_STOPPED",
        "JOB_CANCELLED",
    ),
    StatusCode.NOT_FOUND: (
        "UNKNOWN_JOB",
        "UNKNOWN_CONFIRMATION",
        "UNKNOWN_ENDPOINT",
        "UNKNOWN_PIPELINE",
        "UNKNOWN_DECISION",
        "UNKNOWN_TRACE",
        "UNKNOWN_VERSION",
    ),
    StatusCode.INTERNAL: ("INTERNAL_ERROR",),
}

CODE_OF: Final = {reason: code for code, reasons in _REASONS.items() for reason in reasons}
"""Of a reason with several statuses the first one."""

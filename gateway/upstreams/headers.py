"""The only metadata that leaves towards an endpoint."""

from __future__ import annotations

from gateway.core.hole import Request

TRACE_KEYS = frozenset({"traceparent", "tracestate", "baggage"})
REQUEST_ID = "x-request-id"
PREVIOUS_ATTEMPTS = "grpc-previous-rpc-attempts"


def outgoing(
    request: Request, authorization: str | None, tries_before: int = 0
) -> tuple[tuple[str, str], ...]:
    """Build the headers of one call: W3C trace context, request id, authorization.

    gRPC endpoints are told the number of tries before a retry, and nothing on a first try (gRFC
    A6). Everything else that the caller sent stays here. A value that a header cannot carry is left
    out rather than refused: neither a trace nor an id is worth a failed request.
    """
    pairs = [
        (key, value)
        for key, value in request.trace_context
        if key in TRACE_KEYS and _sendable(value)
    ]
    if _sendable(request.request_id):
        pairs.append((REQUEST_ID, request.request_id))
    if authorization is not None:
        pairs.append(("authorization", authorization))
    if tries_before:
        pairs.append((PREVIOUS_ATTEMPTS, str(tries_before)))
    return tuple(pairs)


def _sendable(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()

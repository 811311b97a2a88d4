"""The only metadata that leaves towards an endpoint."""

from __future__ import annotations

from gateway.core.hole import Request

TRACE_KEYS = frozenset({"traceparent", "tracestate", "baggage"})


def outgoing(request: Request, authorization: str | None) -> tuple[tuple[str, str], ...]:
    """Build the headers of one call: W3C trace context, request id, authorization.

    Everything else that the caller sent stays here. A value that a header cannot carry is left
    out rather than refused: neither a trace nor an id is worth a failed request.
    """
    pairs = [
        (key, value)
        for key, value in request.trace_context
        if key in TRACE_KEYS and _sendable(value)
    ]
    if _sendable(request.request_id):
        pairs.append(("x-request-id", request.request_id))
    if authorization is not None:
        pairs.append(("authorization", authorization))
    return tuple(pairs)


def _sendable(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()

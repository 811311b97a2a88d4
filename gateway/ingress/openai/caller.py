"""What the headers of a request say about its caller."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from math import isfinite
from typing import cast

from gateway.core.faults import invalid
from gateway.core.trace import TRACEPARENT
from gateway.core.value import value
from gateway.ingress.context import (
    MAX_REQUEST_ID,
    MAX_TENANT,
    TRACE_HEADERS,
    new_request_id,
)

TIMEOUT = "x-request-timeout-s"
CLIENT_TIMEOUT = b"x-stainless-read-timeout"
"""What the official clients say of how long they wait for the next byte."""

_TRACE_KEYS = tuple((name.encode(), name) for name in sorted(TRACE_HEADERS))

Headers = Mapping[bytes, bytes]


@value
class Caller:
    """Who asks. `timeout_s` bounds the whole request, `silence_s` the time without a byte.

    Both are None where the headers do not say. `trace_id` is that of a valid `traceparent`.
    """

    request_id: str
    tenant: str = ""
    trace_context: tuple[tuple[str, str], ...] = ()
    trace_id: str = ""
    timeout_s: float | None = None
    silence_s: float | None = None


def caller_of(headers: Headers, request_id: str) -> Caller:
    """Read the headers of the request of this id. Raises Fault(INVALID) for a bad timeout."""
    context = (
        tuple((name, headers[key].decode("latin-1")) for key, name in _TRACE_KEYS if key in headers)
        if not headers.keys().isdisjoint(_KEYS)
        else ()
    )
    timeout = headers.get(TIMEOUT.encode())
    return Caller(
        request_id,
        headers.get(b"x-ensemble-tenant", b"").decode("latin-1")[:MAX_TENANT],
        context,
        _trace_id(context),
        None if timeout is None else _timeout(timeout),
        _silence(headers.get(CLIENT_TIMEOUT)),
    )


_KEYS = frozenset(key for key, _ in _TRACE_KEYS)


def request_id_of(headers: Headers) -> str:
    """Take the caller's own id, or make one where it has none that can be sent back."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")[:MAX_REQUEST_ID]
    return given if given and given.isascii() and given.isprintable() else new_request_id()


def is_local(scope: Mapping[str, object]) -> bool:
    """Say whether the caller is on this machine, as far as its address says."""
    client = scope.get("client")
    host = str(cast("tuple[object, ...]", client)[0]) if isinstance(client, tuple) else ""
    try:
        return ip_address(host.removeprefix("::ffff:")).is_loopback
    except ValueError:
        return False


def _trace_id(context: tuple[tuple[str, str], ...]) -> str:
    found = TRACEPARENT.fullmatch(dict(context).get("traceparent", "")) if context else None
    return found.group(1) if found else ""


def _timeout(raw: bytes) -> float:
    seconds = _seconds(raw)
    if seconds is None:
        raise invalid(TIMEOUT, "must be a number of seconds above 0")
    return seconds


def _silence(raw: bytes | None) -> float | None:
    """A header of a client's that we cannot read is no reason to refuse its request."""
    return None if raw is None else _seconds(raw)


def _seconds(raw: bytes) -> float | None:
    try:
        seconds = float(raw)
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds > 0 else None

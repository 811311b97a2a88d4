"""One RPC as the handlers see it: what came with it, and how it ends."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from itertools import count
from math import floor, log10
from typing import NoReturn, TypeVar, cast
from urllib.parse import unquote

import grpc
from grpc import aio

from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.sanitise import sanitised, without_secrets
from gateway.core.trace import TRACEPARENT
from gateway.ingress.fit import fitted

Context = aio.ServicerContext[bytes, bytes]
Result = TypeVar("Result")

TRACE_HEADERS = frozenset({"traceparent", "tracestate", "baggage"})
STATUS_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
PUSHED_BACK = frozenset({Kind.EXHAUSTED, Kind.UNAVAILABLE})
MAX_REQUEST_ID = 128
MAX_TENANT = 128
ROUNDING_S = 0.002
"""gRPC counts whole milliseconds and rounds up what arrives and what is now."""

log = logging.getLogger(__name__)


_PROCESS = secrets.token_hex(8)
_NUMBERS = count(int.from_bytes(secrets.token_bytes(4), "big"))


def new_request_id() -> str:
    """Name a request: 64 random bits of the process, then a number that never comes again in it.

    Reading the system's random source for each request would cost more than routing it.
    """
    return f"{_PROCESS}{next(_NUMBERS):016x}"


class Rpc:
    """An RPC in progress: its metadata, its deadline and, once known, its exchange."""

    __slots__ = ("context", "exchange", "request_id", "tenant", "trace_context")

    def __init__(self, context: Context) -> None:
        """Read the metadata; keys that are not known are left alone and go nowhere."""
        self.context = context
        self.exchange: Exchange | None = None
        self.request_id = ""
        self.tenant = ""
        self.trace_context: tuple[tuple[str, str], ...] = ()
        for key, value in context.invocation_metadata() or ():
            if isinstance(value, str):
                if key in TRACE_HEADERS:
                    self.trace_context = (*self.trace_context, (key, value))
                elif key == "x-request-id":
                    self.request_id = value[:MAX_REQUEST_ID]
                elif key == "x-ensemble-tenant":
                    self.tenant = value[:MAX_TENANT]
        if not self.request_id:
            self.request_id = new_request_id()

    @property
    def trace_id(self) -> str:
        """The id of the trace that is kept or sampled, or that of a valid `traceparent`."""
        if self.exchange is not None and self.exchange.trace_id:
            return self.exchange.trace_id
        if not self.trace_context:
            return ""
        found = TRACEPARENT.fullmatch(dict(self.trace_context).get("traceparent", ""))
        return found.group(1) if found else ""

    @property
    def local(self) -> bool:
        """Whether the caller is on this machine, as far as its address says."""
        scheme, _, address = self.context.peer().partition(":")
        if scheme != "unix":
            host = unquote(address).rpartition(":")[0].strip("[]")
            try:
                return ip_address(host.removeprefix("::ffff:")).is_loopback
            except ValueError:
                return False
        return True

    def deadline(self, now: float, longest_s: float) -> Deadline:
        """Return the RPC's deadline; `longest_s` caps it and stands in when there is none.

        A deadline that is over but for gRPC's rounding is over. One that may have been rounded up
        on its way is taken for the soonest that it can have been.
        """
        # The stubs leave out that a caller may have no deadline.
        left = cast("float | None", self.context.time_remaining())
        if left is None:
            return Deadline(now + longest_s)
        if left >= 1:
            left -= _rounded_by(left)
        return Deadline(now + (min(left, longest_s) if left > ROUNDING_S else 0.0))

    def set_trailers(self, *trailers: tuple[str, str]) -> None:
        """Set what goes out with a good end, beside the request's id and the trace's."""
        trace_id = self.trace_id
        trace = (("x-ensemble-trace", trace_id),) if trace_id else ()
        self.context.set_trailing_metadata((("x-request-id", self.request_id), *trailers, *trace))

    async def write(self, raw: bytes) -> None:
        """Send one message of a stream; returns when there is room for the next.

        Raises Fault(CANCELLED) when the RPC is over: nobody is left to send to.
        """
        try:
            await self.context.write(raw)
        except aio.InternalError:
            raise caller_left() from None

    async def fail(self, error: Exception) -> NoReturn:
        """End the RPC with the status of an error; one that is no fault is a bug of ours."""
        await self.abort(error if isinstance(error, Fault) else bug(error, self.request_id))

    async def abort(self, fault: Fault) -> NoReturn:
        """End the RPC with the fault's status, its details and our trailers."""
        status = fitted(fault, self.exchange, self.request_id)
        trailers: list[tuple[str, str | bytes]] = [
            ("grpc-status-details-bin", status.SerializeToString()),
            ("x-request-id", self.request_id),
        ]
        if self.exchange is not None:
            trailers.append(("x-ensemble-attempts", str(len(self.exchange.attempts))))
            if self.exchange.trace_id:
                trailers.append(("x-ensemble-trace", self.exchange.trace_id))
        if fault.retry_after_s is not None and fault.kind in PUSHED_BACK:
            trailers.append(("grpc-retry-pushback-ms", str(round(fault.retry_after_s * 1000))))
        log.info(
            "request failed",
            extra={
                "request_id": self.request_id,
                "kind": fault.kind.value,
                "reason": fault.reason.value,
                **(_request_fields(self.exchange) if self.exchange else {}),
            },
        )
        await self.context.abort(STATUS_CODES[status.code], status.message, tuple(trailers))


def _rounded_by(left_s: float) -> float:
    """Seconds by which gRPC's core may have rounded up a timeout of 1 s or more.

    By 10 ms from 1 s on, 100 ms from 10 s, 1 s from 100 s (`timeout_encoding.cc`). What is answered
    within them comes after the caller's own timer, and explains nothing.
    """
    return 10.0 ** (floor(log10(left_s)) - 2)


def caller_left() -> Fault:
    """Nobody is left to write to."""
    return Fault(Kind.CANCELLED, Origin.CALLER, Reason.CALLER_CANCELLED, "the caller left")


def _request_fields(exchange: Exchange) -> dict[str, object]:
    """What the caller wants to find again in the logs: its session and its labels.

    They are its own words: what looks like a secret in them is redacted.
    """
    request = exchange.request
    fields: dict[str, object] = {"attempts": len(exchange.attempts)}
    if request.session_id:
        fields["session_id"] = without_secrets(request.session_id)
    if request.labels:
        fields["labels"] = sanitised(dict(request.labels))
    return fields


async def answered(context: Context, work: Callable[[Rpc], Awaitable[Result]]) -> Result:
    """Do the work of one RPC; whatever goes wrong ends in one status with details."""
    rpc = Rpc(context)
    try:
        return await work(rpc)
    except Exception as error:  # noqa: BLE001 - every bug of ours ends as INTERNAL
        await rpc.fail(error)


def _where(error: Exception) -> list[str]:
    """Name the innermost frames of an error, without any value."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def bug(error: Exception, request_id: str) -> Fault:
    """Log a bug of ours and name it, by its type only.

    The words of an unknown error may quote a prompt: only its type and place are logged.
    """
    log.error(
        "bug",
        extra={"request_id": request_id, "error": type(error).__name__, "at": _where(error)},
    )
    return Fault(
        Kind.INTERNAL,
        Origin.US,
        Reason.INTERNAL_ERROR,
        f"internal error ({type(error).__name__}); please report it with the request id",
    )

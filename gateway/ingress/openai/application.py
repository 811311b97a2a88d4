"""The ASGI application: which handler a request goes to, and how every request ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf import json_format

from gateway.core.faults import Fault, Kind
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.ensemble.door import Door
from gateway.ingress.context import STATUS_CODES, bug
from gateway.ingress.measured import Told
from gateway.ingress.openai.call import HttpCall, Message, Receive, Send
from gateway.ingress.openai.chunks import event_of
from gateway.ingress.openai.completions import Completions
from gateway.ingress.openai.errors import (
    INVALID_REQUEST,
    Header,
    Refusal,
    Shape,
    error_body,
    retry_headers,
    shape_of,
)
from gateway.ingress.openai.headers import Headers
from gateway.ingress.openai.models import MODELS, Models
from gateway.ingress.openai.params import named
from gateway.state.replays import shutting_down
from gateway.wire.failure import CODES, detail_to_wire

log = logging.getLogger(__name__)

OTHER = "openai/other"
NO_SUCH_PATH = Shape(404, INVALID_REQUEST, "unknown_url")
NO_SUCH_METHOD = Shape(405, INVALID_REQUEST, "method_not_allowed")

Handler = Callable[[HttpCall], Awaitable[None]]


@value
class Route:
    """What answers, and what its time is counted under."""

    label: str
    handler: Handler


class OpenAiApplication:
    """Answers requests in the form of the OpenAI API.

    `max_bytes` bounds a body. At most `limit` requests are worked on at once, `running` tells how
    many are. `told`, where it is not None, takes how each one ended and how long it took.
    """

    def __init__(
        self,
        door: Door,
        *,
        max_bytes: int,
        limit: int,
        running: Callable[[], int],
        told: Told | None,
        wall: Clock,
    ) -> None:
        self._clock = door.clock
        self._told = told
        self._headers = headers = Headers(limit, running, door.clock)
        completions = Completions(door, headers, max_bytes=max_bytes, wall=wall)
        models = Models(door.client, headers, wall)
        self._one_model = Route("openai/models", models.one)
        listed, alive = Route("openai/models", models.all), Route(OTHER, _alive)
        self._routes: Mapping[tuple[str, str], Route] = {
            ("POST", "/v1/chat/completions"): Route("openai/chat.completions", completions.chat),
            ("POST", "/v1/completions"): Route("openai/completions", completions.completions),
            ("GET", MODELS): listed,
            ("HEAD", MODELS): listed,
            ("GET", "/healthz"): alive,
            ("HEAD", "/healthz"): alive,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = HttpCall(scope, receive, send, self._clock())
        route = self._routes.get((call.method, call.path)) or self._found(call)
        status = "UNKNOWN"
        try:
            status = await self._answered(call, route.handler)
        finally:
            call.close()
            if self._told is not None:
                self._told(route.label, status, self._clock() - call.started)

    def _found(self, call: HttpCall) -> Route:
        """Find what has no path of its own."""
        one = call.path.startswith(f"{MODELS}/") and len(call.path) > len(MODELS) + 1
        if one and call.method in {"GET", "HEAD"}:
            return self._one_model
        allowed = ["GET", "HEAD"] if one else [m for m, path in self._routes if path == call.path]
        if not allowed:
            return Route(OTHER, self._no_such_path)
        allow = ((b"allow", ", ".join((*allowed, "OPTIONS")).encode()),)

        async def other_method(call: HttpCall) -> None:
            if call.method == "OPTIONS":
                await call.respond(204, (*self._headers.common(call), *allow), b"")
                return
            words = f"{call.method} is not answered here; use {allowed[0]}"
            raise Refusal(NO_SUCH_METHOD, words, Kind.INVALID, headers=allow)

        return Route(OTHER, other_method)

    async def _no_such_path(self, call: HttpCall) -> None:
        paths = dict.fromkeys(path for _, path in self._routes)
        words = f"{call.path[:100]} is not here; there are: {', '.join(paths)}, {MODELS}/{{model}}"
        raise Refusal(NO_SUCH_PATH, words, Kind.NOT_FOUND)

    async def _answered(self, call: HttpCall, handler: Handler) -> str:
        """Answer, however that ends; return the name of the status."""
        try:
            await handler(call)
        except Refusal as refusal:
            return await self._refused(call, refusal)
        except Fault as fault:
            return await self._failed(call, fault)
        except asyncio.CancelledError:
            cut = call.taken_back()
            if cut is None:
                # The listener is drained and its grace is over.
                return await self._failed(call, shutting_down())
            return await self._refused(call, cut)
        except Exception as error:  # noqa: BLE001 - every bug of ours ends as a 500
            return await self._failed(call, bug(error, call.request_id))
        return "OK"

    async def _refused(self, call: HttpCall, refusal: Refusal) -> str:
        self._log(call, refusal.kind, str(refusal.shape.code))
        body = error_body(refusal.shape, refusal.message)
        await self._end(call, refusal.shape, body, refusal.headers)
        return _name(refusal.kind)

    async def _failed(self, call: HttpCall, fault: Fault) -> str:
        shape, exchanges = shape_of(fault), call.exchanges
        self._log(call, fault.kind, fault.reason)
        words, param = named(fault, exchanges[0].request if exchanges else None)
        told: dict[str, Any] = {
            "reason": fault.reason,
            "kind": fault.kind,
            "origin": fault.origin,
            "request_id": call.request_id,
            "attempts": sum(len(one.attempts) for one in exchanges),
        }
        if call.extended:
            exchange = exchanges[0] if len(exchanges) == 1 else None
            detail = detail_to_wire(fault, exchange, call.request_id)
            told["detail"] = json_format.MessageToDict(detail, preserving_proto_field_name=True)
        body = error_body(shape, words, param, ensemble=told)
        await self._end(call, shape, body, retry_headers(shape, fault.retry_after_s))
        return _name(fault.kind)

    async def _end(
        self, call: HttpCall, shape: Shape, body: bytes, headers: tuple[Header, ...]
    ) -> None:
        """Say why there is no answer, or no more of it: a stream ends without its last event."""
        if call.opened:
            words = call.write(event_of(body), last=True)
        else:
            words = call.respond(shape.status, (*self._headers.failed(call), *headers), body)
        await call.last_words(words)

    def _log(self, call: HttpCall, kind: Kind, reason: str) -> None:
        log.info(
            "request failed",
            extra={
                "request_id": call.request_id,
                "kind": kind.value,
                "reason": reason,
                "attempts": sum(len(one.attempts) for one in call.exchanges),
            },
        )


async def _alive(call: HttpCall) -> None:
    await call.respond(200, (), b"ok\n", b"text/plain; charset=utf-8")


def _name(kind: Kind) -> str:
    """Name the status as the RPCs do, so that one rule counts the failures of all doors."""
    return STATUS_CODES[CODES[kind]].name

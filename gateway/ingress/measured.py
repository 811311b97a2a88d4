"""Times every RPC of a service, those refused before they became a request included.

A wrapper of our own handlers and no interceptor: an interceptor of grpc.aio costs 17 to 50 µs, and
the one of OpenTelemetry breaks Health/Watch. Standard services are not wrapped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, cast

import grpc

from gateway.core.ports import Clock

Told = Callable[[str, str, float], None]
"""Takes the method (`package.Service/Method`), the name of the status, and the seconds."""

Behaviour = Callable[[Any, Any], Awaitable[Any]]

_MAKERS = (
    ("unary_unary", grpc.unary_unary_rpc_method_handler),
    ("unary_stream", grpc.unary_stream_rpc_method_handler),
    ("stream_unary", grpc.stream_unary_rpc_method_handler),
    ("stream_stream", grpc.stream_stream_rpc_method_handler),
)
UNKNOWN = grpc.StatusCode.UNKNOWN.name


class Measured(grpc.GenericRpcHandler):
    """The handlers of a service, each timed; those that are no coroutines are left as they are."""

    def __init__(self, inner: grpc.GenericRpcHandler, told: Told, clock: Clock) -> None:
        self._inner = inner
        self._told = told
        self._clock = clock
        self._known: dict[str, grpc.RpcMethodHandler[Any, Any] | None] = {}

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Find the handler of a method; None for a method that is not of this service."""
        path = handler_call_details.method
        known = self._known.get(path)
        if known is None:
            known = self._inner.service(handler_call_details)
            if known is not None:
                known = self._known[path] = self._timed(known, path.removeprefix("/"))
        return known

    def _timed(
        self, handler: grpc.RpcMethodHandler[Any, Any], method: str
    ) -> grpc.RpcMethodHandler[Any, Any]:
        for kind, make in _MAKERS:
            behaviour = getattr(handler, kind)
            if iscoroutinefunction(behaviour):
                timed = self.around(cast("Behaviour", behaviour), method)
                return make(
                    timed,  # pyright: ignore[reportArgumentType] - the stubs know no coroutines
                    handler.request_deserializer,
                    handler.response_serializer,
                )
        return handler

    def around(self, behaviour: Behaviour, method: str) -> Behaviour:
        """Time one handler."""
        told, clock = self._told, self._clock

        async def timed(request: Any, context: Any) -> Any:
            started = clock()
            status = "OK"
            try:
                return await behaviour(request, context)
            except asyncio.CancelledError:
                status = "CANCELLED"
                raise
            except BaseException:
                # Set by `abort`; a handler that ends in an error of its own becomes UNKNOWN.
                code = context.code()
                status = (
                    code.name if isinstance(code, grpc.StatusCode) and code.value[0] else UNKNOWN
                )
                raise
            finally:
                told(method, status, clock() - started)

        return timed

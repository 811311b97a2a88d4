"""`grpc.health.v1`: Check and Watch, of the process, of each service and of each endpoint.

The library's own servicer is not used: when one of several watchers leaves, the others never hear
of a change again; a watcher that does not read holds up every change; and a watcher keeps a
stopping server waiting for its whole grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2

from gateway.core.endpoint import Endpoint

HEALTH = "grpc.health.v1.Health"

Status = health_pb2.HealthCheckResponse.ServingStatus
Answer = health_pb2.HealthCheckResponse
Context = aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]


class Health:
    """The status of each name, NOT_SERVING at first. The empty name is the whole process.

    The name of an endpoint is `endpoint/<name>`: SERVING says that requests are sent to it, not
    that it answers them. That of a group is `endpoint/<group>`, SERVING while one of its replicas
    is. Both are NOT_SERVING while the process is not, and drained endpoints until `set_endpoint`
    says otherwise. It belongs to one event loop.
    """

    def __init__(self, names: Iterable[str], endpoints: Iterable[Endpoint] = ()) -> None:
        """`names` are the services."""
        self._names = ("", *names)
        self._open: dict[str, bool] = {}
        self._members: dict[str, list[str]] = {}
        for endpoint in endpoints:
            self._open[endpoint.name] = not endpoint.drained
            for name in filter(None, (endpoint.name, endpoint.group)):
                self._members.setdefault(name, []).append(endpoint.name)
        self._process: Status = Answer.NOT_SERVING
        self._statuses = self._now()
        self._changed = asyncio.Event()
        self._closed = False

    def handlers(self) -> grpc.GenericRpcHandler:
        """The RPCs."""
        read, write = health_pb2.HealthCheckRequest.FromString, Answer.SerializeToString
        return grpc.method_handlers_generic_handler(
            HEALTH,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self.check, read, write),
                "Watch": grpc.unary_stream_rpc_method_handler(self.watch, read, write),
            },
        )

    def set_all(self, status: Status) -> None:
        """Give every name the same status, but leave NOT_SERVING what gets no requests."""
        self._process = status
        self._statuses = self._now()
        self._tell()

    def set_endpoint(self, name: str, *, serving: bool) -> None:
        """Say whether requests are sent to an endpoint; its group follows.

        Raises KeyError for a name that is no endpoint's, a group's included.
        """
        if self._open[name] is not serving:
            self._open[name] = serving
            self._statuses = self._now()
            self._tell()

    def close(self) -> None:
        """End every Watch, each after it has told the last status."""
        self._closed = True
        self._tell()

    async def check(self, request: health_pb2.HealthCheckRequest, context: Context) -> Answer:
        """Answer with the status now; NOT_FOUND for a name that is not ours."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return Answer(status=status)

    async def watch(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[Answer]:
        """Tell the status now and each time it changes; SERVICE_UNKNOWN for a strange name."""
        del context
        told: Status | None = None
        while True:
            changed = self._changed
            status = self._statuses.get(request.service, Answer.SERVICE_UNKNOWN)
            if status != told:
                told = status
                yield Answer(status=status)
            elif self._closed:
                return
            else:
                await changed.wait()

    def _now(self) -> dict[str, Status]:
        statuses = dict.fromkeys(self._names, self._process)
        for name, members in self._members.items():
            is_open = any(self._open[member] for member in members)
            statuses[f"endpoint/{name}"] = self._process if is_open else Answer.NOT_SERVING
        return statuses

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

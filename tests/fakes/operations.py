"""The services for operators on a free port of loopback, over a fleet that nobody calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import grpc

from gateway.core.snapshot import Snapshot
from gateway.ensemble.choosing.described import LearnedDescription
from gateway.ingress.admin import AdminService, ConfigText, TelemetryService
from gateway.routing.router import ModelRouter, RouterDescription
from gateway.state.fleet import Fleet
from gateway.state.reading import EndpointReading, GuardCounters
from tests.fakes.gateways import Door, door_to


class FakeOperations:
    def __init__(
        self,
        snapshot: Snapshot,
        readings: Mapping[str, EndpointReading] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._readings = readings or {}
        self._limits = limits or {}

    def drain(self, name: str, *, drained: bool) -> tuple[str, ...]:
        concerned = self.snapshot.named(name)
        self.snapshot = self.snapshot.with_drained(name, drained=drained)
        return tuple(endpoint.name for endpoint in concerned)

    def reading(self, name: str) -> EndpointReading:
        return self._readings.get(name, EndpointReading())

    def max_concurrency(self, name: str) -> int:
        return self._limits.get(name, 0)

    def learned(self) -> LearnedDescription:
        return LearnedDescription((), 1, 0)

    def describe(self) -> RouterDescription:
        return ModelRouter(self.snapshot).describe()


@asynccontextmanager
async def operated(
    operations: FakeOperations, guards: GuardCounters | None = None
) -> AsyncIterator[Door]:
    """Serve the two services, and nothing else of a gateway."""
    names = [endpoint.name for endpoint in operations.snapshot.callable]
    fleet = Fleet(names, lambda: 0.0)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            AdminService(operations, ConfigText("{}", ())).handlers(),
            TelemetryService(fleet, operations, lambda: guards or GuardCounters()).handlers(),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with door_to(port) as door:
            yield door
    finally:
        await server.stop(None)

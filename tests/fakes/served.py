"""A gateway over fake model servers, one for each script, and what its tests ask it often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import grpc
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.result_pb2 import Attempt, AttemptStatus
from ensemble.v1.telemetry_service_pb2 import EnsembleCounters, GetMetricsRequest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.fakes.gateways import Door, gateway_on_loopback, request, settings_of, streamed
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Script

TIMEOUT_S = 10
UNCHECKED = {"health": "none"}
"""An endpoint that is not asked whether it serves, so that its calls alone tell."""


class Hours:
    """A clock that a test puts forward; it runs on by itself."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Hold:
    """Keeps the calls of a model server waiting until `release`; the first `most`, if set."""

    def __init__(self, *, most: int | None = None) -> None:
        self._left = most
        self._turns = asyncio.Semaphore(0)

    async def __call__(self, _: object) -> None:
        if self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        await self._turns.acquire()

    def release(self, calls: int = 1) -> None:
        """Let so many calls go on, those that come later included."""
        for _ in range(calls):
            self._turns.release()


class Served(AsyncExitStack):
    """`settings` are those of `settings_of`; a server may stand in the place of a script."""

    def __init__(
        self, *models: Script | FakeModelServer | FakeOpenAiServer, **settings: Any
    ) -> None:
        super().__init__()
        self.models: list[Any] = [
            FakeModelServer(model) if isinstance(model, Script) else model for model in models
        ]
        self.clock = Hours()
        self._settings = settings
        self.door: Door

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            for model in self.models:
                await self.enter_async_context(model)
            settings = settings_of(*(model.url for model in self.models), **self._settings)
            gateway = gateway_on_loopback(settings, self.clock)
            self.door = await self.enter_async_context(gateway)
            await self.enter_async_context(asyncio.timeout(2 * TIMEOUT_S))
        except BaseException:
            await self.aclose()
            raise
        return self

    def asked(self) -> list[int]:
        """How often each model server was called."""
        return [len(model.witness.asked) for model in self.models]

    def generate(self, prompt: str = "x = ", *, tenant: str = "", **fields: Any) -> Any:
        """Begin a unary call."""
        return self.door.generate(
            request(prompt, **fields), timeout=TIMEOUT_S, metadata=_metadata(tenant)
        )

    def stream(self, prompt: str = "x = ", **fields: Any) -> Any:
        """Begin a streamed call."""
        return self.door.stream(streamed(prompt, **fields), timeout=TIMEOUT_S)

    async def counters(self) -> EnsembleCounters:
        """The counters of the ensemble now."""
        answer = await self.door.telemetry.GetMetrics(GetMetricsRequest(), timeout=TIMEOUT_S)
        return answer.ensemble

    async def until(self, reached: Callable[[EnsembleCounters], bool]) -> EnsembleCounters:
        """Ask for the counters until they are so."""
        while not reached(counters := await self.counters()):
            pass
        return counters

    async def endpoints(self) -> dict[str, admin.Endpoint]:
        """The endpoints as listed now, by name."""
        asked = admin.ListEndpointsRequest()
        answer = await self.door.admin.ListEndpoints(asked, timeout=TIMEOUT_S)
        return {endpoint.name: endpoint for endpoint in answer.endpoints}

    async def state(self, name: str) -> admin.EndpointState:
        """How an endpoint does now."""
        return (await self.endpoints())[name].state

    async def drain(self, name: str) -> None:
        """Give an endpoint no new requests."""
        asked = admin.DrainEndpointRequest(endpoint=name)
        await self.door.admin.DrainEndpoint(asked, timeout=TIMEOUT_S)

    async def undrain(self, name: str) -> None:
        """Give an endpoint requests again."""
        asked = admin.UndrainEndpointRequest(endpoint=name)
        await self.door.admin.UndrainEndpoint(asked, timeout=TIMEOUT_S)

    def watch(self, service: str) -> Watched:
        """Follow what the gateway's health service says of a name."""
        asked = HealthCheckRequest(service=service)
        return Watched(HealthStub(self.door.channel).Watch(asked))


class Watched:
    """The statuses of one name, by their words."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def next(self) -> str:
        """Wait for the next change; the first one is the status now."""
        answer = await self._call.read()
        return HealthCheckResponse.ServingStatus.Name(answer.status)

    async def until(self, status: str) -> None:
        """Wait until the status is this."""
        while await self.next() != status:
            pass


def _metadata(tenant: str) -> tuple[tuple[str, str], ...]:
    return (("x-ensemble-tenant", tenant),) if tenant else ()


def shown(attempts: Sequence[Attempt]) -> list[tuple[str, str]]:
    """Each attempt as its endpoint and what became of it: its reason, or its status in words."""
    return [
        (one.endpoint, one.reason or AttemptStatus.Name(one.status).removeprefix("ATTEMPT_STATUS_"))
        for one in attempts
    ]


def status_of(attempt: Attempt) -> str:
    """How an attempt ended, in a word."""
    return AttemptStatus.Name(attempt.status).removeprefix("ATTEMPT_STATUS_")


async def events_of(call: Any) -> list[pb.GenerateStreamResponse]:
    """Read a stream to its end."""
    return [event async for event in call]


def kinds(events: Sequence[pb.GenerateStreamResponse]) -> list[str]:
    """What each event is."""
    return [str(event.WhichOneof("event")) for event in events]


def text_of(events: Sequence[pb.GenerateStreamResponse]) -> str:
    """The text of a stream."""
    return "".join(event.delta.text for event in events)


async def trailers_of(call: Any) -> dict[str, str]:
    """The trailers of a call that ended well."""
    assert await call.code() is grpc.StatusCode.OK
    return dict(tuple(pair) for pair in await call.trailing_metadata())

"""What a scenario runs in: fault servers, a proxy before them, a gateway and a caller."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from ensemble.v1.admin_service_pb2 import BreakerState, Endpoint, ListEndpointsRequest
from ensemble.v1.admin_service_pb2_grpc import AdminServiceStub
from ensemble.v1.telemetry_service_pb2 import GetMetricsRequest, GetMetricsResponse
from ensemble.v1.telemetry_service_pb2_grpc import TelemetryServiceStub

from tests.conformance.callers import Caller, GrpcCaller, OpenAiCaller, all_of
from tests.conformance.calls import Ask, Got
from tests.conformance.processes import (
    GatewayProcess,
    Models,
    Ordered,
    environment,
    free_port,
    models,
    ordered,
    url_of,
)
from tests.conformance.rows import Row
from tests.conformance.servers.rules import Rule
from tests.conformance.texts import Text

DOORS = ("primary", "fallback")
HEADER = '[log]\nlevel = "error"\n'


@dataclass(slots=True)
class Rig:
    """Everything a scenario uses. With `target` there is no gateway of ours."""

    models: Models
    caller: Caller
    folder: Path
    proxy: Ordered | None = None
    gateway: GatewayProcess | None = None
    victims: dict[str, Models] = field(default_factory=dict[str, Models])

    @property
    def grpc(self) -> GrpcCaller:
        """The caller, where it must be one of our own door."""
        if not isinstance(self.caller, GrpcCaller):
            raise TypeError("this scenario needs the gateway's own door")
        return self.caller

    @property
    def own(self) -> GatewayProcess:
        """The gateway, where it must be ours."""
        if self.gateway is None:
            raise RuntimeError("this scenario needs a gateway of its own")
        return self.gateway

    async def way(self, mode: str, name: str = "primary", **more: float) -> None:
        """Tell the proxy how to treat the connections to a door."""
        if self.proxy is None:
            raise RuntimeError("this scenario needs the proxy")
        await self.proxy.order("order", way=name, mode=mode, **more)

    async def ask(self, asks: Sequence[Ask], at_once: int = 16) -> list[Got]:
        """Ask everything, so many at once."""
        return await all_of(self.caller, asks, at_once)

    async def endpoints(self) -> dict[str, Endpoint]:
        """Return the endpoints with their state, by name."""
        stub = AdminServiceStub(self.grpc.channel)
        answer = await stub.ListEndpoints(ListEndpointsRequest(), timeout=5)
        return {endpoint.name: endpoint for endpoint in answer.endpoints}

    async def breaker(self, name: str) -> str:
        """Return the state of an endpoint's breaker: `CLOSED`, `OPEN`, ..."""
        state = (await self.endpoints())[name].state.breaker
        return BreakerState.Name(state).removeprefix("BREAKER_STATE_")

    async def metrics(self) -> GetMetricsResponse:
        """Return the gateway's counters."""
        return await TelemetryServiceStub(self.grpc.channel).GetMetrics(
            GetMetricsRequest(), timeout=5
        )


Run = Callable[[Rig, Row], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault and what must come of it.

    `config` is the gateway's, with `${DOOR_KIND}` for addresses: kind `grpc`, `openai`, `frames`
    (written by hand) or `way` (gRPC through the proxy). `doors` are served by one process,
    each of `victims` by one of its own. `foreign`: it can be run against any gateway.
    """

    name: str
    source: str
    purpose: str
    config: str
    run: Run
    doors: tuple[str, ...] = DOORS
    victims: tuple[str, ...] = ()
    foreign: bool = False
    env: dict[str, str] = field(default_factory=dict[str, str])


def endpoint(name: str = "primary", kind: str = "grpc", door: str = "", **keys: object) -> str:
    """Write an endpoint's table; `door` is the fault server behind it."""
    protocol = "openai" if kind == "openai" else "native"
    lines = [
        "[[endpoint]]",
        f'name = "{name}"',
        f'url = "${{{door or name}_{kind}}}"',
        f'protocol = "{protocol}"',
        'model = "scripted"' if kind == "openai" else "",
        *(f"{key} = {_toml(value)}" for key, value in keys.items()),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


FALLBACK = endpoint("fallback", priority=1)


def asks(
    prefix: str,
    count: int,
    *,
    streamed: bool = False,
    lines: int = 8,
    deadline_s: float = 10.0,
    width: int = 48,
    tenant: str = "",
    **more: Any,
) -> list[Ask]:
    """Make requests with texts of their own."""
    return [
        Ask(
            Text(f"{prefix}-{number}", lines, width),
            streamed=streamed,
            deadline_s=deadline_s,
            tenant=tenant,
            more=dict(more),
        )
        for number in range(count)
    ]


def both(prefix: str, count: int, **more: Any) -> list[Ask]:
    """Make as many unary requests as streamed ones, in turn."""
    whole = asks(f"{prefix}-whole", count, **more)
    streamed = asks(f"{prefix}-stream", count, streamed=True, **more)
    return [ask for pair in zip(whole, streamed, strict=True) for ask in pair]


@asynccontextmanager
async def rig(scenario: Scenario, folder: Path) -> AsyncGenerator[Rig]:
    """Start everything for a scenario; end it with the block. Raises NotStartedError."""
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(models(scenario.doors))
        victims = {
            name: await stack.enter_async_context(models((name,))) for name in scenario.victims
        }
        ports = dict(servers.ports)
        for victim in victims.values():
            ports |= victim.ports
        targets = {door: kinds["grpc"] for door, kinds in ports.items()}
        proxy = await stack.enter_async_context(ordered("tests.conformance.servers.proxy", targets))
        addresses = addresses_of(ports, proxy.ports)
        config = folder / "gateway.toml"
        config.write_text(
            HEADER + Template(scenario.config).substitute(addresses), encoding="utf-8"
        )
        env = environment({**scenario.env, "CONFORMANCE_FOLDER": str(folder)})
        gateway = GatewayProcess(config, folder / "gateway.log", env)
        stack.push_async_callback(gateway.stop)
        await gateway.start()
        caller = GrpcCaller(gateway.address)
        stack.push_async_callback(caller.close)
        yield Rig(servers, caller, folder, proxy, gateway, victims)


@asynccontextmanager
async def foreign_rig(servers: Models, url: str, model: str, folder: Path) -> AsyncGenerator[Rig]:
    """Make a rig of fault servers that already run and a gateway that is not ours."""
    caller = OpenAiCaller(url, model)
    try:
        yield Rig(servers, caller, folder)
    finally:
        await caller.close()


def addresses_of(ports: dict[str, dict[str, int]], ways: dict[str, int]) -> dict[str, str]:
    """Return the address of every door by `DOOR_KIND`, and some where nobody listens."""
    found = {
        f"{door}_{kind}": url_of(kind, port)
        for door, kinds in ports.items()
        for kind, port in kinds.items()
    }
    proxied = {f"{door}_way": url_of("grpc", port) for door, port in ways.items()}
    nobody = {
        "nobody_grpc": f"grpc://127.0.0.1:{free_port()}",
        "nobody_openai": f"http://127.0.0.1:{free_port()}/v1",
        "nowhere_grpc": "grpc://model.invalid:50051",
        "nowhere_openai": "http://model.invalid/v1",
    }
    return {**found, **proxied, **nobody}


async def told(rig: Rig, *rules: Rule, door: str = "primary") -> None:
    """Give a door its rules."""
    await rig.models.tell(door, *rules)

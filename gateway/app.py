"""The composition root: the only place where concrete classes meet."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from gateway.config.schema import EndpointConfig, Settings
from gateway.config.secrets import resolve
from gateway.core.candidate import Completion
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Guard
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.ports import Clock, Upstream
from gateway.core.snapshot import RouterSettings, Snapshot
from gateway.ensemble.client import EnsembleClient, EnsembleSettings
from gateway.ensemble.judge import SCORERS
from gateway.ingress.admin import ADMIN, TELEMETRY, AdminService, ConfigText, TelemetryService
from gateway.ingress.grpc_server import SERVICE, GatewayService
from gateway.ingress.listener import Listener, ListenerSettings
from gateway.policies.count import count
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.observe import observe
from gateway.policies.retry import RetrySettings, retry
from gateway.policies.timeout import timeout
from gateway.routing.router import ModelRouter
from gateway.state.fleet import Fleet
from gateway.upstreams.connect import connect
from gateway.upstreams.options import UpstreamOptions


@dataclass(frozen=True, slots=True)
class Parts:
    """What the policies are made of."""

    settings: Settings
    fleet: Fleet
    clock: Clock


REQUEST_STACK: tuple[tuple[str, Callable[[Parts], Guard]], ...] = (
    ("count", lambda parts: count(parts.fleet)),
    ("deadline", lambda parts: deadline(DeadlineSettings(), parts.clock)),
)
"""What guards a request, outermost first."""

ATTEMPT_STACK: tuple[tuple[str, Callable[[Parts], Policy]], ...] = (
    ("retry", lambda parts: retry(_retry_settings(parts.settings), parts.clock, random.random)),
    ("observe", lambda parts: observe(parts.fleet, parts.clock)),
    ("timeout", lambda parts: timeout(parts.clock)),
)
"""What guards a call to an endpoint, outermost first."""


class Gateway:
    """A gateway in this process.

    Use it as an async context manager: inside, `ensemble` fills holes without a network hop, and
    `start` listens for gRPC callers. Leaving it stops the listener and closes every connection.
    Raises ValueError when the settings cannot be followed, ListenError when the address is taken.
    """

    def __init__(
        self, settings: Settings, *, sources: tuple[str, ...] = (), clock: Clock = time.monotonic
    ) -> None:
        self.settings = settings
        self.router = ModelRouter(snapshot_of(settings))
        self.fleet = Fleet(
            self.router.snapshot.by_name,
            clock,
            window_s=settings.metrics.window_s,
            window_attempts=settings.metrics.window_attempts,
        )
        self._sources = sources
        self._clock = clock
        self._upstreams: list[Upstream] = []
        self._ensemble: EnsembleClient | None = None
        self._listener: Listener | None = None

    @property
    def ensemble(self) -> EnsembleClient:
        """The client of the open gateway. Raises RuntimeError before it is entered."""
        if self._ensemble is None:
            raise RuntimeError("enter the gateway first: `async with Gateway(settings) as gateway`")
        return self._ensemble

    async def __aenter__(self) -> Self:
        try:
            self._ensemble = self._compose()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            await self._listener.drain(0, 0)
            self._listener = None
        await self._close()

    async def _close(self) -> None:
        await asyncio.gather(*(upstream.close() for upstream in self._upstreams))
        self._upstreams.clear()
        self._ensemble = None

    async def start(self) -> int:
        """Listen for callers; return the port. Health turns SERVING, but of drained endpoints."""
        server = self.settings.server
        services = (
            GatewayService(
                self.ensemble,
                longest_s=server.default_deadline_s,
                batch_in_flight=server.batch_in_flight,
                clock=self._clock,
            ).handlers(),
            AdminService(self.router, config_text(self.settings, self._sources)).handlers(),
            TelemetryService(self.fleet, self.router).handlers(),
        )
        self._listener = Listener(
            ListenerSettings(
                server.host, server.port, server.max_message_bytes, server.max_in_flight
            ),
            services,
            names=(SERVICE, ADMIN, TELEMETRY),
            reflection=server.reflection,
            endpoints=self.router.snapshot.endpoints,
        )
        return await self._listener.start()

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then drain: NOT_SERVING, wait, let running requests end."""
        if self._listener is None:
            await self.start()
        await stop.wait()
        if self._listener is not None:
            server = self.settings.server
            await self._listener.drain(server.drain_delay_s, server.drain_grace_s)
            self._listener = None

    def _compose(self) -> EnsembleClient:
        settings = self.settings
        parts = Parts(settings, self.fleet, self._clock)
        policies = [build(parts) for _, build in ATTEMPT_STACK]
        calls: dict[str, Call] = {}
        for config in settings.endpoint:
            endpoint = self.router.snapshot.by_name[config.name]
            upstream = connect(endpoint, _options(config, settings), self._clock)
            self._upstreams.append(upstream)
            call = call_of(upstream)
            for policy in reversed(policies):
                call = policy(call)
            calls[endpoint.name] = call
        return EnsembleClient(
            self.router,
            calls,
            settings=EnsembleSettings(
                settings.ensemble.fallback_enabled,
                settings.ensemble.max_attempts,
                settings.ensemble.best_of_n,
                settings.server.default_deadline_s,
            ),
            scorer=SCORERS[settings.ensemble.scorer],
            judgements=self.fleet,
            clock=self._clock,
            guards=[build(parts) for _, build in REQUEST_STACK],
        )


def config_text(settings: Settings, sources: tuple[str, ...]) -> ConfigText:
    """Write the effective configuration for DescribeConfig; it holds references, no secrets."""
    return ConfigText(settings.model_dump_json(), sources)


def call_of(upstream: Upstream) -> Call:
    """Make the innermost call: the upstream itself, streamed when the invocation has a sender."""

    async def call(invocation: Invocation) -> Completion:
        if invocation.send is None:
            return await upstream.generate(invocation.task, invocation.deadline)
        return await upstream.stream(invocation.task, invocation.deadline, invocation.send)

    return call


def snapshot_of(settings: Settings) -> Snapshot:
    """Make the router's snapshot of a configuration."""
    router = settings.router
    return Snapshot.of(
        tuple(_endpoint(config) for config in settings.endpoint),
        default_endpoint=settings.ensemble.default_endpoint,
        router=RouterSettings(
            router.constraint_limit,
            router.fast_below,
            router.quality_above,
            router.complexity,
            router.security_chain,
            router.constrained_chain,
            router.fast_chain,
            router.quality_chain,
        ),
    )


def _endpoint(config: EndpointConfig) -> Endpoint:
    return Endpoint(
        name=config.name,
        capabilities=config.capabilities,
        priority=config.priority,
        cost_micros_per_1k=round(config.cost_per_1k_tokens * 1_000_000),
        timeout_s=config.timeout_s,
        max_context=config.max_context,
        tags=config.tags,
        drained=config.drained,
        continues=config.continues,
        protocol=config.protocol,
        url=config.url,
        model=config.model,
    )


def _options(config: EndpointConfig, settings: Settings) -> UpstreamOptions:
    return UpstreamOptions(
        secret=resolve(config.secret_ref),
        openai_mode=config.openai_mode,
        dialect=config.dialect,
        logprobs=config.logprobs,
        max_message_bytes=settings.server.max_message_bytes,
    )


def _retry_settings(settings: Settings) -> RetrySettings:
    config = settings.retry
    return RetrySettings(config.max_tries, config.base_s, config.factor, config.max_s)

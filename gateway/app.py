"""The composition root: the only place where concrete classes meet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Self

from gateway.config.pipelines import pipelines_of
from gateway.config.schema import Settings
from gateway.config.tools import sandbox_of, tools_of
from gateway.config.trace import traces_of
from gateway.config.values import (
    config_text,
    ensemble_settings,
    listener_settings,
    probes_of,
    snapshot_of,
    upstream_options,
)
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Guard
from gateway.core.overview import OverviewSource
from gateway.core.policy import Call, Policy
from gateway.core.ports import Clock, Upstream
from gateway.core.snapshot import Snapshot
from gateway.doors import Doors
from gateway.ensemble.choosing.described import LearnedDescription
from gateway.ensemble.client import EnsembleClient
from gateway.ensemble.door import Door
from gateway.ensemble.judge import SCORERS
from gateway.ingress.admin import ADMIN, TELEMETRY, AdminService, TelemetryService
from gateway.ingress.cache import CACHE, CacheService
from gateway.ingress.feedback import FEEDBACK, FeedbackService
from gateway.ingress.grpc_server import SERVICE, GatewayService
from gateway.ingress.jobs import JOBS, JobService
from gateway.ingress.listener import Listener
from gateway.ingress.oip.service import INFERENCE, InferenceService
from gateway.learner import Learner
from gateway.observability import Observability
from gateway.parts import EndpointParts, Parts
from gateway.policies.admit import admit
from gateway.policies.balance import balance
from gateway.policies.breaker import breaker
from gateway.policies.budget import budget
from gateway.policies.count import count
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.eject import eject
from gateway.policies.gate import gate
from gateway.policies.hedge import HedgeSettings, hedge
from gateway.policies.idempotent import idempotent
from gateway.policies.job import job
from gateway.policies.measure import measure
from gateway.policies.observe import observe
from gateway.policies.retry import RetrySettings, retry
from gateway.policies.span import attempt_span, request_span
from gateway.policies.split import split
from gateway.policies.standing import standing
from gateway.policies.timeout import TimeoutSettings, timeout
from gateway.routing.router import ModelRouter, RouterDescription
from gateway.state.fleet import Fleet
from gateway.state.reading import EndpointReading
from gateway.state.standing import Health
from gateway.upstreams.connect import call_of, connect
from gateway.upstreams.probe import Prober
from gateway.validation.late import Tools

log = logging.getLogger(__name__)

Target = Endpoint
"""An endpoint as the router sees it: a server, or the representative of a group."""


def _retry(parts: Parts, target: Target) -> Policy:
    config = parts.settings.retry
    return retry(
        RetrySettings(config.max_tries, config.base_s, config.factor, config.max_s),
        parts.clock,
        parts.draw,
        parts.throttles[target.name],
        able=partial(parts.lets_pass, target.name),
    )


def _hedge(parts: Parts, target: Target) -> Policy | None:
    config = parts.settings.hedge
    if not (config.enabled and target.idempotent):
        return None
    return hedge(
        HedgeSettings(config.max_calls),
        parts.fleet,
        parts.hedges[target.name],
        parts.throttles[target.name],
        parts.clock,
    )


def _standing(parts: Parts, of: EndpointParts) -> Policy | None:
    return standing(parts.standing.of(of.config.name))


def _eject(parts: Parts, of: EndpointParts) -> Policy | None:
    group = parts.group_of(of)
    return None if group is None or group.ejector is None else eject(group.ejector)


def _timeout(parts: Parts, _: EndpointParts) -> Policy:
    config = parts.settings.timeouts
    settings = TimeoutSettings(config.first_text_s, config.between_texts_s)
    return timeout(settings, parts.clock, parts.fleet)


REQUEST_STACK: tuple[tuple[str, Callable[[Parts], Guard | None]], ...] = (
    ("request_span", lambda parts: request_span(parts.tracer) if parts.tracer else None),
    ("measure", lambda parts: measure(parts.meter, parts.clock) if parts.meter else None),
    ("count", lambda parts: count(parts.fleet, parts.target_of)),
    ("idempotent", lambda parts: idempotent(parts.replays, parts.clock)),
    ("deadline", lambda parts: deadline(DeadlineSettings(), parts.clock)),
    ("cache", lambda parts: parts.cache()),
    ("job", lambda parts: job(parts.jobs.keeper)),
    ("admit", lambda parts: admit(parts.admission)),
)
"""What guards a request, outermost first. One that builds None has nothing to do."""

TARGET_STACK: tuple[tuple[str, Callable[[Parts, Target], Policy | None]], ...] = (
    ("split", lambda parts, _: split(parts.fleet, parts.clock)),
    ("retry", _retry),
    ("hedge", _hedge),
)
"""What guards the asking of one endpoint or group, outermost first."""

ATTEMPT_STACK: tuple[tuple[str, Callable[[Parts, EndpointParts], Policy | None]], ...] = (
    ("standing", _standing),
    ("gate", lambda parts, of: gate(of.gate, parts.clock)),
    ("breaker", lambda parts, of: breaker(of.breaker, parts.clock)),
    ("eject", _eject),
    ("budget", lambda _, __: budget()),
    ("attempt_span", lambda parts, _: attempt_span(parts.tracer) if parts.tracer else None),
    ("observe", lambda parts, _: observe(parts.fleet, parts.clock)),
    ("timeout", _timeout),
)
"""What guards a call to one server, outermost first. One that builds None has nothing to do."""


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
        self._router = ModelRouter(snapshot_of(settings))
        self.parts = Parts(settings, self._router.snapshot, clock)
        self.learner = Learner(
            settings, self._names, self.parts.live, clock, minutes=self.parts.minutes
        )
        self.traces = traces_of(settings.trace, self, self.parts.tenants, clock)
        kept = None if self.traces is None else self.traces.store
        self.observability = Observability(settings, self.parts, self.learner, kept, clock)
        self.doors = Doors(settings, self.parts)
        self._sources = sources
        self._clock = clock
        self._upstreams: list[Upstream] = []
        self._prober: Prober | None = None
        self._ensemble: EnsembleClient | None = None
        self._listener: Listener | None = None

    @property
    def ensemble(self) -> EnsembleClient:
        """The client of the open gateway. Raises RuntimeError before it is entered."""
        if self._ensemble is None:
            raise RuntimeError("enter the gateway first: `async with Gateway(settings) as gateway`")
        return self._ensemble

    @property
    def door(self) -> Door:
        """What every protocol begins requests with. Raises RuntimeError before it is entered."""
        return Door(
            self.ensemble,
            longest_s=self.settings.server.default_deadline_s,
            clock=self._clock,
            jobs=self.parts.jobs.keeper,
            detached=self.parts.jobs.detached,
            traces=self.traces,
        )

    @property
    def router(self) -> ModelRouter:
        """The router now in force; draining an endpoint puts another in its place."""
        return self._router

    @property
    def fleet(self) -> Fleet:
        """The counters of the ensemble and of each endpoint."""
        return self.parts.fleet

    @property
    def overview(self) -> OverviewSource | None:
        """What dashboards look at; None where they are off."""
        return self.observability.overview

    @property
    def snapshot(self) -> Snapshot:
        """The endpoints and rules that the next request will get."""
        return self._router.snapshot

    def describe(self) -> RouterDescription:
        """Describe the router now in force."""
        return self._router.describe()

    def learned(self) -> LearnedDescription:
        """Describe what learns."""
        return self.learner.describe()

    def reading(self, name: str) -> EndpointReading:
        """Tell how an endpoint does now."""
        return self.parts.reading(name)

    def max_concurrency(self, name: str) -> int:
        """Tell the configured limit of calls at once to an endpoint."""
        return self.parts.endpoints[name].config.max_concurrency

    def drain(self, name: str, *, drained: bool) -> tuple[str, ...]:
        """Give an endpoint, or all of a group, no new requests, or requests again.

        Running requests keep the router that they began with. An endpoint that gets requests again
        starts with a closed breaker. Returns the names that `name` stands for; raises KeyError for
        one that is not configured.
        """
        names = tuple(endpoint.name for endpoint in self.snapshot.named(name))
        self._router = ModelRouter(self.snapshot.with_drained(name, drained=drained))
        self.parts.follow(self.snapshot)
        if self._ensemble is not None:
            self._ensemble.router = self._router
        for one in names:
            if not drained:
                self.parts.endpoints[one].reopen()
            self._tell_health(one)
        return names

    async def __aenter__(self) -> Self:
        try:
            sandbox = sandbox_of(self.settings, self._clock)
            why = "" if sandbox is None else await sandbox.probe()
            if why:
                log.warning("no sandbox: unit tests stay unchecked", extra={"reason": why})
            await self.learner.open()
            self.observability.open()
            self._ensemble = self._compose(tools_of(self.settings, sandbox))
            self._prober = Prober(
                probes_of(self.settings, self.snapshot, self.parts.draw), self._heard
            )
            self._prober.start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drain(0, 0)
        await self._close()

    async def _close(self) -> None:
        if self._prober is not None:
            await self._prober.close()
            self._prober = None
        await self.parts.close()
        await self.learner.close()
        await self.observability.close()
        await asyncio.gather(*(upstream.close() for upstream in self._upstreams))
        self._upstreams.clear()
        self._ensemble = None

    async def start(self) -> int:
        """Listen for callers; return the port. Health turns SERVING, but of drained endpoints."""
        parts, server = self.parts, self.settings.server
        services = [
            GatewayService(self.door, batch_in_flight=server.batch_in_flight).handlers(),
            JobService(parts.jobs.desk).handlers(),
            AdminService(self, config_text(self.settings, self._sources)).handlers(),
            TelemetryService(
                parts.fleet,
                self,
                parts.counters,
                self.traces,
                self.overview,
                self.settings.dashboard.look(),
            ).handlers(),
            CacheService(
                parts.results, parts.flights, self._clock, enabled=self.settings.cache.enabled
            ).handlers(),
            FeedbackService(
                self.learner.desk, self.learner.read_policy, time.time, self.learner.dropped
            ).handlers(),
        ]
        names = [SERVICE, ADMIN, TELEMETRY, FEEDBACK, CACHE, JOBS]
        if self.settings.oip.enabled:
            offered = InferenceService(self.door, server.batch_in_flight, self.parts.serves)
            services.append(offered.handlers())
            names.append(INFERENCE)
        self._listener = Listener(
            listener_settings(server),
            self.observability.measured(services),
            names=names,
            reflection=server.reflection,
            endpoints=self.snapshot.callable,
        )
        for endpoint in self.snapshot.callable:
            self._tell_health(endpoint.name)
        port = await self._listener.start()
        await self.doors.start(self.door, self.observability.told())
        await self.observability.start()
        return port

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then drain: NOT_SERVING, wait, let running requests end."""
        if self._listener is None:
            await self.start()
        await stop.wait()
        self.observability.serving = False
        server = self.settings.server
        await self._drain(server.drain_delay_s, server.drain_grace_s)

    async def _drain(self, delay_s: float, grace_s: float) -> None:
        doors: list[Listener | Doors] = [self.doors]
        if self._listener is not None:
            doors.append(self._listener)
        await asyncio.gather(*(door.drain(delay_s, grace_s) for door in doors))
        self._listener = None

    def _compose(self, tools: Tools) -> EnsembleClient:
        settings, parts = self.settings, self.parts
        calls: dict[str, Call] = {}
        for endpoint in self.snapshot.callable:
            of = parts.endpoints[endpoint.name]
            upstream = connect(endpoint, upstream_options(of.config, settings), self._clock)
            self._upstreams.append(upstream)
            calls[endpoint.name] = _wrapped(
                call_of(upstream), [build(parts, of) for _, build in ATTEMPT_STACK]
            )
        return EnsembleClient(
            self._router,
            {target.name: self._target(target, calls) for target in self.snapshot.endpoints},
            settings=ensemble_settings(settings),
            scorer=SCORERS[settings.ensemble.scorer],
            judgements=parts.fleet,
            clock=self._clock,
            guards=[guard for _, build in REQUEST_STACK if (guard := build(parts)) is not None],
            tenants=parts.tenants,
            pipelines=pipelines_of(settings.pipeline),
            tools=tools,
            chooser=self.learner.chooser,
        )

    def _target(self, target: Target, calls: Mapping[str, Call]) -> Call:
        """Make the call of what the router sees: one server's, or the choice among replicas."""
        replicas = self.snapshot.replicas.get(target.name)
        if replicas is None:
            call = calls[target.name]
        else:
            call = balance(
                {replica.name: calls[replica.name] for replica in replicas},
                replicas,
                self.parts.groups[target.name].load,
                self._clock,
                is_open=lambda name: name not in self.parts.drained,
                ready=self.parts.ready,
                able=self.parts.able,
            )
        return _wrapped(call, [build(self.parts, target) for _, build in TARGET_STACK])

    def _heard(self, name: str, serving: bool | None) -> None:  # noqa: FBT001 - a port's shape
        """Take in what a health check found; None = nothing is known any more."""
        health = {None: Health.UNKNOWN, True: Health.SERVING, False: Health.NOT_SERVING}[serving]
        self.parts.standing.set_health(name, health)
        self._tell_health(name)

    def _names(self) -> tuple[str, ...]:
        return tuple(self.snapshot.by_name)

    def _tell_health(self, name: str) -> None:
        if self._listener is not None:
            self._listener.set_endpoint(name, serving=self.parts.serves(name))


def _wrapped(call: Call, policies: Sequence[Policy | None]) -> Call:
    for policy in reversed(policies):
        if policy is not None:
            call = policy(call)
    return call

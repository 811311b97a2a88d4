"""What the policies share: the state of the whole gateway and of each endpoint."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.config.cache import result_cache_settings
from gateway.config.jobs import jobs_of
from gateway.config.reliability import BreakerMode, Concurrency
from gateway.config.schema import EndpointConfig, Settings
from gateway.core.caching import revision_of
from gateway.core.exchange import Guard
from gateway.core.ports import Clock
from gateway.core.scoring import LiveInput
from gateway.core.snapshot import Snapshot
from gateway.core.telemetry import Meter, Tracer
from gateway.ensemble.feedback.watching import LAYERS
from gateway.policies.cache import CacheRules, cache
from gateway.state.admission import Admission
from gateway.state.breaker import Breaker, BreakerState
from gateway.state.breaker_settings import BreakerSettings
from gateway.state.budget import Limits, TenantBudgets
from gateway.state.ejection import Ejector
from gateway.state.ejection_settings import EjectionSettings
from gateway.state.fleet import Fleet
from gateway.state.gate import Gate
from gateway.state.hedging import HedgeBudget, HedgeBudgetSettings
from gateway.state.limit import GateSettings
from gateway.state.load import Load, LoadSettings
from gateway.state.minutes import Minutes
from gateway.state.queue import AdmissionSettings
from gateway.state.reading import EndpointReading, GuardCounters
from gateway.state.replays import Replays, ReplaySettings, shutting_down
from gateway.state.result_cache import ResultCache
from gateway.state.single_flight import SingleFlight
from gateway.state.standing import Health, Standing, WarmUp, WarmUpSettings
from gateway.state.throttle import Throttle, ThrottleSettings
from gateway.upstreams.prompt import PROMPT_TEMPLATE_VERSION

FORCED = {
    BreakerMode.DISABLED: BreakerState.DISABLED,
    BreakerMode.METRICS_ONLY: BreakerState.METRICS_ONLY,
    BreakerMode.FORCED_OPEN: BreakerState.FORCED_OPEN,
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EndpointParts:
    """The state of one endpoint that is called."""

    config: EndpointConfig
    breaker: Breaker
    gate: Gate

    def reopen(self) -> None:
        """Close the breaker, unless the configuration decides about it."""
        if self.config.breaker is BreakerMode.AUTO:
            self.breaker.reset()


@dataclass(frozen=True, slots=True)
class GroupParts:
    """The state of one group of replicas; `ejector` is None where outliers are not ejected."""

    load: Load
    ejector: Ejector | None


class Parts:
    """Everything that guards requests and attempts and has a memory. Belongs to one event loop."""

    def __init__(
        self, settings: Settings, snapshot: Snapshot, clock: Clock, wall: Clock = time.time
    ) -> None:
        """`wall` tells unix seconds. Raises ValueError when the settings cannot be followed."""
        self.settings = settings
        self.clock = clock
        self.draw: Callable[[], float] = random.random
        names = [config.name for config in settings.endpoint]
        self.fleet = Fleet(
            names,
            clock,
            window_s=settings.metrics.window_s,
            window_attempts=settings.metrics.window_attempts,
            groups={
                group: tuple(replica.name for replica in replicas)
                for group, replicas in snapshot.replicas.items()
            },
        )
        self.standing = Standing(
            names, _warmup(settings), [config.name for config in settings.endpoint if config.warmup]
        )
        self.endpoints = {config.name: self._endpoint(config) for config in settings.endpoint}
        self._targets = {config.name: config.group or config.name for config in settings.endpoint}
        # A call that was never made is recorded under the group, when that was refused as a whole.
        self._targets.update({group: group for group in snapshot.replicas})
        self._replicas = {
            group: tuple(replica.name for replica in replicas)
            for group, replicas in snapshot.replicas.items()
        }
        self.results = ResultCache(result_cache_settings(settings.cache))
        self.flights = SingleFlight()
        self._config = settings.model_dump_json()
        self.drained: frozenset[str] = frozenset()
        self.follow(snapshot)
        self.groups = {
            group: GroupParts(
                Load(replicas, _load(settings), clock, self.draw),
                self._ejector(replica.name for replica in replicas),
            )
            for group, replicas in snapshot.replicas.items()
        }
        failures = ThrottleSettings(settings.retry.budget_tokens, settings.retry.budget_ratio)
        self.throttles = {target: Throttle(failures) for target in snapshot.by_name}
        hedges = HedgeBudgetSettings(settings.hedge.budget)
        self.hedges = {target: HedgeBudget(hedges) for target in snapshot.by_name}
        self.admission = Admission(_admission(settings), clock)
        self.replays = Replays(_replays(settings), clock)
        self.jobs = jobs_of(settings.jobs, clock)
        self.tenants = _tenants(settings, clock)
        self.minutes = Minutes(names, LAYERS, wall) if settings.dashboard.enabled else None
        self.meter: Meter | None = None
        self.tracer: Tracer | None = None

    def follow(self, snapshot: Snapshot) -> None:
        """Take note of the snapshot that the next requests get."""
        self.drained = frozenset(one.name for one in snapshot.callable if one.drained)
        self.results.revise(revision_of(snapshot, self._config))

    def cache(self) -> Guard | None:
        """Make the guard that serves repeated requests; None where they are not to be."""
        config = self.settings.cache
        if not config.enabled:
            return None
        flights = self.flights if config.coalesce else None
        rules = CacheRules(bool(self.settings.experiment), PROMPT_TEMPLATE_VERSION)
        return cache(self.results, flights, rules, self.target_of, self.clock)

    async def close(self) -> None:
        """End all work that requests share, and what goes on without its caller."""
        await self.jobs.detached.close()
        await self.replays.close()
        await self.flights.close(shutting_down())

    def ready(self, name: str) -> bool:
        """Say whether nothing would keep a replica from being called now."""
        return self._free(name) and self.standing.ready(name)

    def able(self, name: str, *, last: bool) -> bool:
        """Say what `ready` does of a replica without taking it for a call that is to be made.

        A new one takes calls beyond its share only when nothing else is left (`last`).
        """
        stands = self.standing.read(name)
        return (
            self._free(name)
            and stands.health is not Health.NOT_SERVING
            and (last or stands.warmup is WarmUp.WARM)
        )

    def serves(self, name: str) -> bool:
        """Say whether requests are sent to an endpoint, as far as health checks and operators go.

        Raises KeyError for a name that is no endpoint's.
        """
        healthy = self.standing.read(name).health is not Health.NOT_SERVING
        return healthy and name not in self.drained

    def lets_pass(self, target: str) -> bool:
        """Say whether the breaker of what the router sees, or of any replica, lets a call pass."""
        names = self._replicas.get(target, (target,))
        left = [name for name in names if name not in self.drained] or names
        now = self.clock()
        return any(self.endpoints[name].breaker.ready(now) for name in left)

    def target_of(self, name: str) -> str:
        """Name what the router sees for a name: of an endpoint its group, or itself."""
        return self._targets[name]

    def group_of(self, parts: EndpointParts) -> GroupParts | None:
        """Return the state of an endpoint's group; None for a lone one."""
        return self.groups.get(parts.config.group or "")

    def reading(self, name: str) -> EndpointReading:
        """Tell how an endpoint does now. Raises KeyError for a name that is not configured."""
        parts = self.endpoints[name]
        now = self.clock()
        breaker, stands = parts.breaker.read(now), self.standing.read(name)
        return EndpointReading(
            breaker=breaker.state,
            failure_rate=breaker.failure_rate,
            slow_rate=breaker.slow_rate,
            not_permitted=breaker.not_permitted,
            health=stands.health,
            ejected=self._ejected(parts, now),
            warming_up=stands.warmup is WarmUp.WARMING_UP,
            in_flight=parts.gate.in_flight,
            concurrency_limit=parts.gate.limit,
            waiting=parts.gate.waiting,
            saturated=parts.gate.saturated,
        )

    def live(self, target: str) -> LiveInput:
        """Tell how what the router sees under a name does now: a server, or a group as a whole."""
        now = self.clock()
        names = self._replicas.get(target, (target,))
        gates = [self.endpoints[name].gate for name in names]
        lately = self.fleet.lately(target, now)
        return LiveInput(
            success_rate=lately.success_rate,
            attempts=lately.counted,
            quality=lately.quality,
            judged=lately.judged,
            p50_s=self.fleet.expected(target, now).typical,
            in_flight=sum(gate.in_flight for gate in gates),
            limit=sum(gate.limit for gate in gates),
        )

    def counters(self) -> GuardCounters:
        """Tell what the guards did since the start."""
        admitted = self.admission.read()
        return GuardCounters(
            retries=sum(throttle.retries for throttle in self.throttles.values()),
            hedges=sum(budget.hedges for budget in self.hedges.values()),
            hedge_wins=sum(budget.wins for budget in self.hedges.values()),
            shed=sum(admitted.shed.values()),
            queued=admitted.queued,
            replayed=self.replays.joined + self.replays.replayed,
        )

    def _free(self, name: str) -> bool:
        parts, now = self.endpoints[name], self.clock()
        return (
            parts.gate.in_flight < parts.gate.limit
            and parts.breaker.ready(now)
            and not self._ejected(parts, now)
        )

    def _ejected(self, parts: EndpointParts, now: float) -> bool:
        group = self.group_of(parts)
        ejector = None if group is None else group.ejector
        return ejector is not None and ejector.ejected(parts.config.name, now)

    def _endpoint(self, config: EndpointConfig) -> EndpointParts:
        breaker = Breaker(config.name, _breaker(self.settings), _tell("circuit breaker"))
        if config.breaker in FORCED:
            breaker.force(FORCED[config.breaker], self.clock())
        gate = GateSettings(
            max_concurrency=config.max_concurrency,
            adaptive=config.concurrency is Concurrency.ADAPTIVE,
            max_waiting=config.max_waiting,
        )
        return EndpointParts(config, breaker, Gate(gate, self.clock))

    def _ejector(self, replicas: Iterable[str]) -> Ejector | None:
        config = self.settings.ejection
        if not config.enabled:
            return None
        settings = EjectionSettings(
            interval_s=config.interval_s,
            base_s=config.base_s,
            max_s=config.max_s,
            max_percent=config.max_percent,
        )
        return Ejector(replicas, settings, self.clock, self.draw, _tell("outlier ejection"))


def _tell(machine: str) -> Callable[[str, str, str], None]:
    """Log each change of a machine's state: what an operator looks for first."""

    def changed(endpoint: str, source: str, target: str) -> None:
        log.warning(
            "%s changed",
            machine,
            extra={"endpoint": endpoint, "from": str(source), "to": str(target)},
        )

    return changed


def _breaker(settings: Settings) -> BreakerSettings:
    config = settings.breaker
    return BreakerSettings(
        failure_share=config.failure_share,
        slow_share=config.slow_share,
        slow_s=config.slow_s,
        minimum_calls=config.minimum_calls,
        window=config.window,
        window_size=config.window_size,
        open_s=config.open_s,
        half_open_permits=config.permits,
        half_open_max_s=config.half_open_max_s,
    )


def _warmup(settings: Settings) -> WarmUpSettings:
    config = settings.warmup
    return WarmUpSettings(config.share, config.calls, config.success)


def _load(settings: Settings) -> LoadSettings:
    config = settings.balance
    return LoadSettings(tau_s=config.decay_s, by_session=config.by == "session")


def _admission(settings: Settings) -> AdmissionSettings:
    config = settings.admission
    return AdmissionSettings(
        config.max_running, config.max_queued, config.max_queued_per_tenant, config.max_wait_s
    )


def _replays(settings: Settings) -> ReplaySettings:
    config = settings.idempotency
    return ReplaySettings(config.window_s, config.max_entries, config.max_bytes)


def _tenants(settings: Settings, clock: Clock) -> TenantBudgets | None:
    config = settings.tenant_budget
    limits = Limits(config.max_cost_micros, config.max_tokens, config.max_attempts)
    return TenantBudgets(limits, clock, window_s=config.window_s) if limits.any else None

"""What operators see of a gateway, put together: spans, metrics and the admin listener."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import grpc

from gateway.config.schema import Settings
from gateway.config.telemetry import Traces
from gateway.core.overview import GuardRow, OverviewSource
from gateway.core.ports import Clock
from gateway.core.telemetry import MetricsPage
from gateway.ensemble.overview.alarms import Alarms
from gateway.ensemble.overview.desk import OverviewDesk, OverviewSettings
from gateway.ingress.admin_http import AdminListener, Pages
from gateway.ingress.dashboard.sources import DashboardSources
from gateway.ingress.measured import Measured, Told
from gateway.learner import Learner
from gateway.parts import Parts
from gateway.state.breaker import BreakerState
from gateway.state.minutes import Minutes
from gateway.state.reading import EndpointReading
from gateway.state.standing import Health
from gateway.state.traces import TraceStore
from gateway.telemetry.meter import MICROS, Meters, MinuteMeter, RequestMeter

if TYPE_CHECKING:
    # Loaded where they are configured only: they take more memory than the rest of an idle gateway.
    from opentelemetry.sdk.trace.export import SpanExporter

    from gateway.telemetry.otel import OtelTracer
    from gateway.telemetry.prometheus import Exposition, Reading, Series

log = logging.getLogger(__name__)


class Observability:
    """Owns everything that watches a gateway: `open`, `start` and, however it ends, `close`.

    What is not configured is neither loaded nor on the path of a request: `parts.meter` and
    `parts.tracer` stay None. `page` writes the page of metrics. Raises ValueError naming the extra
    that is missing.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        learner: Learner,
        traces: TraceStore | None,
        clock: Clock,
        wall: Clock = time.time,
    ) -> None:
        """`traces`: where traces are kept, None where they are not."""
        self._settings = settings
        self._parts = parts
        self._learner = learner
        self._clock = clock
        self.serving = False
        self.admin_port: int | None = None
        self.page: Callable[[str], Awaitable[MetricsPage]] | None = None
        self._exporter = _exporter(settings)
        self._tracer: OtelTracer | None = None
        self._exposition: Exposition | None = None
        self._meter: RequestMeter | None = None
        self._targets = {
            name: parts.target_of(name) for name in (*parts.endpoints, *parts.throttles)
        }
        self._best_of = settings.ensemble.best_of_n or 1
        self.overview: OverviewSource | None = None
        self._alarms: Alarms | None = None
        if parts.minutes is not None:
            self._watch(parts.minutes, wall)
        self._admin: AdminListener | None = None
        if settings.admin.port is not None:
            self.page = self._count() if settings.telemetry.prometheus else None
            shown = None
            if self.overview is not None:
                shown = DashboardSources(self.overview, traces, settings.dashboard.look())
            pages = Pages(self.page, self.not_ready, shown)
            self._admin = AdminListener(settings.admin.host, settings.admin.port, pages)

    def open(self) -> None:
        """Begin to trace, where traces are wanted; before the stacks are composed."""
        if self._exporter is not None:
            from gateway.telemetry.otel import OtelTracer  # noqa: PLC0415 - idle memory

            config = self._settings.telemetry
            self._tracer = OtelTracer(
                self._exporter(), ratio=config.sample_ratio, service=config.service_name
            )
            self._parts.tracer = self._tracer

    async def start(self) -> None:
        """Say that callers may come; listen for operators where wanted. Raises ListenError."""
        self.serving = True
        if self._alarms is not None:
            self._alarms.start()
        if self._admin is not None and self.admin_port is None:
            self.admin_port = await self._admin.start()
            host = self._settings.admin.host
            log.info("admin listener", extra={"host": host, "port": self.admin_port})

    async def close(self) -> None:
        """Stop listening, send the spans that wait, let go of everything."""
        self.serving = False
        if self._alarms is not None:
            await self._alarms.close()
        if self._admin is not None:
            await self._admin.close()
        if self._exposition is not None:
            self._exposition.close()
        if self._tracer is not None:
            await self._tracer.close()
        self.admin_port = self._tracer = self._parts.tracer = None

    def measured(self, handlers: Sequence[grpc.GenericRpcHandler]) -> list[grpc.GenericRpcHandler]:
        """Time the RPCs of our services, where somebody reads the numbers."""
        told = self.told()
        if told is None:
            return list(handlers)
        return [Measured(each, told, self._clock) for each in handlers]

    def told(self) -> Told | None:
        """Return what takes how a call ended; None where nobody reads the numbers."""
        if self._exposition is None:
            return None
        times = self._exposition.histogram("rpc.duration")

        def told(method: str, status: str, elapsed_s: float) -> None:
            times.record(elapsed_s, {"method": method, "status_code": status})

        return told

    def not_ready(self) -> tuple[str, ...]:
        """Say why callers should not come, a line each; nothing when they may."""
        parts, now = self._parts, self._clock()
        why: list[str] = []
        if not self.serving:
            why.append("no calls are taken: it starts, or drains")
        if not any(
            name not in parts.drained
            and parts.standing.read(name).health is not Health.NOT_SERVING
            and of.breaker.ready(now)
            for name, of in parts.endpoints.items()
        ):
            why.append("every endpoint is drained, unhealthy or behind an open breaker")
        return tuple(why)

    def _count(self) -> Callable[[str], Awaitable[MetricsPage]]:
        """Make what counts, and return what writes the page of metrics."""
        from gateway.telemetry.prometheus import Exposition  # noqa: PLC0415 - idle memory

        parts, exposition = self._parts, Exposition(self._read)
        self._meter = RequestMeter(
            exposition.histogram("request.duration"),
            exposition.histogram("attempt.duration"),
            exposition.histogram("routing.duration"),
            targets=self._targets,
            best_of=self._best_of,
        )
        parts.meter = self._meter if parts.meter is None else Meters(parts.meter, self._meter)
        self._exposition = exposition
        return exposition.page

    def _watch(self, minutes: Minutes, wall: Clock) -> None:
        """Count by the minute what dashboards show, and look at it."""
        settings, parts, learner = self._settings, self._parts, self._learner
        desk = OverviewDesk(
            minutes,
            parts,
            learner.teacher,
            OverviewSettings(
                settings.dashboard.targets.bars(),
                settings.tuner.accuracy_targets.model_dump(),
            ),
            guards=lambda: guard_rows(parts, learner),
            layers=lambda: [layer.name for layer in learner.describe().layers],
            clock=self._clock,
            wall=wall,
        )
        self.overview = desk.look
        self._alarms = Alarms(desk.look, settings.dashboard.window_s)
        parts.meter = MinuteMeter(minutes, self._targets, self._best_of)

    def _read(self) -> Reading:
        """Take the numbers of this moment; cheap, for it holds up the event loop."""
        return {
            **_requests(self._parts),
            **_cache(self._parts),
            **_endpoints(self._parts),
            **({} if self._meter is None else _counted(self._meter)),
            **_learning(self._learner),
        }


def guard_rows(parts: Parts, learner: Learner) -> tuple[GuardRow, ...]:
    """Copy what guards requests."""
    counted, written = parts.counters(), learner.written()
    cached = parts.results.read(parts.clock())
    rows = (
        GuardRow("requests in flight", parts.admission.read().running, now=True),
        GuardRow("requests queued", counted.queued, now=True),
        GuardRow("requests shed", counted.shed),
        GuardRow("requests replayed", counted.replayed),
        GuardRow("jobs in flight", len(parts.jobs.registry), now=True),
        GuardRow("answers in the cache", cached.entries, now=True),
        GuardRow("answered from the cache", cached.hits),
        GuardRow("requests merged", cached.coalesced),
        GuardRow("retries", counted.retries),
        GuardRow("hedges", counted.hedges),
        GuardRow("hedges that were first", counted.hedge_wins),
    )
    if written is None:
        return rows
    return (
        *rows,
        GuardRow("decisions waiting to be written", written.waiting, now=True),
        GuardRow("decisions lost", written.dropped),
    )


def _exporter(settings: Settings) -> Callable[[], SpanExporter] | None:
    """Find what sends spans, before anything is begun; None where no traces are wanted."""
    config = settings.telemetry
    if config.traces is Traces.OFF:
        return None
    from gateway.telemetry.otlp import otlp_exporter  # noqa: PLC0415 - idle memory

    return otlp_exporter(config.otlp_endpoint, config.otlp_timeout_s)


def _requests(parts: Parts) -> Reading:
    admitted = parts.admission.read()
    replayed = parts.replays.joined + parts.replays.replayed
    return {
        "requests.in_flight": (((), admitted.running),),
        "jobs.in_flight": (((), len(parts.jobs.registry)),),
        "requests.queued": (((), admitted.queued),),
        "requests.shed": [((str(why),), count) for why, count in admitted.shed.items()],
        "requests.replayed": (((), replayed),),
        "retries": _by_name({name: one.retries for name, one in parts.throttles.items()}),
        "hedges": _by_name({name: one.hedges for name, one in parts.hedges.items()}),
        "hedge.wins": _by_name({name: one.wins for name, one in parts.hedges.items()}),
    }


def _cache(parts: Parts) -> Reading:
    counts = parts.results.read(parts.clock())
    missed = counts.misses - counts.coalesced
    return {
        "cache.requests": (
            (("hit",), counts.hits),
            (("coalesced",), counts.coalesced),
            (("miss",), missed),
            (("uncacheable",), counts.uncacheable),
        ),
        "cache.removed": (
            (("expired",), counts.expired),
            (("evicted",), counts.evicted),
            (("stale",), counts.stale),
        ),
        "cache.entries": (((), counts.entries),),
        "cache.bytes": (((), counts.bytes),),
    }


def _endpoints(parts: Parts) -> Reading:
    readings = {name: parts.reading(name) for name in parts.endpoints}

    def each(number: Callable[[EndpointReading], float]) -> Series:
        return _by_name({name: number(reading) for name, reading in readings.items()})

    return {
        "endpoint.in_flight": each(lambda one: one.in_flight),
        "endpoint.waiting": each(lambda one: one.waiting),
        "endpoint.limit": each(lambda one: one.concurrency_limit),
        "endpoint.saturated": each(lambda one: one.saturated),
        "endpoint.ejected": each(lambda one: one.ejected),
        "endpoint.drained": _by_name({name: name in parts.drained for name in readings}),
        "endpoint.health": list(_states(readings, Health, lambda one: one.health)),
        "breaker.state": list(_states(readings, BreakerState, lambda one: one.breaker)),
        "breaker.refused": each(lambda one: one.not_permitted),
    }


def _states(
    readings: Mapping[str, EndpointReading],
    words: Iterable[str],
    word: Callable[[EndpointReading], str],
) -> Iterator[tuple[tuple[str, str], float]]:
    for name, reading in readings.items():
        for each in words:
            yield (name, str(each)), float(word(reading) == each)


def _counted(meter: RequestMeter) -> Reading:
    return {
        "request.failures": meter.failures.read(),
        "chains.exhausted": meter.exhausted.read(),
        "attempts": meter.attempts.read(),
        "tokens": meter.tokens.read(),
        "cost": [(labels, micros / MICROS) for labels, micros in meter.cost_micros.read()],
        "fallbacks": meter.fallbacks.read(),
        "routing.decisions": meter.decisions.read(),
    }


def _learning(learner: Learner) -> Reading:
    state, written = learner.knowledge.state, learner.written()
    numbers: dict[str, Series] = {
        "learned.observations": (((), state.experience.observations),),
        "learned.quality": (((), float(state.experience.neutral)),),
        "thresholds.version": (((), state.thresholds.version),),
    }
    if written is not None:
        numbers["decisions.recorded"] = (((), written.recorded),)
        numbers["decisions.dropped"] = (((), written.dropped),)
        numbers["decisions.waiting"] = (((), written.waiting),)
        numbers["store.write_errors"] = (((), written.write_errors),)
    return numbers


def _by_name(numbers: Mapping[str, float]) -> Series:
    return [((name,), float(number)) for name, number in numbers.items()]

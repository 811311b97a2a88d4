"""Answers what every dashboard asks: how the gateway did over a window, and how it stands now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from typing import Protocol

from gateway.core.faults import invalid
from gateway.core.overview import (
    LONGEST_WINDOW_S,
    MINUTE_S,
    SHORTEST_WINDOW_S,
    ArmRow,
    EndpointRow,
    ExperimentRow,
    GuardRow,
    Overview,
)
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.ensemble.feedback.teacher import Teacher
from gateway.ensemble.overview.rows import Counted, counted, layer_rows
from gateway.ensemble.overview.targets import OverviewBars, targets_of
from gateway.state.minute import EndpointTotals
from gateway.state.minutes import Minutes
from gateway.state.reading import EndpointReading

NOTHING = (EndpointTotals(), (None, None, None))


class Fleet(Protocol):
    """The endpoints as they stand now."""

    drained: frozenset[str]

    @property
    def endpoints(self) -> Mapping[str, object]:
        """Those that may be called, by name."""
        ...

    def reading(self, name: str) -> EndpointReading:
        """Tell how an endpoint does now."""
        ...


@value
class OverviewSettings:
    """What numbers are held against; `accuracy` is the share of right decisions by layer."""

    bars: OverviewBars
    accuracy: Mapping[str, float]


class OverviewDesk:
    """Composes overviews. It belongs to one event loop; `clock` and `wall` tell seconds.

    `guards` copies what guards requests, `layers` names the layers that may be asked.
    """

    def __init__(
        self,
        minutes: Minutes,
        fleet: Fleet,
        teacher: Teacher,
        settings: OverviewSettings,
        *,
        guards: Callable[[], tuple[GuardRow, ...]],
        layers: Callable[[], Iterable[str]],
        clock: Clock,
        wall: Clock,
    ) -> None:
        self._minutes = minutes
        self._fleet = fleet
        self._teacher = teacher
        self._settings = settings
        self._guards = guards
        self._layers = layers
        self._clock = clock
        self._wall = wall
        self._began = clock()

    async def look(self, window_s: float) -> Overview:
        """Look over a window; an OverviewSource. Raises Fault for one that is too short or long."""
        minutes, at = minutes_of(window_s), self._wall()
        # A day takes longer than requests should wait.
        found = await asyncio.to_thread(self._counted, at, minutes)
        p50_s, p95_s, p99_s = found.times
        bars, routing = self._settings.bars, found.routing
        return Overview(
            at=at,
            window_s=window_s,
            uptime_s=self._clock() - self._began,
            requests=found.requests,
            succeeded=found.requests - found.failed,
            failed=found.failed,
            fallback_used=found.fallbacks,
            decisions=routing.decisions,
            cost_micros=found.cost_micros,
            p50_s=p50_s,
            p95_s=p95_s,
            p99_s=p99_s,
            traffic=found.traffic,
            endpoints=tuple(self._endpoint(name, found) for name in self._fleet.endpoints),
            handovers=found.handovers,
            layers=layer_rows(routing, self._layers(), bars, self._settings.accuracy),
            recent=found.recent,
            experiments=self._experiments(),
            targets=targets_of(routing, bars),
            guards=self._guards(),
        )

    def _counted(self, at: float, minutes: int) -> Counted:
        totals, recent = self._minutes.read(at, minutes)
        return counted(totals, recent, int(at // MINUTE_S), minutes)

    def _endpoint(self, name: str, found: Counted) -> EndpointRow:
        sums, (p50_s, p95_s, p99_s) = found.endpoints.get(name, NOTHING)
        counting = sums.answered + sums.failures
        now = self._fleet.reading(name)
        return EndpointRow(
            name=name,
            attempts=sums.attempts,
            failures=sums.failures,
            success_rate=sums.answered / counting if counting else None,
            p50_s=p50_s,
            p95_s=p95_s,
            p99_s=p99_s,
            cost_micros=sums.cost_micros,
            breaker=now.breaker,
            health=now.health,
            in_flight=now.in_flight,
            limit=now.concurrency_limit,
            waiting=now.waiting,
            drained=name in self._fleet.drained,
            ejected=now.ejected,
        )

    def _experiments(self) -> tuple[ExperimentRow, ...]:
        return tuple(
            ExperimentRow(
                one.experiment.name,
                self._teacher.why_stopped(one.experiment.name),
                tuple(
                    ArmRow(name, arm.exposures, arm.labelled, arm.mean_quality)
                    for name, arm in one.arms.items()
                ),
            )
            for one in self._teacher.counts
        )


def minutes_of(window_s: float) -> int:
    """Say how many whole minutes a window of so many seconds has. Raises Fault."""
    if not SHORTEST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
        raise invalid(
            "window",
            f"is {window_s:g} s; give {SHORTEST_WINDOW_S:g} to {LONGEST_WINDOW_S:g} seconds",
        )
    return ceil(window_s / MINUTE_S)

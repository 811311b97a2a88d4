"""A recorder over a store and a log of its own, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.stores import OutcomeStore, StoreError
from gateway.state.intake import Intake
from gateway.stores.jsonl import JsonlLog
from gateway.stores.recorder import Recorder, RecorderReading, RecorderSettings
from tests.fakes.logged import event
from tests.fakes.virtual import VirtualClock, run_virtual

FULL = StoreError("no room", retryable=True)


class Store:
    """Keeps what it is given; `trouble` is raised by the next calls, `gate` holds them up."""

    def __init__(self) -> None:
        self.events: dict[str, RoutingEvent] = {}
        self.batches: list[int] = []
        self.reported: list[OutcomeReport] = []
        self.trouble: list[Exception] = []
        self.gate: asyncio.Event | None = None
        self.prunes: list[tuple[float, int]] = []
        self.prunable = 0
        self.prune_trouble: list[Exception] = []

    async def record(self, events: Sequence[RoutingEvent]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        self.batches.append(len(events))
        self.events |= {one.decision_id: one for one in events}

    async def report(self, report: OutcomeReport) -> Reviewed | None:
        self.reported.append(report)
        event = self.events.get(report.decision_id)
        return None if event is None else Reviewed(event, {event.chosen: report})

    async def prune(self, before: float, keep: int) -> int:
        self.prunes.append((before, keep))
        if self.prune_trouble:
            raise self.prune_trouble.pop(0)
        removed = min(self.prunable, 200)
        self.prunable -= removed
        return removed


class Log:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.reports: list[OutcomeReport] = []
        self.write_errors = 3
        self.lost = 4

    async def append(
        self, events: Sequence[RoutingEvent], reports: Sequence[OutcomeReport] = ()
    ) -> None:
        self.events += [one.decision_id for one in events]
        self.reports += reports


class Rig:
    """A recorder with its parts; `numbers` of events are decision ids."""

    def __init__(self, *, limit: int = 1000, **settings: float) -> None:
        self.clock = VirtualClock()
        self.store = Store()
        self.log = Log()
        self.settings = RecorderSettings(**cast("dict[str, Any]", settings))
        self.limit = limit

    def run(self, main: Callable[[Recorder], Awaitable[None]]) -> RecorderReading:
        async def all_of_it() -> RecorderReading:
            self.recorder = recorder = Recorder(
                cast("OutcomeStore", self.store),
                Intake(self.limit),
                cast("JsonlLog", self.log),
                self.settings,
                lambda: 1e9 + self.clock.now,
            )
            recorder.start()
            await main(recorder)
            await recorder.close()
            return recorder.read()

        return run_virtual(self.clock, all_of_it())


def record(recorder: Recorder, *numbers: int) -> None:
    for number in numbers:
        recorder.record(event(decision_id=str(number)))


async def settled() -> None:
    """Let everything run that can run without time."""
    for _ in range(20):
        await asyncio.sleep(0)

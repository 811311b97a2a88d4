"""Takes decisions from the path of requests and writes them down in a task of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from typing import Protocol

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.stores import OutcomeStore, StoreError
from gateway.core.value import value
from gateway.state.intake import Intake
from gateway.stores.complaints import Complaints
from gateway.stores.jsonl import JsonlLog

log = logging.getLogger(__name__)

MAX_REPORTS_WAITING = 10_000
"""Reports that may wait for the event log; the store has them already."""


MAX_PRUNES = 10
"""Calls of the store's `prune` between two writes."""


@value
class RecorderSettings:
    """How decisions are written and how long they are kept; times are in seconds.

    Those of `every_s` are written together, `batch` at a time: each takes some 50 us of Python, for
    which the event loop may have to wait. After a failure the next try comes `retry_s` later.
    `flush_s` bounds the wait of a flush, `close_s` that of closing. The newest `max_events` are
    kept, unless older than `max_age_s`; that is looked after every `prune_every_s` and when a
    hundredth of them is new. Raises ValueError for what cannot be.
    """

    batch: int = 32
    every_s: float = 0.2
    retry_s: float = 1.0
    flush_s: float = 2.0
    close_s: float = 5.0
    max_events: int = 100_000
    max_age_s: float = 90 * 86_400.0
    prune_every_s: float = 60.0

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise ValueError(f"{one.name} must be more than 0")


@value
class RecorderReading:
    """Counters since the start.

    `recorded` decisions are in the store, `waiting` ones not yet, `dropped` ones never will be:
    there was no room, or the store could not take them. `write_errors` counts failed writes of the
    store; `log_errors` and `log_lost` are the event log's failed appends and missing lines.
    """

    recorded: int
    waiting: int
    dropped: int
    write_errors: int
    log_errors: int
    log_lost: int


class Watch(Protocol):
    """Is told of everything that is recorded, off the path of requests; it must not raise."""

    def decided(self, events: Sequence[RoutingEvent]) -> None:
        """Take note of decisions, of each once, whether or not they can be written."""
        ...

    def reviewed(self, row: Reviewed) -> None:
        """Take note of a decision with all that is known of it since a report came."""
        ...


class Recorder:
    """Writes decisions behind the requests. It owns a task; the store and the log stay others'.

    Begin with `start`, end with `close`, inside one event loop; `record` may be called by any
    thread. `now` tells unix seconds. `watch` is told what is recorded.
    """

    def __init__(
        self,
        store: OutcomeStore,
        intake: Intake[RoutingEvent],
        event_log: JsonlLog | None = None,
        settings: RecorderSettings | None = None,
        now: Callable[[], float] = time.time,
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._watch = watch
        self._intake = intake
        self._log = event_log
        self._settings = settings or RecorderSettings()
        self._now = now
        self._complaints = Complaints(log, "decisions could not be written", now)
        self._reports: Intake[OutcomeReport] = Intake(MAX_REPORTS_WAITING)
        # Taken from the intake and not yet in the store.
        self._held: list[RoutingEvent] = []
        self._wanted = asyncio.Event()
        self._hurry = asyncio.Event()
        # Set, and replaced, whenever some of what waited is settled: in the store, or lost.
        self._progress = asyncio.Event()
        self._settled = intake.taken - len(intake)
        self._task: asyncio.Task[None] | None = None
        self._recorded = self._lost = self._write_errors = 0
        self._new = 0
        self._prune_at = -float("inf")

    def start(self) -> None:
        """Begin to write. Raises RuntimeError when it was begun before."""
        if self._task is not None:
            raise RuntimeError("decisions are being recorded already")
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run())
        self._intake.signal = lambda: loop.call_soon_threadsafe(self._wanted.set)
        self._wanted.set()

    def record(self, event: RoutingEvent) -> None:
        """Have a decision written; it is dropped, and counted, when too many wait."""
        self._intake.offer(event)

    async def report(self, report: OutcomeReport) -> Reviewed | None:
        """Write down what was reported; return the decision it is about, None when none is known.

        A decision that waits to be written is known. Raises what the store's `report` raises, and
        StoreError while it cannot be told whether the decision is known.
        """
        # Asked first: what waits now may be in the store before its answer is here.
        waiting = self._waiting
        row = await self._store.report(report)
        if row is None and waiting:
            if not await self.flush():
                message = "the decision may not have been written yet: report it again"
                raise StoreError(message, retryable=True)
            row = await self._store.report(report)
        if row is not None and self._watch is not None:
            self._watch.reviewed(row)
        if row is not None and self._log is not None:
            self._reports.offer(replace(report, endpoint=report.endpoint or row.event.chosen))
            self._wanted.set()
        return row

    async def flush(self) -> bool:
        """Have all decisions written that were recorded before, within `flush_s`; say whether."""
        return await self._flush(self._settings.flush_s)

    def read(self) -> RecorderReading:
        """Copy the counters."""
        return RecorderReading(
            self._recorded,
            self._waiting,
            self._intake.dropped + self._lost,
            self._write_errors,
            0 if self._log is None else self._log.write_errors,
            self._reports.dropped + (0 if self._log is None else self._log.lost),
        )

    async def close(self) -> None:
        """Write what waits, trying for `close_s`, and end the task; what is left is dropped."""
        task = self._task
        if task is None:
            return
        await self._flush(self._settings.close_s)
        self._task = self._intake.signal = None
        task.cancel()
        await asyncio.wait((task,))
        await self._log_reports()
        left = self._held + self._intake.take(len(self._intake))
        self._held = []
        self._lost += len(left)
        self._settle(len(left))

    @property
    def _waiting(self) -> int:
        return self._intake.taken - self._settled

    def _settle(self, number: int) -> None:
        """Note that the oldest ones that waited do not wait any longer."""
        self._settled += number
        self._progress.set()
        self._progress = asyncio.Event()

    async def _flush(self, within_s: float) -> bool:
        # Decisions are written in the order of their coming.
        last = self._intake.taken
        if self._settled < last:
            self._wanted.set()
            self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._settled < last:
                    await self._progress.wait()
        return self._settled >= last

    async def _run(self) -> None:
        while True:
            await self._pause()
            await self._log_reports()
            await self._write()
            await self._prune()

    async def _pause(self) -> None:
        """Wait until there is something to do, then a little for more of it."""
        settings = self._settings
        if not self._waiting:
            idle_s = self._prune_at - asyncio.get_running_loop().time()
            await _set_within(self._wanted, idle_s)
        await _set_within(self._hurry, settings.retry_s if self._held else settings.every_s)
        self._wanted.clear()
        self._hurry.clear()

    async def _write(self) -> None:
        """Write what waits now, up to where the store has to be asked again later."""
        last = self._intake.taken
        while self._settled < last:
            if not self._held:
                self._held = self._intake.take(self._settings.batch)
                if self._watch is not None:
                    self._watch.decided(self._held)
                if self._log is not None:
                    await self._log.append(self._held)
            number = len(self._held)
            try:
                await self._store.record(self._held)
            except Exception as error:  # noqa: BLE001 - a bug of a store must not end this task
                self._failed(error)
                if isinstance(error, StoreError) and error.retryable:
                    return
                self._lost += number
            else:
                self._recorded += number
                self._new += number
            self._held = []
            self._settle(number)

    async def _log_reports(self) -> None:
        if self._log is not None:
            await self._log.append((), self._reports.take(MAX_REPORTS_WAITING))

    async def _prune(self) -> None:
        """Remove what is too old or too much when it is time, and no more than keeps it short."""
        settings = self._settings
        now = asyncio.get_running_loop().time()
        if now < self._prune_at and self._new < max(1, settings.max_events // 100):
            return
        before = self._now() - settings.max_age_s
        try:
            for _ in range(MAX_PRUNES):
                if not await self._store.prune(before, settings.max_events):
                    break
            else:
                return
        except Exception as error:  # noqa: BLE001 - as in `_write`
            self._failed(error)
        self._prune_at, self._new = now + settings.prune_every_s, 0

    def _failed(self, error: Exception) -> None:
        self._write_errors += 1
        self._complaints.add(error)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            await event.wait()

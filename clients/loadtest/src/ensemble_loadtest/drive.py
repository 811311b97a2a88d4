"""Sends what the schedule says when it says so, and counts what comes back: one process's part."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from itertools import count

from ensemble_loadtest.alarm import Alarm
from ensemble_loadtest.flights import Flight, Target
from ensemble_loadtest.plan import Arrivals, Load, Plan
from ensemble_loadtest.schedule import at_random, evenly, offsets, share
from ensemble_loadtest.tally import Tally

GRACE_S = 1.0
_clock = time.monotonic


def arrivals_of(load: Load) -> Iterator[float]:
    """Return the whole schedule of an open loop."""
    if load.trace:
        return iter(load.trace)
    even = random.Random(load.seed)  # noqa: S311 - reproducible, not secret
    units = evenly() if load.arrivals is Arrivals.CONSTANT else at_random(even)
    return offsets(load.segments, units)


class Drive:
    """One process's share of a run; `run` returns when all of it has come to an end."""

    def __init__(self, plan: Plan, worker: int) -> None:
        self.tally = Tally(cell_s=plan.cell_s)
        self.in_flight = 0
        self._plan = plan
        self._load = plan.load
        self._worker = worker
        self._target: Target | None = None
        self._start_s = 0.0
        self._numbers = count(worker, plan.processes)
        self._next: tuple[int, float] | None = None
        self._arrivals = share(arrivals_of(plan.load), worker, plan.processes)
        self._alarm: Alarm | None = None
        self._over = asyncio.Event()
        self._exhausted = False
        self._most = max(1, plan.load.max_in_flight // plan.processes)

    async def run(self, target: Target, start_s: float) -> None:
        """Begin at a moment of the monotonic clock; the target is connected."""
        self._target = target
        self._start_s = start_s
        closed = self._load.workers > 0
        self._alarm = Alarm(self._begin_closed if closed else self._send_due)
        self._next = None if closed else next(self._arrivals, None)
        self._alarm.at(start_s + (0.0 if self._next is None else self._next[1]))
        try:
            await asyncio.wait_for(self._over.wait(), self._longest_s(start_s))
        except TimeoutError:
            self.tally.abandoned += self.in_flight
        finally:
            self._alarm.close()
            self._exhausted = True

    def _longest_s(self, start_s: float) -> float:
        plan = self._plan
        return start_s - _clock() + plan.load.seconds + plan.timeout_s + GRACE_S

    def stop(self) -> None:
        """Send nothing more; what has not come back after a moment never counts."""
        self._exhaust()
        asyncio.get_running_loop().call_later(GRACE_S, self._abandon)

    def piece(self, flight: Flight, now_s: float) -> None:
        """Note a piece of a stream."""
        flight.pieces += 1
        if flight.last_s and flight.intended_s - self._start_s >= self._plan.warmup_s:
            self.tally.gap.add(now_s - flight.last_s)
        elif not flight.first_s:
            flight.first_s = now_s
        flight.last_s = now_s

    def done(self, flight: Flight, reason: str, now_s: float) -> None:
        """Count the end of a request; in a closed loop its worker sends the next one."""
        if self._over.is_set():
            return
        self.in_flight -= 1
        offset_s = flight.intended_s - self._start_s
        if offset_s >= self._plan.warmup_s:
            self._count(flight, reason, offset_s, now_s)
        if self._load.workers and not self._exhausted:
            if reason:
                # A target that refuses at once must not keep the loop to itself.
                asyncio.get_running_loop().call_soon(self._send_again)
            else:
                self._send_next()
        elif self._exhausted and not self.in_flight:
            self._over.set()

    def _count(self, flight: Flight, reason: str, offset_s: float, now_s: float) -> None:
        tally = self.tally
        tally.finished_s = max(tally.finished_s, now_s - self._start_s)
        if reason:
            tally.refused(flight, reason, offset_s, now_s)
        else:
            tally.answered(flight, offset_s, now_s, self._plan.slo)

    def _begin_closed(self) -> None:
        mine = len(range(self._worker, self._load.workers, self._plan.processes))
        for _ in range(mine):
            self._send_next()
        self._flush()

    def _send_again(self) -> None:
        self._send_next()
        self._flush()

    def _send_next(self) -> None:
        """Send a worker's next request, unless the time or the number of them is used up."""
        now_s = _clock()
        number = next(self._numbers)
        if now_s - self._start_s >= self._load.seconds or self._beyond(number):
            self._exhaust()
            return
        self._send(number, now_s)

    def _send_due(self) -> None:
        """Send every request whose time has come, then sleep until the next one's."""
        now_s = _clock()
        while self._next is not None and not self._exhausted:
            number, offset_s = self._next
            if offset_s >= self._load.seconds + 1e-9 or self._beyond(number):
                break
            due_s = self._start_s + offset_s
            if due_s > now_s:
                self._flush()
                if self._alarm is not None:
                    self._alarm.at(due_s)
                return
            self._next = next(self._arrivals, None)
            self._send(number, due_s)
        self._flush()
        self._exhaust()

    def _send(self, number: int, intended_s: float) -> None:
        offset_s = intended_s - self._start_s
        counted = offset_s >= self._plan.warmup_s
        cell = self.tally.cell(offset_s) if counted else None
        if self.in_flight >= self._most:
            if cell is not None:
                cell.dropped += 1
                self.tally.dropped += 1
            return
        if cell is not None:
            cell.sent += 1
            self.tally.sent += 1
            if not self._load.workers:
                self.tally.lag.add(_clock() - intended_s)
        self.in_flight += 1
        if self._target is not None:
            self._target.send(Flight(number, intended_s))

    def _beyond(self, number: int) -> bool:
        return bool(self._load.max_requests) and number >= self._load.max_requests

    def _flush(self) -> None:
        if self._target is not None:
            self._target.flush()

    def _exhaust(self) -> None:
        self._exhausted = True
        if not self.in_flight:
            self._over.set()

    def _abandon(self) -> None:
        if not self._over.is_set():
            self.tally.abandoned += self.in_flight
            self._over.set()

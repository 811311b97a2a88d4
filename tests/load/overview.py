"""`python -m tests.load.overview`: milliseconds of what a dashboard shows, and of rebuilding it.

The store has had so many decisions, each with an outcome, spread over the window, and as many
requests were counted; an overview is then asked for as the RPC and the page do (D-03). The bar is
for the warm aggregate, for every number of decisions, and its cost must not grow with them. The
cold rebuild from the file happens beside the requests, and is reported without a bar.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gateway.config.dashboard import TargetsConfig
from gateway.config.tuner import AccuracyTargets
from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.faults import Reason
from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.ensemble.choosing.setup import Knowledge
from gateway.ensemble.feedback.teacher import Teacher, TeachingSettings
from gateway.ensemble.feedback.watching import LAYERS, RoutingWatch
from gateway.ensemble.overview.desk import OverviewDesk, OverviewSettings
from gateway.state.minutes import Minutes
from gateway.state.reading import EndpointReading
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.load.recording import NAMES, decision, say

BAR_MS = 100.0
GROWTH = 2.0
"""A hundred times the decisions may cost so much more: sums of a minute fill, then no more."""

SIZES = (1_000, 10_000, 100_000)
WINDOWS_S = (3600.0, 86_400.0)
BATCH = 500


class Standing:
    """Endpoints of which each stands as it began."""

    drained: frozenset[str] = frozenset()
    endpoints = dict.fromkeys(NAMES)

    @staticmethod
    def reading(name: str) -> EndpointReading:
        """Tell how an endpoint does now."""
        del name
        return EndpointReading(breaker="closed")


def decisions(number: int, window_s: float, now: float) -> list[RoutingEvent]:
    """Make so many decisions, spread over the window before `now`, oldest first."""
    template = replace(decision(), features=None)
    return [
        replace(template, decision_id=f"d{each}", at=now - window_s * (number - each) / number)
        for each in range(number)
    ]


async def store_of(path: Path, events: list[RoutingEvent]) -> SqliteStore:
    """Write decisions into a file, each with an outcome."""
    store = await SqliteStore.open(SqliteSettings(str(path)))
    for first in range(0, len(events), BATCH):
        batch = events[first : first + BATCH]
        await store.record(batch)
        for one in batch:
            await store.report(OutcomeReport(one.decision_id, at=one.at, accepted=True))
    return store


def requested(minutes: Minutes, number: int, clock: list[float], window_s: float) -> None:
    """Count so many requests, of which each was handed over once, spread over the window."""
    now = clock[0]
    failed = AttemptStatus.FAILED
    for each in range(number):
        clock[0] = now - window_s * (number - each) / number
        first, second = NAMES[each % len(NAMES)], NAMES[(each + 1) % len(NAMES)]
        elapsed_s = 0.001 * (1 + each % 5000)
        attempts = (
            Attempt(first, 1, failed, Reason.UPSTREAM_TIMEOUT, elapsed_s=elapsed_s),
            Attempt(second, 1, AttemptStatus.OK, elapsed_s=elapsed_s, cost_micros=10),
        )
        moved = ((first, second, Reason.UPSTREAM_TIMEOUT),)
        minutes.ended(elapsed_s, attempts, moved, fell_back=True)
    clock[0] = now


async def looked(number: int, window_s: float, rounds: int, folder: Path) -> tuple[float, float]:
    """Return the milliseconds of a look at so many decisions, and the seconds of rebuilding."""
    clock = [float(round(time.time()))]
    minutes = Minutes(NAMES, LAYERS, lambda: clock[0])
    events = decisions(number, window_s - 60.0, clock[0])
    store = await store_of(folder / f"{number}-{window_s:g}.db", events)
    began = time.perf_counter()
    rebuilt = await RoutingWatch(minutes).rebuild(store, clock[0])
    rebuild_s = time.perf_counter() - began
    await store.close()
    if rebuilt != number:
        raise RuntimeError(f"{rebuilt} of {number} decisions were rebuilt")
    requested(minutes, number, clock, window_s - 60.0)
    desk = OverviewDesk(
        minutes,
        Standing(),
        Teacher(Knowledge(), TeachingSettings(), lambda: NAMES),
        OverviewSettings(TargetsConfig().bars(), AccuracyTargets().model_dump()),
        guards=tuple,
        layers=tuple,
        clock=time.monotonic,
        wall=lambda: clock[0],
    )
    costs: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = await desk.look(window_s)
        costs.append((time.perf_counter() - began) * 1000)
        if (found.requests, found.decisions) != (number, number):
            raise RuntimeError(f"not everything was counted: {found.requests}, {found.decisions}")
    return statistics.median(costs), rebuild_s


async def table(rounds: int, folder: Path) -> int:
    """Print the table; return how many bars were missed."""
    say(f"{'an overview, ms':<24}{'decisions':>12}{'median':>10}{'bar':>8}{'rebuilt in s':>16}")
    missed = 0
    for window_s in WINDOWS_S:
        found = [(size, *await looked(size, window_s, rounds, folder)) for size in SIZES]
        least = found[0][1]
        for size, median_ms, rebuild_s in found:
            bad = median_ms > BAR_MS
            missed += bad
            words = "MISSED" if bad else "ok"
            say(
                f"{f'window of {window_s / 3600:g} h':<24}{size:>12,}{median_ms:>10.2f}"
                f"{BAR_MS:>8.0f}{rebuild_s:>16.2f}   {words}"
            )
        growth = found[-1][1] / least
        missed += growth > GROWTH
        say(f"{'100 times as many':<36}{growth:>9.2f}x{GROWTH:>7.0f}x"
            f"{'':16}   {'ok' if growth <= GROWTH else 'MISSED'}")  # fmt: skip
    return missed


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    with tempfile.TemporaryDirectory() as folder:
        return min(asyncio.run(table(parser.parse_args().rounds, Path(folder))), 1)


if __name__ == "__main__":
    sys.exit(main())

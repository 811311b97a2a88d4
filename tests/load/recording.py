"""`python -m tests.load.recording`: microseconds that a decision costs to be recorded (O-08).

On the path of a request: making its id and handing it over. In all: also writing it to a store on
this disk and to the event log, with its features, and what the caller reports of it later. Each
number is a median over rounds; nobody else should use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import uvloop

from gateway.core.features import BUCKETS, Features
from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.ids import RANDOM_BITS, decision_id
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.state.intake import Intake
from gateway.stores.jsonl import JsonlLog
from gateway.stores.recorder import Recorder, RecorderSettings
from gateway.stores.segments import SegmentSettings
from gateway.stores.sqlite import SqliteSettings, SqliteStore

PATH_BAR_US = 1000.0
IN_ALL_BAR_US = 5000.0
EVENTS = 2_000
WORDS = 400
NAMES = tuple(f"endpoint-{number}" for number in range(10))


def say(line: str) -> None:
    """Print a line of the table."""
    print(line)  # noqa: T201 - a suite prints its table


def decision() -> RoutingEvent:
    """Make a decision among ten endpoints for which every layer ran."""
    even = np.random.default_rng(7)
    buckets = np.sort(even.choice(BUCKETS, WORDS, replace=False)).astype(np.int32)
    layers = tuple(
        LayerRecord(layer, LayerStatus.DECLINED, 0.712345, 0.85, NAMES[0], "", "too low", 0.000123)
        for layer in (LayerName.KEYWORD, LayerName.SIMILARITY, LayerName.KNN, LayerName.HEAD)
    )
    return RoutingEvent(
        decision_id="",
        at=0.0,
        request_id="request",
        task="code_completion",
        rule="default",
        objective="balanced",
        chosen=NAMES[0],
        chain=NAMES[:3],
        decided_by="head",
        confidence=0.91,
        layers=layers,
        propensities=tuple((name, 0.1) for name in NAMES),
        estimates=tuple((name, 0.612345) for name in NAMES),
        costs=tuple((name, 12345) for name in NAMES),
        features=Features(buckets, np.ones(WORDS, np.float32), 2000, "code_completion", "python"),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of one decision: handed over, its slowest in a hundred, and in all."""

    path: float
    path_p99: float
    in_all: float


async def measured(recorder: Recorder, template: RoutingEvent) -> Cost:
    """Record decisions one by one, then have them written and reported about."""
    draw = random.Random(1)
    path_ns: list[int] = []
    began = time.perf_counter_ns()
    ids: list[str] = []
    for _ in range(EVENTS):
        start = time.perf_counter_ns()
        now = time.time()
        made = decision_id(int(now * 1000), draw.getrandbits(RANDOM_BITS))
        recorder.record(dataclasses.replace(template, decision_id=made, at=now))
        path_ns.append(time.perf_counter_ns() - start)
        ids.append(made)
    if not await recorder.flush():
        raise RuntimeError("the decisions were not written in time")
    for made in ids:
        if await recorder.report(OutcomeReport(made, accepted=True)) is None:
            raise RuntimeError("a decision was lost")
    in_all = (time.perf_counter_ns() - began) / EVENTS
    return Cost(
        statistics.median(path_ns) / 1000,
        statistics.quantiles(path_ns, n=100)[98] / 1000,
        in_all / 1000,
    )


async def rounds(number: int, folder: Path) -> Cost:
    """Return the medians over rounds."""
    store = await SqliteStore.open(SqliteSettings(str(folder / "store.db")))
    log = JsonlLog(SegmentSettings(str(folder / "log")))
    recorder = Recorder(store, Intake(EVENTS), log, RecorderSettings(flush_s=30.0))
    recorder.start()
    template = decision()
    costs = [await measured(recorder, template) for _ in range(number)]
    await recorder.close()
    await log.close()
    await store.close()
    reading = recorder.read()
    if reading.recorded != number * EVENTS or reading.log_lost:
        raise RuntimeError(f"not everything was recorded: {reading}")
    return Cost(
        *(
            statistics.median(getattr(cost, one.name) for cost in costs)
            for one in dataclasses.fields(Cost)
        )
    )


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        cost = runner.run(rounds(parser.parse_args().rounds, Path(folder)))
    say(f"{'microseconds of a decision':<36}{'median':>9}{'bar':>8}")
    missed = False
    for words, took, bar in (
        ("on the path of the request", cost.path, PATH_BAR_US),
        ("on the path, slowest in a hundred", cost.path_p99, PATH_BAR_US),
        ("written, logged and reported about", cost.in_all, IN_ALL_BAR_US),
    ):
        missed = missed or took >= bar
        say(f"{words:<36}{took:>9.1f}{bar:>8.0f}{'' if took < bar else '  MISSED'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

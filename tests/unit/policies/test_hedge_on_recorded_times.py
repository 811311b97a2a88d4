"""What hedging gains on the measured times of a real model, in virtual time.

The times are those of gpt-3.5-turbo on HumanEval, ten runs of each task. A hedge takes the time of
another run of the same task, so that a task which is slow for its length stays slow.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.core.candidate import Completion
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation
from gateway.policies.hedge import HedgeSettings, hedge
from gateway.policies.observe import observe
from gateway.state.hedging import HedgeBudget, HedgeBudgetSettings
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.values import make_invocation
from tests.fakes.virtual import VirtualClock, run_virtual

DATA = Path(os.environ.get("ENSEMBLE_DATA", "../shared/data")) / "code"
RUNS = DATA / "humaneval_runs_3models_x10.jsonl.gz"
MODEL = "gpt-3.5-turbo"
FASTER = 100
IN_FLIGHT = 8

pytestmark = pytest.mark.skipif(not RUNS.exists(), reason="the recorded data is not here")


def recorded() -> list[dict[str, Any]]:
    with gzip.open(RUNS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["model"] == MODEL]


def percentile(times: Sequence[float], percent: int) -> float:
    return sorted(times)[-(-len(times) * percent // 100) - 1]


class LastSuccesses:
    """The live 95th percentile of the last 256 calls that were answered."""

    def __init__(self) -> None:
        self.calls = 0
        self.times: deque[float] = deque(maxlen=256)

    def started(self, endpoint: str) -> None:
        self.calls += 1

    def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
        if outcome is Outcome.SUCCESS:
            self.times.append(elapsed_s)

    def delay(self, endpoint: str, *, streamed: bool) -> float | None:
        return percentile(self.times, 95) if len(self.times) >= 20 else None


@pytest.mark.parametrize("order", ["as recorded", "shuffled"])
def test_the_99th_percentile_halves_for_six_percent_more_calls(order: str) -> None:
    rows = sorted(recorded(), key=lambda row: (row["start"], row["task_id"], row["run"]))
    if order == "shuffled":
        random.Random(7).shuffle(rows)
    seconds = {(row["task_id"], row["run"]): row["latency_s"] / FASTER for row in rows}
    clock, last = VirtualClock(), LastSuccesses()
    budget = HedgeBudget(HedgeBudgetSettings())
    hedged: list[float] = []

    async def call(invocation: Invocation) -> Completion:
        row = rows[invocation.task.candidate]
        # Runs are numbered from 1 to 10, and a hedge is the run after the first call's.
        run = (row["run"] - 1 + invocation.try_number - 1) % 10 + 1
        await asyncio.sleep(seconds[row["task_id"], run])
        return Completion("")

    policy = hedge(HedgeSettings(), last, budget, Throttle(ThrottleSettings()), clock)
    stack = policy(observe(last, clock)(call))
    gap_s = sum(seconds.values()) / len(seconds) / IN_FLIGHT

    async def ask(place: int) -> None:
        await asyncio.sleep(place * gap_s)
        invocation = make_invocation()
        invocation.task = replace(invocation.task, candidate=place)
        began = clock.now
        await stack(invocation)
        hedged.append(clock.now - began)

    async def main() -> None:
        await asyncio.gather(*map(ask, range(len(rows))))

    run_virtual(clock, main())
    assert percentile(hedged, 99) <= 0.5 * percentile(list(seconds.values()), 99)
    assert len(rows) < last.calls <= len(rows) + budget.hedges <= 1.06 * len(rows)

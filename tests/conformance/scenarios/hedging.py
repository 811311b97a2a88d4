"""Hedges on recorded answer times of a real model: what they gain and what they cost."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path

from tests.conformance.calls import Got
from tests.conformance.rig import Rig, Scenario, asks, endpoint
from tests.conformance.rows import CANCEL_BAR_MS, Row, calls_by_name, quantile
from tests.conformance.servers.book import Call
from tests.conformance.servers.rules import Rule, Script

DATA = Path(os.environ.get("ENSEMBLE_DATA", "../shared/data")) / "code"
RUNS = "humaneval_runs_3models_x10.jsonl.gz"
MODEL = "gpt-3.5-turbo"
ASKED_FOR = "llm-d-router #646, praxis #111: hedging with a budget is asked for, nobody has it"
SPEED = 100.0
WARM_UP = 200
ROUNDS = 2
AT_ONCE = 16
GAIN_BAR = 0.5
EXTRA_BAR = 0.06


def recorded() -> list[float]:
    """Return the recorded seconds of one model, a hundred times faster; empty without data."""
    path = DATA / RUNS
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        return [float(row["latency_s"]) / SPEED for row in rows if row["model"] == MODEL]


async def hedged(rig: Rig, row: Row) -> None:
    """Replay the recorded times over two replicas; the slowest 5% get a second call."""
    seconds = recorded()
    if not seconds:
        row.skipped = f"no recorded data in {DATA} (set ENSEMBLE_DATA)"
        return
    for seed, door in enumerate(("primary", "fallback")):
        shuffled = random.Random(seed).sample(seconds, len(seconds))
        await rig.models.tell(door, script=Script((Rule(),), delays_s=tuple(shuffled)))
    row.take(await rig.ask(asks("warm-up", WARM_UP), AT_ONCE))
    before = len(await rig.models.settled())
    gots = await rig.ask(asks("hedged", ROUNDS * len(seconds)), AT_ONCE)
    row.take(gots)
    calls = (await rig.models.settled())[before:]
    _gain(row, gots, seconds)
    extra = len(calls) / len(gots) - 1
    row.note(f"{extra:.1%} extra calls")
    row.at_most("extra calls", extra, EXTRA_BAR, "of the requests")
    row.expect(true=extra > 0, words="nothing was hedged")
    _losers(row, calls)


def _gain(row: Row, gots: list[Got], seconds: list[float]) -> None:
    alone = quantile(seconds, 0.99) * 1000
    hedged_p99 = quantile([1000 * (got.ended - got.sent) for got in gots], 0.99)
    gain = 1 - hedged_p99 / alone
    row.note(f"p99 {hedged_p99:.0f} ms, {MODEL} alone has {alone:.0f} ms: {gain:.0%} less")
    row.expect(true=gain >= GAIN_BAR, words=f"p99 is only {gain:.0%} less")


def _losers(row: Row, calls: list[Call]) -> None:
    """No call outlives the one whose answer was taken."""
    longest = 0.0
    for pair in calls_by_name(calls).values():
        won = [call.ended for call in pair if call.how == "finished"]
        if won:
            still = [call for call in pair if call.how == "open"]
            row.expect(true=not still, words=f"a hedge of {pair[0].name} runs on")
            lost = [call.ended for call in pair if call.how == "left"]
            longest = max(longest, *(1000 * (ended - min(won)) for ended in lost), 0.0)
    row.at_most("a loser ran on after its winner", longest, CANCEL_BAR_MS)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "hedge",
        ASKED_FOR,
        f"recorded times of {MODEL}, 100 times faster, on two replicas",
        "[hedge]\nenabled = true\nbudget = 0.05\n[breaker]\nslow_s = 60.0\n"
        + endpoint("first", door="primary", group="model")
        + endpoint("second", door="fallback", group="model"),
        hedged,
    ),
)

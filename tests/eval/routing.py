"""Routing that learns, judged through the product: real sockets, RecordOutcome, Route, a restart.

For each split of the recorded data a gateway takes decisions about the training rows and their
outcomes, trains and applies a head, is started anew on the same file, and routes the test rows. No
endpoint is called: what each would have answered is recorded.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ensemble.v1.decision_pb2 import OBJECTIVE_ACCURATE, ROUTING_MODE_RULES
from ensemble.v1.gateway_service_pb2 import GenerateRequest
from ensemble_client import AsyncClient

from tests.eval.learner import apgr, bounded, cpt50, lengths
from tests.eval.routed import (
    Mask,
    Recorded,
    Vector,
    domain_splits,
    folds,
    livecodebench,
    mmlu,
    nine,
    task_splits,
)
from tests.eval.table import Row, mean_row
from tests.fakes.processes import start

PART = "routing"
IN_FLIGHT = 24
DOMAIN_SPLITS = 5
GATEWAYS = 2
"""Splits at the same time: each gateway keeps one core busy."""

TIMEOUT_S = 300.0

CONFIG = """
[server]
port = 0

[log]
level = "error"

[learning]
tick_s = 3600

[outcomes]
path = "{store}"
features_per_s = 1000000
"""

ENDPOINT = """
[[endpoint]]
name = "{name}"
url = "127.0.0.1:9"
health = "none"
priority = {priority}
cost_per_1k_tokens = {cost}
"""


@dataclass(frozen=True, slots=True)
class Routed:
    """What Route said of the rows of a test set: predictions and the endpoint chosen, by row."""

    test: Mask
    quality: Vector
    chosen: Sequence[int]

    def scores(self, scores: Vector) -> Vector:
        """Score of the endpoint chosen, by row."""
        return scores[self.test][np.arange(len(self.chosen)), list(self.chosen)]


@asynccontextmanager
async def gateway(config: Path) -> AsyncIterator[AsyncClient]:
    """Start a gateway; yield a client of it."""
    async with start("serve", "--config", str(config)) as running:
        client = AsyncClient(f"127.0.0.1:{running.port}", timeout=TIMEOUT_S)
        async with client:
            yield client


def request_of(data: Recorded, row: int, **steering: Any) -> GenerateRequest:
    """Ask about a row, with the kind of task where the data names it."""
    task = data.features[row].task
    labels = {"task": task} if task else {}
    return GenerateRequest(prompt=data.prompts[row], labels=labels, **steering)


async def routed_all(data: Recorded, tests: Sequence[Mask]) -> list[Routed]:
    """Do every split, some at the same time; return them in order."""
    gate = asyncio.Semaphore(GATEWAYS)

    async def one(test: Mask) -> Routed:
        async with gate:
            return await routed(data, test)

    return list(await asyncio.gather(*map(one, tests)))


async def routed(data: Recorded, test: Mask) -> Routed:
    """Teach a gateway all but the test set, and have it route that."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "gateway.toml"
        # Dearer by name: what a model costs is no part of these rows.
        endpoints = "".join(
            ENDPOINT.format(name=name, priority=place, cost=1.0)
            for place, name in enumerate(data.endpoints)
        )
        config.write_text(CONFIG.format(store=f"{folder}/outcomes.db") + endpoints, "utf-8")
        async with gateway(config) as client:
            await in_parallel(
                [_taught(client, data, row) for row in np.flatnonzero(~test).tolist()]
            )
            proposed = await client.propose_thresholds(train_head=True)
            await client.apply_thresholds(proposed.set.version)
        async with gateway(config) as client:
            rows = np.flatnonzero(test).tolist()
            asked = [request_of(data, row, objective=OBJECTIVE_ACCURATE) for row in rows]
            answers = await in_parallel([client.route(one) for one in asked])
    places = {name: place for place, name in enumerate(data.endpoints)}
    quality = np.zeros((len(answers), len(places)))
    for line, answer in enumerate(answers):
        for score in answer.decision.learned.scores:
            quality[line, places[score.endpoint]] = score.quality
    return Routed(test, quality, [places[answer.decision.primary] for answer in answers])


async def _taught(client: AsyncClient, data: Recorded, row: int) -> None:
    decided = await client.route(request_of(data, row, routing_mode=ROUTING_MODE_RULES))
    for name, score in zip(data.endpoints, data.scores[row].tolist(), strict=True):
        await client.record_outcome(decided.decision_id, endpoint=name, quality=score)


async def in_parallel(work: list) -> list:
    """Do all of it, so many at a time, and return what came of it in order."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(coroutine):
        async with gate:
            return await coroutine

    return list(await asyncio.gather(*map(one, work)))


async def pair_rows() -> list[Row]:
    """The gain of a strong over a weak model, within its domains and outside of them."""
    data = mmlu()
    gains = np.zeros(len(data.scores))
    for found in await routed_all(data, folds(data)):
        gains[found.test] = found.quality[:, 0] - found.quality[:, 1]
    length = lengths(data)
    apart = []
    for found in await routed_all(data, domain_splits(data)[:DOMAIN_SPLITS]):
        gain = found.quality[:, 0] - found.quality[:, 1]
        apart.append((gain, length[found.test], data.scores[found.test]))
    ranks = [(gains, data.scores)]
    note = f"mean of {len(apart)} splits"
    return [
        _named(bounded("MMLU pair: APGR", ranks, apgr, least=0.65, note="by trapezoids, all k")),
        _named(bounded("MMLU pair: CPT50", ranks, cpt50, most=0.30)),
        _named(bounded("MMLU pair: APGR of length alone", [(length, data.scores)], apgr)),
        _named(
            bounded("11 domains left out: APGR", [(g, s) for g, _, s in apart], apgr, note=note)
        ),
        _named(
            bounded(
                "11 domains left out: APGR minus that of length",
                apart,
                lambda gain, size, scores: apgr(gain, scores) - apgr(size, scores),
                least=-0.01,
                note=note,
            )
        ),
    ]


async def nine_rows(*, named: bool) -> list[Row]:
    """The choice among nine models."""
    data = nine(named=named)
    found = await routed_all(data, folds(data))
    chosen = np.concatenate([one.scores(data.scores) for one in found])
    singles = np.concatenate([_single(data, one.test) for one in found])
    return [
        mean_row(
            PART,
            f"nine models, task {'named' if named else 'not named'}",
            chosen.tolist(),
            least=0.64 if named else 0.625,
            note=f"best single {singles.mean():.3f}",
        )
    ]


async def apart_rows() -> list[Row]:
    """The loss on a kind of task that was never seen."""
    data = nine(named=True)
    lost: dict[str, Vector] = {}
    for found in await routed_all(data, task_splits(data)):
        task = str(data.groups[found.test][0])
        lost[task] = found.scores(data.scores) - _single(data, found.test)
    worst = min(lost, key=lambda task: float(lost[task].mean()))
    what = "one task left out: worst loss on the best single"
    return [mean_row(PART, what, lost[worst].tolist(), least=-0.01, note=worst)]


async def cheaper_rows() -> list[Row]:
    """Whether it is learned that the cheaper model is the better one."""
    data = livecodebench()
    found = await routed_all(data, folds(data))
    chosen = np.concatenate([one.scores(data.scores) for one in found])
    better = float(data.scores.mean(axis=0).max())
    least = round(better - 0.005, 4)
    note = f"better single {better:.3f}"
    return [mean_row(PART, "LiveCodeBench pair", chosen.tolist(), least=least, note=note)]


def _single(data: Recorded, test: Mask) -> Vector:
    """Score of the endpoint with the best mean in training, by row of the test set."""
    best = int(data.scores[~test].mean(axis=0).argmax())
    return data.scores[test][:, best]


def _named(row: Row) -> Row:
    return Row(PART, row.what, row.value, row.low, row.high, row.least, row.most, row.note)


async def measure() -> list[Row]:
    """Measure everything, telling each row on standard error as soon as it is known."""
    found: list[Row] = []
    for part in (
        cheaper_rows(),
        pair_rows(),
        nine_rows(named=True),
        nine_rows(named=False),
        apart_rows(),
    ):
        rows = await part
        for row in rows:
            print(f"{row.what}: {row.value:.3f} ({row.low:.3f} to {row.high:.3f})", file=sys.stderr)
        found += rows
    return found

"""`python -m tests.load.cache`: what a hit costs, how often there is one, and what is kept.

Requests pass through the whole composed gateway in this process, to an endpoint that answers at
once: no network, no serialisation. The processor's time of a hit is that of the cache alone, its
key included; the wall time is that of the whole request. Popularity follows Zipf's law, and the
ideal beside it is a bare list of the least recently used with as many places. The memory of a cache
through which answers of many sizes pass is what the allocator gave out, the caches of the
interpreter emptied. Times are those of the median round.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import sys
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from itertools import accumulate
from unittest.mock import patch

import uvloop

from gateway import app
from gateway.config.load import build
from gateway.core.answer import Answer
from gateway.core.caching import CacheOperation
from gateway.core.candidate import Candidate, Completion
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange, Guard
from gateway.core.hole import Hole, HoleKind, HoleSpec, Request, Sampling
from gateway.state.result_cache import ResultCache, ResultCacheSettings
from tests.load.policies.__main__ import DEADLINE_S, Instant, say

CPU_BAR_US = 15.0
P99_BAR_MS = 1.0
KEYS, ENTRIES, EXPONENT = 10_000, 1_000, 1.0
POINTS_BAR = 3.0
CALLERS = 500
CHURN_BYTES = 8 * 1024 * 1024
LONGEST = 200_000
HITS, DRAWN, CHURNED = 2_000, 50_000, 20_000
REQUEST = Request(
    Hole("x = " * 200, "\n" * 20, HoleSpec(kind=HoleKind.EXPRESSION, language="python")),
    "request",
    Sampling(max_tokens=64, temperature=0.0),
    tenant="acme",
)
DECISION = RoutingDecision(
    "a", (), RoutingReason.MEDIUM_DEFAULT, "", None, 0.5, "v2", ChainPolicy.PREFER
)
Row = tuple[str, float, float, str]
"""What was measured, how much it is, its bar and the unit."""


class Counting(Instant):
    """An endpoint that counts its calls and takes a turn of the loop for each."""

    calls = 0

    async def generate(self, task: object, deadline: object) -> Completion:
        """Answer with the prompt, so that no two answers are the same text."""
        del deadline
        Counting.calls += 1
        await asyncio.sleep(0)
        return Completion(f"{id(task)}")


def counting(*_: object) -> Counting:
    """Connect to nothing."""
    return Counting()


def asked(prompt: str = "") -> Exchange:
    """Begin a request of its own exchange."""
    request = replace(REQUEST, hole=Hole(prompt)) if prompt else REQUEST
    return Exchange(request, Deadline(time.monotonic() + DEADLINE_S))


async def composed(stack: AsyncExitStack) -> app.Gateway:
    """Compose a gateway in which only the cache learns anything."""
    endpoint = {"name": "a", "url": "127.0.0.1:1", "health": "none"}
    quiet = {"outcomes": {"enabled": False}, "learning": {"enabled": False}}
    document = {"endpoint": [endpoint], "server": {"port": 0}, **quiet}
    with ExitStack() as patches:
        patches.enter_context(patch.object(app, "connect", counting))
        return await stack.enter_async_context(app.Gateway(build(document, "bench")))


async def missed(exchange: Exchange) -> Answer:
    """Stand where nothing may come."""
    raise RuntimeError(f"{exchange.request.request_id} was no hit")


async def hits(gateway: app.Gateway, rounds: int) -> list[Row]:
    """Measure the processor's time of the cache alone, and the wall time of whole requests."""
    guard: Guard | None = gateway.parts.cache()
    if guard is None:
        raise RuntimeError("the cache is off")
    lookup = guard(missed)
    await gateway.ensemble.handle(asked())
    exchanges = [asked() for _ in range(HITS)]
    costs: list[float] = []
    slow: list[float] = []
    for _ in range(rounds):
        started = time.process_time()
        for exchange in exchanges:
            await lookup(exchange)
        costs.append((time.process_time() - started) / HITS * 1e6)
        walls: list[float] = []
        for _ in range(HITS):
            started = time.perf_counter()
            await gateway.ensemble.handle(asked())
            walls.append((time.perf_counter() - started) * 1e3)
        slow.append(statistics.quantiles(walls, n=100)[98])
    return [
        ("a hit, the cache alone", statistics.median(costs), CPU_BAR_US, "µs"),
        ("a hit, whole request, p99", statistics.median(slow), P99_BAR_MS, "ms"),
    ]


def zipf(even: random.Random) -> list[int]:
    """Draw keys, of which the n-th most popular is asked for 1/n as often as the first."""
    weights = list(accumulate(1 / rank**EXPONENT for rank in range(1, KEYS + 1)))
    return even.choices(range(KEYS), cum_weights=weights, k=DRAWN)


def ideal(drawn: list[int]) -> float:
    """Return the share of hits of a bare list of the least recently used, in percent."""
    kept: OrderedDict[int, None] = OrderedDict()
    found = 0
    for key in drawn:
        if key in kept:
            found += 1
            kept.move_to_end(key)
            continue
        kept[key] = None
        if len(kept) > ENTRIES:
            kept.popitem(last=False)
    return found / len(drawn) * 100


async def popularity(gateway: app.Gateway) -> list[Row]:
    """Compare the hit rate with the ideal one on the same requests."""
    drawn = zipf(random.Random(7))
    before = gateway.parts.results.read(time.monotonic())
    for key in drawn:
        await gateway.ensemble.handle(asked(f"key {key}"))
    now = gateway.parts.results.read(time.monotonic())
    rate = (now.hits - before.hits) / DRAWN * 100
    best = ideal(drawn)
    say(f"Zipf s = {EXPONENT:g}, {KEYS} keys, {ENTRIES} entries: {rate:.2f}% of {best:.2f}% hit")
    return [("hit rate below the ideal", best - rate, POINTS_BAR, "points")]


async def at_once(gateway: app.Gateway) -> list[Row]:
    """Count the calls that many identical requests at once make."""
    gateway.parts.results.clear()
    before = Counting.calls
    await asyncio.gather(*(gateway.ensemble.handle(asked()) for _ in range(CALLERS)))
    made = Counting.calls - before
    return [(f"calls of {CALLERS} identical requests", made, 1, "")]


def grown(make: Callable[[], object]) -> int:
    """Return the bytes that the allocator gave out for what `make` returns."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = make()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        del kept
    finally:
        tracemalloc.stop()
    return after - before


def churn() -> list[Row]:
    """Have answers of all sizes pass through a cache that holds few of them."""
    even = random.Random(7)
    settings = ResultCacheSettings(max_entries=100_000, max_bytes=CHURN_BYTES)

    def passing() -> ResultCache:
        cache = ResultCache(settings)
        for number in range(CHURNED):
            text = f"{number:08}" + "x" * min(round(even.paretovariate(0.8) * 50), LONGEST)
            chosen = Candidate(0, "a", Completion(text))
            answer = Answer(chosen, DECISION, (), (chosen,), number / 7)
            cache.put(b"%032d" % number, CacheOperation.GENERATE, answer, 0, number / 1e3)
        return cache

    taken = grown(passing) / 2**20
    return [(f"memory after {CHURNED} answers", taken, CHURN_BYTES / 2**20, "MiB")]


async def measure(rounds: int) -> list[Row]:
    """Measure all of it."""
    async with AsyncExitStack() as stack:
        gateway = await composed(stack)
        return [
            *await hits(gateway, rounds),
            *await popularity(gateway),
            *await at_once(gateway),
            *churn(),
        ]


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    above = 0
    for what, much, bar, unit in uvloop.run(measure(parser.parse_args().rounds)):
        above += much > bar
        verdict = "ok" if much <= bar else "MISSED"
        say(f"{what:<36}{much:10.3f}{bar:10.3f}  {unit:<8}{verdict}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())

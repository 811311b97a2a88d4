"""`python -m tests.load.telemetry`: microseconds that a request pays for being watched.

Requests pass through the whole composed gateway in this process, to an endpoint that answers at
once, with one thing switched on at a time; its cost is the median difference to a gateway that has
nothing of it in its stacks, over interleaved rounds. The threads that export are counted too, the
collector is not. Bars are stretched by how slow the machine is now, which a bare span of the
SDK tells. With everything off nothing stands in the stacks, so that there is no row for it.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
import uvloop
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from gateway import app
from gateway.config.load import build
from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange
from gateway.ensemble.feedback.watching import LAYERS
from gateway.ingress.measured import Measured
from gateway.policies.measure import measure as guard
from gateway.state.minutes import Minutes
from gateway.telemetry.meter import MinuteMeter
from gateway.telemetry.prometheus import Exposition
from tests.load.policies.__main__ import (
    DEADLINE_S,
    REQUEST,
    STACKS,
    Handle,
    instant,
    round_us,
    say,
)

YARDSTICK_US = 550.0
"""A naive proxy, at its fastest; performance is counted in parts of it."""

ALLOWED_US = 0.18 * YARDSTICK_US
SPAN_US = 34.0
"""A bare span of the SDK where the yardstick was measured."""

OURS = {"request_span", "measure", "attempt_span"}
SCRAPES = 50
ALL = "spans, of all"
"""Without a bar: two bare spans of the SDK take most of it already, so the default samples."""

MINUTES = "the dashboards' minutes"
MINUTES_US = 5.0
"""They are on by default, so that every request pays for them."""

GROWTH_MIB = 1.0
WARM, REQUESTS, EACH = 20_000, 100_000, 10
"""Requests before and while the memory is looked at; of every tenth the stages are recorded."""
EVERYTHING: dict[str, Any] = {
    "admin": {"port": 0},
    "telemetry": {"traces": "otlp"},
    "dashboard": {"enabled": True},
    "trace": {"slow_s": 60.0},
}

WATCHED: dict[str, dict[str, Any]] = {
    "dashboards": {"dashboard": {"enabled": True}},
    "metrics": {"admin": {"port": 0}},
    "spans, of a tenth": {"telemetry": {"traces": "otlp"}},
    "metrics and spans": {"admin": {"port": 0}, "telemetry": {"traces": "otlp"}},
    "spans, of none": {"telemetry": {"traces": "otlp", "sample_ratio": 0.0}},
    ALL: {"telemetry": {"traces": "otlp", "sample_ratio": 1.0}},
}


class Discard(SpanExporter):
    """A collector that takes everything at once."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take them."""
        del spans
        return SpanExportResult.SUCCESS


def discarding(*_: object) -> type[Discard]:
    """Connect to nothing."""
    return Discard


async def gateway(stack: AsyncExitStack, tables: dict[str, Any], *, bare: bool) -> app.Gateway:
    """Compose a gateway with these tables; a bare one lacks what could watch a request."""
    endpoint = {"name": "a", "url": "127.0.0.1:1", "health": "none"}
    # What learns works beside the requests and would blur what they cost.
    quiet = {"outcomes": {"enabled": False}, "learning": {"enabled": False}}
    # On by default: it has a row of its own.
    quiet["dashboard"] = {"enabled": False}
    document = {"endpoint": [endpoint], "server": {"port": 0}, **quiet, **tables}
    with ExitStack() as patches:
        for each in STACKS:
            entries = getattr(app, each)
            kept = tuple(entry for entry in entries if not (bare and entry[0] in OURS))
            patches.enter_context(patch.object(app, each, kept))
        patches.enter_context(patch.object(app, "connect", instant))
        patches.enter_context(patch("gateway.telemetry.otlp.otlp_exporter", discarding))
        made = app.Gateway(build(document, "bench"))
        return await stack.enter_async_context(made)


def span_us(spans: int = 5_000) -> float:
    """Return the microseconds of a bare span of the SDK, exported."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Discard()))
    tracer = provider.get_tracer("bench")
    started = time.process_time()
    for _ in range(spans):
        tracer.start_span("x").end()
    cost = (time.process_time() - started) / spans * 1e6
    provider.shutdown()
    return cost


async def rpc_us(calls: int = 20_000) -> float:
    """Return the microseconds of timing one RPC, beside those of the call itself."""

    async def behaviour(request: bytes, context: object) -> bytes:
        del context
        return request

    exposition = Exposition(dict)
    times = exposition.histogram("rpc.duration")

    def told(method: str, status: str, elapsed_s: float) -> None:
        times.record(elapsed_s, {"method": method, "status_code": status})

    inner = grpc.method_handlers_generic_handler(
        "bench.Bench", {"Call": grpc.unary_unary_rpc_method_handler(behaviour)}
    )
    timed = Measured(inner, told, time.monotonic).around(behaviour, "bench.Bench/Call")
    costs: list[float] = []
    for call in (behaviour, timed):
        started = time.process_time()
        for _ in range(calls):
            await call(b"", None)
        costs.append((time.process_time() - started) / calls * 1e6)
    exposition.close()
    return costs[1] - costs[0]


async def minutes_us(calls: int = 20_000) -> float:
    """Return the microseconds of counting one request by the minute, its clock reads included.

    The guard stands alone, around a request that was answered by one call to its primary: the
    difference of two whole gateways is not known to a microsecond.
    """
    chain = RoutingDecision(
        "a", (), RoutingReason.MEDIUM_DEFAULT, "", None, 0.1, "v2", ChainPolicy.PREFER
    )
    attempts = [Attempt("a", 1, AttemptStatus.OK, elapsed_s=0.01, cost_micros=3)]
    exchange = Exchange(REQUEST, Deadline(1.0), decision=chain, attempts=attempts)
    text = Candidate(0, "a", Completion("x"))
    answer = Answer(text, chain, tuple(attempts), (text,), 0.01)

    async def handle(_: Exchange) -> Answer:
        return answer

    meter = MinuteMeter(Minutes(["a"], LAYERS, time.time), {"a": "a"}, 1)
    costs: list[float] = []
    for each in (handle, guard(meter, time.monotonic)(handle)):
        started = time.process_time()
        for _ in range(calls):
            await each(exchange)
        costs.append((time.process_time() - started) / calls * 1e6)
    return costs[1] - costs[0]


async def measure(rounds: int) -> tuple[dict[str, list[float]], float]:
    """Return the cost of each row in each round, and the milliseconds of one scrape."""
    async with AsyncExitStack() as stack:
        bare = (await gateway(stack, {}, bare=True)).ensemble.handle
        gateways = {
            name: await gateway(stack, tables, bare=False) for name, tables in WATCHED.items()
        }
        handles: dict[str, Handle] = {name: one.ensemble.handle for name, one in gateways.items()}
        costs: dict[str, list[float]] = {name: [] for name in handles}
        for _ in range(rounds):
            before = await round_us(bare)
            for name, handle in handles.items():
                watched = await round_us(handle)
                after = await round_us(bare)
                costs[name].append(watched - (before + after) / 2)
                before = after
        page = gateways["metrics"].observability.page
        if page is None:
            raise RuntimeError("no metrics are counted")
        started = time.process_time()
        for _ in range(SCRAPES):
            await page("")
        scrape_ms = (time.process_time() - started) / SCRAPES * 1e3
    costs["the time of an RPC"] = [await rpc_us() for _ in range(5)]
    costs[MINUTES] = [await minutes_us() for _ in range(9)]
    return costs, scrape_ms


async def growth_mib() -> float:
    """Return what the memory grows by over many requests with everything on, once it is warm."""
    async with AsyncExitStack() as stack:
        one = await gateway(stack, EVERYTHING, bare=False)
        if one.traces is None:
            raise RuntimeError("no traces are kept")
        handle, desk = one.ensemble.handle, one.traces
        memory = 0
        for number in range(WARM + REQUESTS):
            if number == WARM:
                gc.collect()
                memory = resident()
            exchange = Exchange(REQUEST, Deadline(time.monotonic() + DEADLINE_S))
            if number % EACH:
                await handle(exchange)
            else:
                exchange.trace = desk.begin(f"{number:032x}")
                await desk.traced(exchange, handle)
            if number % 1000 == 0 and one.observability.page is not None:
                await one.observability.page("")
        gc.collect()
        return (resident() - memory) / 2**20


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    # First: what others free could be taken again, and would hide what is not given back.
    grown = uvloop.run(growth_mib())
    spans = [span_us() for _ in range(3)]
    costs, scrape_ms = uvloop.run(measure(rounds))
    bare_us = statistics.median([*spans, *(span_us() for _ in range(3))])
    slower = max(1.0, bare_us / SPAN_US)
    say(f"{'µs of a request':<24}{'min':>8}{'median':>8}{'max':>8}{'bar':>8}")
    missed = 0
    for name, rows in costs.items():
        median = statistics.median(rows)
        shown = f"{name:<24}{min(rows):8.2f}{median:8.2f}{max(rows):8.2f}"
        if name == ALL:
            say(shown)
            continue
        bar_us = (MINUTES_US if name == MINUTES else ALLOWED_US) * slower
        missed += median > bar_us
        say(f"{shown}{bar_us:8.2f}   {'ok' if median <= bar_us else 'MISSED'}")
    say(f"{'a bare span of the SDK':<32}{bare_us:8.2f}{'':8}{SPAN_US:8.2f}   (here, and there)")
    say(f"{'one scrape, ms':<32}{scrape_ms:8.2f}")
    missed += grown > GROWTH_MIB
    verdict = "ok" if grown <= GROWTH_MIB else "MISSED"
    say(f"{'MiB more after 100,000':<32}{grown:8.2f}{'':8}{GROWTH_MIB:8.2f}   {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

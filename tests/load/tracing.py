"""`python -m tests.load.tracing`: what a trace costs a request, on and off (V-10, N-11).

Off: microseconds that the looking at `exchange.trace` takes at all stages of a request together,
once a stage; a test counts the looks.
On: milliseconds of a whole trace of twelve stages: recorded, sanitised and stored. The state before
and after is a table as large as that of eight endpoints; what the gateway takes to read it is not
in it. Medians over rounds; nobody else should use the machine meanwhile.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.hole import Hole, Request
from gateway.core.trace import StageStatus
from gateway.core.tracing import TraceRecorder
from gateway.ensemble.tracing import TraceDesk, TracingSettings
from gateway.state.traces import TraceSettings, TraceStore

ON_BAR_MS = 1.0
OFF_BAR_US = 1.0
ROUNDS = 30
CALLS = 200
POINTS = 9
"""Places on the way of a request that was answered at once where it matters whether it is traced:
the door, admit, spec_analysis, route, attempt, try, validate, score and aggregate."""

PROMPT = "def add(first, second):\n    total = first + second\n" * 20
CHAIN = ["endpoint-0", "endpoint-1", "endpoint-2"]
STATE = {
    f"endpoint.{number}.{name}": "closed"
    for number in range(8)
    for name in ("breaker", "failure_rate", "health", "ejected", "in_flight", "drained")
}


def say(line: str) -> None:
    """Print a line of the table."""
    print(line)  # noqa: T201 - a suite prints its table


def median_us(once: Callable[[], object]) -> float:
    """Measure a call in microseconds: the median over rounds of many."""
    found: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            once()
        found.append((time.perf_counter() - began) / CALLS * 1e6)
    return statistics.median(found)


def exchange_of(desk: TraceDesk | None) -> Exchange:
    """Make a request, traced if there is a desk."""
    recorder = None if desk is None else desk.begin("0af7651916cd43dd8448eb211c80319c")
    return Exchange(Request(Hole(PROMPT), "request"), Deadline(1e9), trace=recorder)


def ask(trace: TraceRecorder) -> None:
    """Pass through the stages of a request as the gateway does, without its work."""
    trace.record("admit", trace.clock(), 0.0)
    with trace.stage("spec_analysis") as stage:
        stage.tell(kind="block", language="python", checks=["non_empty", "syntax"])
    with trace.stage("route") as stage:
        for name in ("keyword", "similarity", "knn"):
            why, status = "no keyword found", StageStatus.OK
            trace.record(f"match[{name}]", trace.clock(), 0.0, status, why=why)
            trace.record(f"cascade[{name}]", trace.clock(), 0.0, status, why=why, threshold=0.85)
        stage.tell(chain=CHAIN, rule="fast_match", why="complexity 0.1 is below 0.3")
    with trace.stage(trace.next_attempt()) as stage:
        stage.tell(endpoint=CHAIN[0], operation="generate", temperature=0.2)
        trace.record("try", trace.clock(), 0.0, endpoint=CHAIN[0], completion_tokens=12)
        with trace.stage("validate") as checking:
            checking.tell(verdicts=[["non_empty", "passed"], ["syntax", "passed"]])


def off_us() -> float:
    """Measure the looks of a request that is not traced, as they stand in the code."""
    exchange = exchange_of(None)

    def points() -> None:
        for _ in range(POINTS):
            trace = exchange.trace
            if trace is not None:
                trace.stage("stage")

    def nothing() -> None:
        for _ in range(POINTS):
            pass

    return median_us(points) - median_us(nothing)


def on_us() -> tuple[float, int]:
    """Measure a traced request, and count its stages."""
    store = TraceStore(TraceSettings(), time.monotonic)
    desk = TraceDesk(
        TracingSettings(slow_s=60.0),
        store,
        lambda _: dict(STATE),
        time.monotonic,
        time.time,
        lambda: 1.0,
    )

    def once() -> None:
        exchange = exchange_of(desk)
        with desk.watch(exchange) as watched:
            ask(watched.recorder)

    once()
    stages = len(store.every()[0].stages)
    return median_us(once), stages


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    on, stages = on_us()
    rows = (
        (f"on, {stages} stages, ms a request", on / 1000, ON_BAR_MS),
        (f"off, {POINTS} looks, us a request", off_us(), OFF_BAR_US),
    )
    for name, found, bar in rows:
        say(f"{name:<45} {found:8.3f}  bar {bar:g}  {'ok' if found <= bar else 'MISSED'}")
    return int(any(found > bar for _, found, bar in rows))


if __name__ == "__main__":
    sys.exit(main())

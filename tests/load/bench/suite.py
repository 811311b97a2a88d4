"""The rows of `make bench`, in the order in which they are measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.load.bench.measure import Run, Traffic
from tests.load.bench.processes import LOAD_CORE, TARGET_CORE, running, server
from tests.load.bench.rows import Row
from tests.load.bench.targets import Targets, everything, gateway, loader

PASSES = 2
KIB = 1024
MIB = 1024 * KIB
MANY = "full policy, healthy primary, 32 in flight"
ONE = "full policy, one in flight"
ADDED = "added p50 against the yardstick's, one in flight"

B_MANY = "plane B: full policy, healthy primary, 32 in flight"
B_FAILING = "plane B: one failing primary, 32 in flight"
B_ONE = "plane B: full policy, one in flight"
B_ADDED = "plane B: added p50 against the yardstick's, one in flight"
B_CHUNK = "plane B: one of 64 streamed chunks, against bare aio"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds in a pass, seconds of a run, streams held open at once."""

    folder: Path
    rounds: int = 5
    seconds: float = 0.7
    streams: int = 10_000
    growth_calls: int = 200_000


@dataclass(slots=True)
class Collected:
    """Values of every row, over all passes."""

    values: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def add(self, name: str, values: list[float]) -> None:
        """Add the values of one pass."""
        self.values.setdefault(name, []).extend(values)

    def row(self, name: str, bar: float | None = None, unit: str = "xREF") -> list[Row]:
        """Return the row, or none when it was not measured."""
        values = tuple(self.values.get(name, ()))
        return [Row(name, values, bar, unit)] if values else []


def ratios(runs: list[Run]) -> list[float]:
    """Return xREF of every run."""
    return [run.ratio for run in runs]


def differences(runs: list[Run], floor: list[Run]) -> list[float]:
    """Return by how much xREF is above a floor's, round by round."""
    return [run.ratio - low.ratio for run, low in zip(runs, floor, strict=True)]


def added(runs: list[Run], direct: list[Run]) -> list[float]:
    """Return the time that a target adds to a direct call, relative to the yardstick's."""
    return [
        (run.sample.p50_us - straight.sample.p50_us)
        / (run.reference_p50_us - straight.sample.p50_us)
        for run, straight in zip(runs, direct, strict=True)
    ]


def unary_pass(targets: Targets, plan: Plan, collected: Collected) -> None:
    """Measure unary calls, many and one in flight."""
    load, yardstick = targets.load, targets.yardstick
    others = {
        "plane_b": targets.plane_b,
        "plane_b_failing": targets.plane_b_failing,
        "uvloop": targets.on_uvloop,
        "echo": targets.echo,
        "once": targets.failing_once,
    }
    if targets.nginx is not None:
        others["nginx"] = targets.nginx
    many = load.rounds(
        yardstick,
        {"gateway": targets.gateway, "failing": targets.failing, **others},
        Traffic("unary", 32, plan.seconds),
        plan.rounds,
    )
    collected.add(MANY, ratios(many["gateway"]))
    collected.add("one failing primary, 32 in flight", ratios(many["failing"]))
    collected.add("the same, one try on an endpoint", ratios(many["once"]))
    collected.add(B_MANY, ratios(many["plane_b"]))
    collected.add(B_FAILING, ratios(many["plane_b_failing"]))
    collected.add("policy alone: full - bare proxy", differences(many["gateway"], many["uvloop"]))
    collected.add("floor: bare proxy on uvloop", ratios(many["uvloop"]))
    collected.add("floor: bare grpc.aio echo", ratios(many["echo"]))
    collected.add("floor: nginx grpc_pass", ratios(many.get("nginx", [])))
    collected.add("yardstick, 32 in flight", [run.after.cpu_us for run in many["gateway"]])
    one = load.rounds(
        yardstick,
        {"gateway": targets.gateway, "plane_b": targets.plane_b, "direct": targets.upstream},
        Traffic("unary", 1, plan.seconds),
        plan.rounds,
    )
    collected.add(ONE, ratios(one["gateway"]))
    collected.add(B_ONE, ratios(one["plane_b"]))
    collected.add(B_ADDED, added(one["plane_b"], one["direct"]))
    collected.add(ADDED, added(one["gateway"], one["direct"]))
    collected.add("yardstick, one in flight", [run.after.cpu_us for run in one["gateway"]])


def stream_pass(targets: Targets, plan: Plan, collected: Collected) -> None:
    """Measure streams of 64 chunks."""
    runs = targets.load.rounds(
        targets.yardstick,
        {"gateway": targets.gateway, "plane_b": targets.plane_b, "uvloop": targets.on_uvloop},
        Traffic("stream", 8, plan.seconds),
        plan.rounds,
    )
    collected.add("one of 64 streamed chunks, against bare aio", ratios(runs["gateway"]))
    collected.add(B_CHUNK, ratios(runs["plane_b"]))
    collected.add("floor: the chunk through a bare proxy on uvloop", ratios(runs["uvloop"]))


def warm_up(targets: Targets) -> None:
    """Let every target see some calls before it is measured."""
    for target in targets.measured:
        targets.load.order("unary", target, 32, calls=300)
    for target in (targets.yardstick, targets.on_uvloop, targets.gateway, targets.plane_b):
        targets.load.order("stream", target, 8, calls=16)


def one_pass(plan: Plan, collected: Collected, say: Say) -> None:
    """Start everything afresh and measure each target `rounds` times."""
    with everything(plan.folder) as targets:
        if targets.nginx is None:
            say("nginx is not installed: its floor is skipped")
        collected.add("idle gateway, resident", [targets.gateway.resident_bytes() / MIB])
        warm_up(targets)
        unary_pass(targets, plan, collected)
        stream_pass(targets, plan, collected)


def open_streams(plan: Plan, collected: Collected, plane: str, name: str) -> None:
    """Measure the memory of streams that wait for their next chunk."""
    with (
        server(LOAD_CORE, "tests.load.bench.echo") as upstream,
        gateway(plan.folder, upstream.address, plane=plane) as target,
        loader() as load,
    ):
        load.order("unary", target, 32, calls=300)
        load.order("stream", target, 8, calls=16)
        before = target.resident_bytes()
        load.order("hold", target, plan.streams)
        each = (target.resident_bytes() - before) / plan.streams
        collected.add(name, [each / KIB])


def routing_times(collected: Collected) -> None:
    """Measure decisions alone, in a process on the target core."""
    with running(TARGET_CORE, sys.executable, "-m", "tests.load.bench.routing") as process:
        report = process.stdout.readline()
    for count, p99_ms in json.loads(report).items():
        collected.add(f"routing p99 at {int(count):,} endpoints", [p99_ms])


def growth(plan: Plan) -> list[Row]:
    """Measure how memory grows over many calls, after a tenth of them as warm-up."""
    with (
        server(LOAD_CORE, "tests.load.bench.echo") as upstream,
        gateway(plan.folder, upstream.address) as target,
        loader() as load,
    ):
        load.order("unary", target, 32, calls=plan.growth_calls // 10)
        before = target.resident_bytes()
        load.order("unary", target, 32, calls=plan.growth_calls)
        grown = (target.resident_bytes() - before) / MIB
    return [Row(f"growth over {plan.growth_calls:,} calls", (grown,), 1.0, "MiB")]


def measure(plan: Plan, say: Say) -> list[Row]:
    """Measure everything that fits into five minutes; return the rows with their bars."""
    collected = Collected()
    for number in range(PASSES):
        say(f"pass {number + 1} of {PASSES}")
        one_pass(plan, collected, say)
    say(f"{plan.streams:,} open streams, routing")
    held = f"{plan.streams:,} open streams, each"
    open_streams(plan, collected, "grpcio", held)
    open_streams(plan, collected, "h2", f"plane B: {held}")
    routing_times(collected)
    return [
        *collected.row(MANY, 1.25),
        *collected.row(ONE, 1.3),
        *collected.row("one failing primary, 32 in flight", 2.0),
        *collected.row("the same, one try on an endpoint"),
        *collected.row("policy alone: full - bare proxy", 0.18),
        *collected.row("one of 64 streamed chunks, against bare aio", 1.15),
        *collected.row(ADDED, 1.4, "ratio"),
        *collected.row(held, 60, "KiB"),
        *collected.row("idle gateway, resident", 90, "MiB"),
        *collected.row(B_MANY, 0.15),
        *collected.row(B_ONE, 0.25),
        *collected.row(B_FAILING, 0.27),
        *collected.row(B_CHUNK, 0.12),
        *collected.row(B_ADDED, 0.4, "ratio"),
        *collected.row(f"plane B: {held}", 6, "KiB"),
        *collected.row("routing p99 at 10 endpoints", 1, "ms"),
        *collected.row("routing p99 at 1,000 endpoints", 5, "ms"),
        *collected.row("floor: bare proxy on uvloop"),
        *collected.row("floor: bare grpc.aio echo"),
        *collected.row("floor: nginx grpc_pass"),
        *collected.row("floor: the chunk through a bare proxy on uvloop"),
        *collected.row("yardstick, 32 in flight", unit="CPU us"),
        *collected.row("yardstick, one in flight", unit="CPU us"),
    ]

"""Runs the soak: warm-up, traffic with faults, and three times nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.callers import GrpcCaller
from tests.conformance.processes import Ordered, models, ordered
from tests.conformance.suite import keep_grpc
from tests.soak.faults import WELL, Place, Replica, Rotation
from tests.soak.layout import DOORS, REPLICAS, config
from tests.soak.readings import NONE_LEFT, Numbers, Readings
from tests.soak.tally import Tally
from tests.soak.traffic import Traffic

Say = Callable[[str], None]
IDLE_S = 17.0
"""Longer than idle HTTP connections are kept, 15 s: what is there then stays."""

SETTLE_S = 15.0
FILL_S = 10.0
"""After a pause, until the answers kept for repetition are as many as before."""

SAMPLE_S = 1.0


@dataclass(slots=True)
class Soak:
    """One run and everything that came of it."""

    seconds: float
    without: frozenset[str] = frozenset()
    traced: bool = False
    calm: bool = False
    tally: Tally = field(default_factory=Tally)
    readings: Readings = field(default_factory=Readings)
    faults: dict[str, int] = field(default_factory=dict[str, int])
    grown: Numbers = field(default_factory=dict[str, object])
    exit_code: int | None = None
    log_lines: list[str] = field(default_factory=list[str])

    @property
    def warm_up_s(self) -> float:
        """60 s or a fifth of the time, whichever is more; a third of a short time."""
        return min(max(60.0, self.seconds / 5), self.seconds / 3)

    @property
    def misses(self) -> list[str]:
        """Every bar that was not kept."""
        found = [*self.tally.misses, *self.readings.misses]
        for kind, fates in self.tally.counts.items():
            if kind in {"unary", "stream"} and fates["answered"] < self.tally.sent(kind) / 2:
                found.append(f"only {fates['answered']} of {self.tally.sent(kind)} {kind} answered")
        if self.exit_code != 0:
            found.append(f"the gateway ended with {self.exit_code}")
        return found


@dataclass(slots=True)
class Bench:
    """The processes of a run."""

    place: Place
    gateway: Ordered
    traffic: Traffic
    rotation: Rotation


async def run(soak: Soak, folder: Path, say: Say) -> None:
    """Run it; what came of it is in `soak`."""
    keep_grpc()
    async with _bench(soak, folder) as bench:
        half_s = (soak.seconds - soak.warm_up_s) / 2
        for name, length_s in (("warm-up", soak.warm_up_s), ("1", half_s), ("2", half_s)):
            await _phase(soak, bench, length_s, sampled=name != "warm-up")
            quiet = await _quiet(soak, bench)
            soak.readings.quiet.append(quiet)
            say(f"{name} over: {_words(quiet)}; {sum(bench.rotation.done.values())} faults")
            if soak.traced and name == "warm-up":
                await bench.gateway.order("trace")
        if soak.traced:
            soak.grown = await bench.gateway.order("traced")
        soak.faults = dict(bench.rotation.done)
        process = bench.gateway.process
    soak.exit_code = process.returncode
    soak.log_lines = (folder / "gateway.log").read_text(encoding="utf-8").splitlines()


@asynccontextmanager
async def _bench(soak: Soak, folder: Path) -> AsyncGenerator[Bench]:
    async with AsyncExitStack() as stack:
        wanted = {"alpha": {"grpc": 0}, "beta": {"frames": 0}, "gamma": {"openai": 0}}
        doors = await stack.enter_async_context(models(DOORS, wanted))
        for door in DOORS:
            await doors.tell(door, script=WELL)
        replicas = [Replica(name) for name in REPLICAS]
        ports = dict(doors.ports)
        for replica in replicas:
            await replica.start()
            stack.push_async_callback(replica.stop)
            ports |= replica.models.ports
        file = folder / "gateway.toml"
        file.write_text(config(ports), encoding="utf-8")
        gateway = await stack.enter_async_context(
            ordered("tests.soak.gateway", {"config": str(file)})
        )
        address = f"127.0.0.1:{gateway.ports['port']}"
        caller, slow = GrpcCaller(address), GrpcCaller(address, slow=True)
        stack.push_async_callback(caller.close)
        stack.push_async_callback(slow.close)
        place = Place(doors, replicas, caller)
        yield Bench(
            place, gateway, Traffic(caller, slow, soak.tally, soak.without), Rotation(place)
        )


async def _phase(soak: Soak, bench: Bench, length_s: float, *, sampled: bool) -> None:
    """Let traffic and faults run for a while; read how the gateway stands each second."""
    stop = asyncio.Event()
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(bench.traffic.run(stop))
        if not soak.calm:
            group.create_task(bench.rotation.run(stop))
        while (passed_s := time.monotonic() - started) < length_s:
            await asyncio.sleep(min(SAMPLE_S, length_s - passed_s))
            if sampled and passed_s > FILL_S:
                soak.readings.samples.append(await bench.gateway.order("read"))
                soak.readings.times.append(time.monotonic())
        stop.set()


async def _quiet(soak: Soak, bench: Bench) -> Numbers:
    """Wait until nothing runs and idle connections are closed; return what is left."""
    await asyncio.sleep(IDLE_S)
    until = time.monotonic() + SETTLE_S
    first = soak.readings.quiet[:1]
    while True:
        now = await _read(bench)
        flat = all(now[name] <= one[name] for one in first for name in ("fds", "tasks"))
        settled = flat and not any(now[name] for name in NONE_LEFT)
        if settled or time.monotonic() > until:
            return now
        await asyncio.sleep(SAMPLE_S)


async def _read(bench: Bench) -> Numbers:
    now = await bench.gateway.order("read")
    servers = [bench.place.doors, *(one.models for one in bench.place.replicas)]
    counts = [await one.order("counts") for one in servers]
    now["open_calls"] = sum(one["started"] - one["ended"] for one in counts)
    if not now["open_calls"]:
        for one in servers:
            await one.order("forget")
    return now


def _words(now: Numbers) -> str:
    names = ("fds", "tasks", *NONE_LEFT)
    return f"{now['rss'] / 2**20:.2f} MiB, " + ", ".join(f"{now[name]} {name}" for name in names)

"""`python -m tests.load.jobs`: what jobs cost, and how fast and how sure commands to them are.

Resolution is a text read, the jobs looked up and a target chosen, without giving the command. Its
time is taken at 20 jobs of each of the five kinds and at 1,000 jobs. The set of ambiguous commands
is that of `tests/fakes/ambiguous.py`. The effect of a command is measured over sockets: from
sending it to the end of the caller's own RPC; after `next` that is the answer of the next
endpoint. Memory is that of 1,000 jobs with their handles. A request that nobody steers is timed
with and without the job in its stack, in turns. Nobody else should use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
import tracemalloc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import grpc
import uvloop
from ensemble.v1 import gateway_service_pb2 as gw
from ensemble.v1 import job_service_pb2 as pb
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble.v1.job_service_pb2_grpc import JobServiceStub

from gateway.app import Gateway
from gateway.config.jobs import JobsConfig, jobs_of, manifests_of, recogniser
from gateway.config.load import build
from gateway.core.control import JobKind, Recognised, Wanted
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.hole import Hole, Request
from gateway.routing.control.resolve import resolve
from tests.fakes.ambiguous import NOBODY, PHRASES, SESSIONS
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.load.policies.__main__ import round_us, say, without

if TYPE_CHECKING:
    from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub
    from ensemble.v1.job_service_pb2_grpc import JobServiceAsyncStub

RESOLVE_MS = 5.0
EFFECT_MS = 50.0
LEAST_SHARE = 0.9
MOST_BYTES = 1024 * 1024
FEW_US = 5.0
MANIFESTS = manifests_of(JobsConfig())
TEXTS = tuple(phrase for phrases in PHRASES.values() for phrase in phrases)
OBJECTS = ("stop the batch", "останови пакет", "cancel all pipelines", "resme the bacth")
LATE_S = 30.0


def requested(count: int) -> list[Exchange]:
    """Make so many requests, of all kinds in turn."""
    exchanges: list[Exchange] = []
    kinds = [(("job_kind", kind.value),) for kind in JobKind]
    for number in range(count):
        request = Request(
            Hole("x"), f"r-{number}", session_id="s", labels=kinds[number % len(kinds)]
        )
        exchanges.append(Exchange(request, Deadline(time.monotonic() + 60)))
    return exchanges


async def resolutions(count: int, rounds: int) -> list[float]:
    """The milliseconds of each resolution among so many jobs."""
    jobs = jobs_of(JobsConfig(), time.monotonic)
    for exchange in requested(count):
        jobs.keeper.enter(exchange)
    read = recogniser()
    spent: list[float] = []
    for _ in range(rounds):
        for text in (*TEXTS, *OBJECTS):
            began = time.perf_counter()
            heard = read(text)
            if isinstance(heard, Recognised):
                wanted = Wanted(
                    heard.command, heard.direction, kinds=heard.kinds, every=heard.every
                )
                resolve(wanted, jobs.registry.of("", "s"), MANIFESTS)
            spent.append((time.perf_counter() - began) * 1e3)
    return spent


def resolved() -> tuple[int, int]:
    """Count the ambiguous commands, and those that are resolved without asking."""
    total = done = 0
    read = recogniser()
    for session in SESSIONS:
        for command, phrases in PHRASES.items():
            if session.means.get(command, session.bare) == NOBODY:
                continue
            for text in phrases:
                heard = read(text)
                total += 1
                if isinstance(heard, Recognised):
                    wanted = Wanted(heard.command, heard.direction)
                    done += bool(resolve(wanted, session.jobs, MANIFESTS).targets)
    return total, done


async def memory() -> int:
    """Bytes of 1,000 idle jobs with their handles."""
    jobs = jobs_of(JobsConfig(), time.monotonic)
    exchanges = requested(1000)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = [jobs.keeper.enter(exchange) for exchange in exchanges]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return after - before


async def effects(rounds: int) -> dict[str, list[float]]:
    """Milliseconds from sending a command to what it does, by command."""
    spent: dict[str, list[float]] = {"cancel": [], "stop": [], "next": []}
    async with AsyncExitStack() as stack:
        hangs, answers = FakeModelServer(Script(hang=True)), FakeModelServer(Script())
        for model in (hangs, answers):
            await stack.enter_async_context(model)
        endpoints = [
            {"name": name, "url": model.url, "priority": place}
            for place, (name, model) in enumerate((("a", hangs), ("b", answers)))
        ]
        settings = build({"endpoint": endpoints, "server": {"port": 0}}, "bench")
        gateway = await stack.enter_async_context(Gateway(settings))
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{await gateway.start()}")
        await stack.enter_async_context(channel)
        stubs = GatewayServiceStub(channel), JobServiceStub(channel)
        for _ in range(rounds):
            for command, times in spent.items():
                times.append(await _effect(stubs, hangs, command))
    return spent


async def _effect(
    stubs: tuple[GatewayServiceAsyncStub, JobServiceAsyncStub], model: FakeModelServer, command: str
) -> float:
    """Begin a request that hangs, give it a command and wait for what that does to its caller."""
    generate, control = stubs[0].Generate, stubs[1].Control
    model.witness.asked.clear()
    call = generate(gw.GenerateRequest(prompt="x = "), timeout=LATE_S)
    waiting = asyncio.ensure_future(_ended(call))
    await model.witness.called(1)
    began = time.perf_counter()
    await control(pb.ControlRequest(text=command), timeout=LATE_S)
    await waiting
    return (time.perf_counter() - began) * 1e3


async def _ended(call: grpc.aio.UnaryUnaryCall[gw.GenerateRequest, gw.GenerateResponse]) -> None:
    try:
        await call
    except grpc.aio.AioRpcError:
        return


async def unsteered(rounds: int) -> list[float]:
    """Microseconds that a request pays for being a job that nobody steers, round by round."""
    async with AsyncExitStack() as stack:
        whole, lacking = await without(stack, ""), await without(stack, "job")
        costs: list[float] = []
        for _ in range(rounds):
            before = await round_us(whole)
            bare = await round_us(lacking)
            costs.append((before + await round_us(whole)) / 2 - bare)
    return costs


def at(share: float, values: Sequence[float]) -> float:
    """Return the value that this share of all stays under."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def row(name: str, value: float, bar: float, unit: str, *, least: bool = False) -> int:
    """Print one row; 1 when its bar is missed."""
    missed = value < bar if least else value > bar
    say(f"{name:<48}{value:>12.3f}{bar:>12.3f} {unit:<5}{'MISSED' if missed else 'ok'}")
    return int(missed)


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=41)
    rounds = parser.parse_args().rounds
    say(f"{'what':<48}{'measured':>12}{'bar':>12}")
    few = uvloop.run(resolutions(100, rounds))
    many = uvloop.run(resolutions(1000, rounds))
    missed = row("resolution, 20 jobs of each of 5 kinds, p95", at(0.95, few), RESOLVE_MS, "ms")
    missed += row("resolution, 1,000 jobs, p99", at(0.99, many), RESOLVE_MS, "ms")
    total, done = resolved()
    name = f"resolved without asking, of {total} ambiguous"
    missed += row(name, done / total, LEAST_SHARE, "", least=True)
    for command, spent in uvloop.run(effects(max(100, rounds))).items():
        missed += row(f"effect of {command}, over sockets, p99", at(0.99, spent), EFFECT_MS, "ms")
    missed += row("memory of 1,000 idle jobs", uvloop.run(memory()), MOST_BYTES, "bytes")
    costs = uvloop.run(unsteered(rounds))
    missed += row("a request that nobody steers, median", statistics.median(costs), FEW_US, "us")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

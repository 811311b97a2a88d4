"""Faults that take turns, a few seconds each, with the endpoints well in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from ensemble.v1.admin_service_pb2 import DrainEndpointRequest, UndrainEndpointRequest
from ensemble.v1.admin_service_pb2_grpc import AdminServiceStub

from tests.conformance.callers import GrpcCaller
from tests.conformance.processes import Models, kill, models
from tests.conformance.servers.rules import Act, Rule, Script

STEP_S = 2.5
WELL = Script((Rule(delay_s=0.01, gap_s=0.003),), delays_s=(0.0, 0.005, 0.02, 0.0, 0.01, 0.04))
FULL = Rule(Act.STATUS, status="RESOURCE_EXHAUSTED", retry_after_s=0.2)
DRIP = Rule(gap_s=0.12)


class Replica:
    """One replica in a process of its own, that comes back on its port."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ports: dict[str, dict[str, int]] | None = None
        self._stack = AsyncExitStack()
        self._now: Models | None = None

    @property
    def models(self) -> Models:
        """The process that runs now."""
        if self._now is None:
            raise RuntimeError(f"replica {self.name} was not started")
        return self._now

    async def start(self) -> None:
        """Start it, well."""
        stack = AsyncExitStack()
        wanted = self.ports or {self.name: {"grpc": 0}}
        self._now = await stack.enter_async_context(models((self.name,), wanted))
        self._stack, self.ports = stack, self._now.ports
        await self._now.tell(self.name, script=WELL)

    async def kill(self) -> None:
        """End it as a crash would."""
        await kill(self.models.process)
        await self.stop()

    async def stop(self) -> None:
        """End it."""
        await self._stack.aclose()


@dataclass(slots=True)
class Place:
    """Everything that faults are done to."""

    doors: Models
    replicas: list[Replica]
    caller: GrpcCaller
    killed: int = 0

    async def tell(self, door: str, script: Script) -> None:
        """Give an endpoint its script."""
        of = {one.name: one.models for one in self.replicas}
        await of.get(door, self.doors).tell(door, script=script)

    async def drain(self, name: str) -> None:
        """Give an endpoint, or a group, no new requests."""
        stub = AdminServiceStub(self.caller.channel)
        await stub.DrainEndpoint(DrainEndpointRequest(endpoint=name), timeout=5)

    async def undrain(self, name: str) -> None:
        """Give it requests again."""
        stub = AdminServiceStub(self.caller.channel)
        await stub.UndrainEndpoint(UndrainEndpointRequest(endpoint=name), timeout=5)

    async def kill_one(self) -> None:
        """Kill the next replica in turn."""
        await self.replicas[self.killed % len(self.replicas)].kill()

    async def restart(self) -> None:
        """Start it again."""
        await self.replicas[self.killed % len(self.replicas)].start()
        self.killed += 1


Do = Callable[[Place], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """A fault: how it begins and how it ends."""

    name: str
    begin: Do
    end: Do


def ruled(name: str, doors: tuple[str, ...], *rules: Rule, mixed: bool = False) -> Step:
    """Make a fault of rules; `mixed`: they take turns with good answers."""
    well = Rule(times=2, delay_s=0.01, gap_s=0.003)
    script = Script((well, *rules), cycle=True) if mixed else Script(rules)

    async def all_told(place: Place, told: Script) -> None:
        for door in doors:
            await place.tell(door, told)

    return Step(
        f"{name} at {'+'.join(doors)}",
        lambda place: all_told(place, script),
        lambda place: all_told(place, WELL),
    )


def drained(name: str) -> Step:
    """Make a drain of it."""
    return Step(
        f"drain of {name}", lambda place: place.drain(name), lambda place: place.undrain(name)
    )


TWO = ("one", "two")
STEPS = (
    ruled("storm of INTERNAL", ("alpha",), Rule.failing("INTERNAL")),
    ruled("hang", ("alpha",), Rule(Act.HANG)),
    ruled("hang mid-stream", ("beta",), Rule(Act.HANG, after=3)),
    Step("kill -9 of a replica", lambda place: place.kill_one(), lambda place: place.restart()),
    ruled("drip", ("one", "alpha"), DRIP),
    ruled("cut in a frame", ("beta", "gamma"), Rule(Act.CUT, after=3), mixed=True),
    ruled("429 with a hint", ("gamma", "one"), FULL),
    ruled("malformed", ("alpha", "beta", "gamma"), Rule(Act.MALFORMED, after=2), mixed=True),
    drained("alpha"),
    ruled("reset", ("beta", "gamma"), Rule(Act.RESET, after=2), mixed=True),
    ruled("GOAWAY", ("beta",), Rule(Act.GOAWAY), mixed=True),
    ruled("GOAWAY in order", ("beta",), Rule(Act.DRAIN, after=2, gap_s=0.005), mixed=True),
    ruled("storm of UNAVAILABLE", ("two", "gamma"), Rule.failing("UNAVAILABLE")),
    ruled("no end marker", ("beta", "gamma"), Rule(Act.END, after=4), mixed=True),
    drained("trio"),
    ruled("storm of INVALID_ARGUMENT", TWO, Rule.failing("INVALID_ARGUMENT"), mixed=True),
    ruled("everything hangs", ("alpha", "beta", "gamma", *TWO), Rule(Act.HANG), mixed=True),
)


@dataclass(slots=True)
class Rotation:
    """The faults in turn; it goes on where it was stopped."""

    place: Place
    done: Counter[str] = field(default_factory=Counter[str])
    _steps: cycle[Step] = field(default_factory=lambda: cycle(STEPS))

    async def run(self, stop: asyncio.Event) -> None:
        """Do one fault after the other until `stop` is set; everything is well then."""
        while not stop.is_set():
            step = next(self._steps)
            await step.begin(self.place)
            await _pause(stop, STEP_S)
            await step.end(self.place)
            self.done[step.name] += 1
            await _pause(stop, STEP_S / 5)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    # An order that is cancelled half way would leave its reply to the next one.
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return

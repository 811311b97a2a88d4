"""One process of a run: takes its orders from the parent's pipe and sends its tally back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

from ensemble_loadtest.drive import Drive
from ensemble_loadtest.faults import PlanError, UnreachableError
from ensemble_loadtest.flights import Target
from ensemble_loadtest.histogram import Histogram
from ensemble_loadtest.plan import Plan
from ensemble_loadtest.tally import Tally
from ensemble_loadtest.targets import target_of

TELL_S = 0.5
ORDER_S = 60.0

Wrong = Literal["unreachable", "plan"]


@dataclass(frozen=True, slots=True)
class Ready:
    """The target is connected."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The run cannot begin."""

    kind: Wrong
    words: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened so far, and the latencies since the last one."""

    sent: int
    good: int
    failed: int
    dropped: int
    in_flight: int
    latency: Histogram


@dataclass(frozen=True, slots=True)
class Finished:
    """All that this process counted; `cpu` is the share of one processor that it used."""

    tally: Tally
    cpu: float


@dataclass(frozen=True, slots=True)
class Go:
    """Begin at this moment of the monotonic clock, which all processes of a machine share."""

    start_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """End early."""


def work(pipe: Connection, plan: Plan, worker: int) -> None:
    """Do one process's share; the parent alone listens to the terminal's interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent that is gone wants no answer.
    gone = contextlib.suppress(BrokenPipeError, ConnectionResetError, EOFError)
    with gone, asyncio.Runner(loop_factory=_fast_loop()) as runner:
        runner.run(_work(pipe, plan, worker))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a loop of uvloop's, where there is one; None for asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _work(pipe: Connection, plan: Plan, worker: int) -> None:
    drive = Drive(plan, worker)
    try:
        target = target_of(plan, drive)
        await target.connect()
    except (PlanError, UnreachableError) as error:
        kind = "plan" if isinstance(error, PlanError) else "unreachable"
        pipe.send(Refused(kind, str(error)))
        return
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[object] = asyncio.Queue()
    loop.add_reader(pipe.fileno(), lambda: orders.put_nowait(_order(pipe)))
    try:
        pipe.send(Ready())
        order = await asyncio.wait_for(orders.get(), ORDER_S)
        if isinstance(order, Go):
            await _drive(pipe, drive, target, order.start_s, orders)
    finally:
        loop.remove_reader(pipe.fileno())
        await target.close()


def _order(pipe: Connection) -> object:
    try:
        return pipe.recv()
    except (EOFError, OSError):
        asyncio.get_running_loop().remove_reader(pipe.fileno())
        return Stop()


async def _drive(
    pipe: Connection, drive: Drive, target: Target, start_s: float, orders: asyncio.Queue[object]
) -> None:
    """Run, telling the parent how it goes, until the end or its word."""
    cpu_s = time.process_time()
    helpers = [
        asyncio.create_task(_obey(drive, orders)),
        asyncio.create_task(_tell(pipe, drive)),
    ]
    # What was made before the run stays; a full collection in the middle of it would be a pause.
    gc.collect()
    gc.freeze()
    try:
        await drive.run(target, start_s)
    finally:
        for one in helpers:
            one.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
    wall_s = max(1e-3, time.monotonic() - start_s)
    pipe.send(Finished(drive.tally, (time.process_time() - cpu_s) / wall_s))


async def _obey(drive: Drive, orders: asyncio.Queue[object]) -> None:
    while not isinstance(await orders.get(), Stop):
        pass
    drive.stop()


async def _tell(pipe: Connection, drive: Drive) -> None:
    tally = drive.tally
    while True:
        tally.recent = Histogram()
        await asyncio.sleep(TELL_S)
        pipe.send(
            Progress(
                tally.sent, tally.good, tally.failed, tally.dropped, drive.in_flight, tally.recent
            )
        )

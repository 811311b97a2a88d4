"""Runs scenarios one after the other. Whatever one of them does, the next one runs."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

from grpc import aio

from tests.conformance.processes import RUNNING, kill_now, killed
from tests.conformance.rig import Rig, Scenario, rig
from tests.conformance.rows import Row

LONGEST_S = 60.0
CLEARING_S = 15.0
"""How long a scenario that was cancelled may take to end its processes in order."""

STUBBORN_S = 5.0
"""How long tasks and killed processes may take to end."""

BLOCKED_S = 30.0
"""After all of that, the loop itself must be blocked."""

ROUNDS = 3
LOG_CHARS = 400
BLOCKED_EXIT = 3

Task = asyncio.Task[Any]


async def run(scenarios: Iterable[Scenario], say: Callable[[str], None]) -> list[Row]:
    """Run them; a scenario that breaks is a miss, never the end of the suite."""
    rows: list[Row] = []
    keep_grpc()
    for scenario in scenarios:
        row = await run_one(scenario)
        say(f"{row.verdict:<8}{row.took_s:5.1f} s  {row.name}")
        rows.append(row)
    return rows


async def run_one(scenario: Scenario) -> Row:
    """Run one scenario in processes of its own."""
    row = Row(scenario.name, scenario.purpose)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        await judge(scenario, row, rig(scenario, Path(folder)))
        if row.misses:
            _note_log(row, Path(folder, "gateway.log"))
    return row


def keep_grpc() -> None:
    """Keep grpc.aio from shutting down before the process ends, whatever becomes of its objects.

    With the last of them it joins its poller thread in the event loop. When hundreds of calls were
    given up that thread waits in turn for the loop to read its pipe, and nothing of the loop, no
    timeout either, ever runs again.
    """
    aio.init_grpc_aio()


def _note_log(row: Row, log: Path) -> None:
    """Note the last of what the gateway logged as an error."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if lines:
        row.note(f"its log has {len(lines)} lines of errors, the last one: {lines[-1][:LOG_CHARS]}")


async def judge(scenario: Scenario, row: Row, opening: AbstractAsyncContextManager[Rig]) -> None:
    """Run a scenario in a rig; whatever breaks is its result.

    Afterwards nothing of it is left: its tasks are cancelled and awaited, its processes killed by
    their ids, each for a bounded time.
    """
    started = time.monotonic()
    tasks, processes = asyncio.all_tasks(), set(RUNNING)
    with _last_resort(scenario.name):
        playing = asyncio.create_task(_play(scenario, row, opening))
        try:
            await asyncio.wait((playing,), timeout=LONGEST_S)
            if not playing.done():
                row.miss(f"it did not end within {LONGEST_S:g} s")
                playing.cancel()
                await asyncio.wait((playing,), timeout=CLEARING_S)
        finally:
            dead = await killed(RUNNING - processes, STUBBORN_S)
            left = await _cancelled(asyncio.all_tasks() - tasks)
    if dead:
        row.miss(f"{dead} processes had to be killed")
    if left:
        row.miss(f"{len(left)} tasks did not end: {sorted({_name(task) for task in left})[:3]}")
    row.close()
    row.took_s = time.monotonic() - started


async def _play(scenario: Scenario, row: Row, opening: AbstractAsyncContextManager[Rig]) -> None:
    """Run it; what it raised is noted before its processes are ended, which may fail in turn."""
    with _noted(row):
        async with opening as made:
            with _noted(row):
                await scenario.run(made, row)


@contextmanager
def _noted(row: Row) -> Generator[None]:
    """Make a miss of what is raised. A cancellation may be the scenario's own, or the cap's."""
    try:
        yield
    except asyncio.CancelledError:
        row.miss(f"it was cancelled{_where()}")
    except Exception as error:  # noqa: BLE001 - the suite goes on
        row.miss(f"{type(error).__name__}: {error}{_where()}")


def _where() -> str:
    """Tell the innermost line of the suite that the error went through."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = [frame for frame in frames if "conformance" in frame.filename]
    at = own[-1] if own else None
    return f" ({Path(at.filename).name}:{at.lineno})" if at and own[1:] else ""


async def _cancelled(tasks: set[Task]) -> set[Task]:
    """Cancel tasks, a few times over; return those that go on all the same."""
    left = {task for task in tasks if task is not asyncio.current_task()}
    for _ in range(ROUNDS):
        if not left:
            break
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=STUBBORN_S / ROUNDS)
    return left


def _name(task: Task) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_name()))


@contextmanager
def _last_resort(name: str) -> Generator[None]:
    """End the whole suite when the event loop itself is blocked: no timeout works there."""
    after_s = LONGEST_S + CLEARING_S + 2 * STUBBORN_S + BLOCKED_S
    timer = threading.Timer(after_s, give_up, (name,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def give_up(name: str) -> None:
    """Say where every thread stands, kill what was started, and end."""
    sys.stderr.write(f"MISS {name}: the event loop is blocked; the suite ends here\n")
    faulthandler.dump_traceback(all_threads=True)
    for process in RUNNING:
        kill_now(process)
    os._exit(BLOCKED_EXIT)

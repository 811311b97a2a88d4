"""Runs a plan in processes of its own, and puts together what they counted."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import cast

from ensemble_loadtest.faults import PlanError, UnreachableError
from ensemble_loadtest.plan import Plan
from ensemble_loadtest.tally import Tally
from ensemble_loadtest.worker import Finished, Go, Progress, Ready, Refused, Stop, work

HEAD_START_S = 0.1
START_S = 60.0
END_S = 10.0
LOOK_S = 0.25

Show = Callable[["Running"], None]


@dataclass(slots=True)
class Running:
    """A run as its processes last told of it; `elapsed_s` since its start."""

    plan: Plan
    elapsed_s: float = 0.0
    told: dict[int, Progress] = field(default_factory=dict[int, Progress])


@dataclass(slots=True)
class Result:
    """What a run came to; `cpus` has the share of a processor that each process used."""

    plan: Plan
    tally: Tally
    started_at: float
    elapsed_s: float
    cpus: list[float]
    lost_processes: int = 0
    interrupted: bool = False


@dataclass(slots=True)
class _Member:
    process: SpawnProcess
    pipe: Connection


def run(plan: Plan, show: Show = lambda _: None) -> Result:
    """Run a plan and return what it came to; an interrupt ends it early, with what there is.

    Raises PlanError and UnreachableError before anything is sent.
    """
    plan.check()
    with _fleet(plan) as members:
        for member in members:
            _expect_ready(member)
        started_at = time.time()
        start_s = time.monotonic() + HEAD_START_S
        for member in members:
            member.pipe.send(Go(start_s))
        return _Gathering(plan, members, start_s, started_at, show).run()


@contextmanager
def _fleet(plan: Plan) -> Generator[list[_Member]]:
    """Start the processes; none is left at the end of the block."""
    context = multiprocessing.get_context("spawn")
    members: list[_Member] = []
    try:
        for worker in range(plan.processes):
            mine, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, plan, worker), daemon=True)
            process.start()
            theirs.close()
            members.append(_Member(process, cast("Connection", mine)))
        yield members
    finally:
        for member in members:
            member.pipe.close()
            member.process.join(END_S)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()


def _expect_ready(member: _Member) -> None:
    try:
        said = member.pipe.recv() if member.pipe.poll(START_S) else None
    except (EOFError, OSError):
        said = None
    match said:
        case Ready():
            return
        case Refused(kind="plan", words=words):
            raise PlanError(words)
        case Refused(words=words):
            raise UnreachableError(words)
        case _:
            raise PlanError("a process of the harness did not start")


class _Gathering:
    """Listens to the processes until each has told its end or died, or has had its time."""

    def __init__(
        self, plan: Plan, members: list[_Member], start_s: float, started_at: float, show: Show
    ) -> None:
        self._running = Running(plan)
        self._members = dict(enumerate(members))
        self._start_s = start_s
        self._show = show
        self._ends_s = start_s + plan.load.seconds + plan.timeout_s + END_S
        self._result = Result(plan, Tally(cell_s=plan.cell_s), started_at, 0.0, [])

    def run(self) -> Result:
        """Return the whole."""
        while self._members:
            try:
                self._look()
            except KeyboardInterrupt:
                if self._result.interrupted:
                    self._give_up()
                self._stop()
        self._result.elapsed_s = self._result.tally.finished_s
        return self._result

    def _give_up(self) -> None:
        """Wait for nobody any more."""
        self._result.lost_processes += len(self._members)
        self._members.clear()

    def _stop(self) -> None:
        self._result.interrupted = True
        self._ends_s = time.monotonic() + END_S
        for member in self._members.values():
            try:
                member.pipe.send(Stop())
            except OSError:
                continue

    def _look(self) -> None:
        pipes = {member.pipe: worker for worker, member in self._members.items()}
        for ready in wait(list(pipes), LOOK_S):
            self._hear(pipes[cast("Connection", ready)])
        now_s = time.monotonic()
        if now_s > self._ends_s:
            self._give_up()
        self._running.elapsed_s = max(0.0, now_s - self._start_s)
        self._show(self._running)

    def _hear(self, worker: int) -> None:
        try:
            said = self._members[worker].pipe.recv()
        except (EOFError, OSError):
            self._result.lost_processes += 1
            del self._members[worker]
            return
        if isinstance(said, Progress):
            self._running.told[worker] = said
        elif isinstance(said, Finished):
            self._result.tally.merge(said.tally)
            self._result.cpus.append(said.cpu)
            del self._members[worker]

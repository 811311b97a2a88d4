"""Several candidates at once; the first that clears its checks, or the best of all (E-06, E-07)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.core.candidate import Candidate
from gateway.core.constraint import VerdictStatus
from gateway.core.faults import Fault
from gateway.ensemble.choose import CERTAIN, decided, rate
from gateway.ensemble.ending import is_final, settle
from gateway.ensemble.judge import best, good_enough
from gateway.ensemble.run import Run
from gateway.ensemble.sequential import draft_of, walk
from gateway.routing.sampling import spread
from gateway.validation.checks import Checks
from gateway.validation.compile import NON_EMPTY


async def best_of_n(run: Run, n: int, margin: float = CERTAIN) -> Candidate:
    """Ask for up to `n` candidates over the endpoints of the chain, seeds and temperatures.

    `run.in_flight` are asked for at once, and one more as each ends. No more are asked for, and
    those that run are cancelled and awaited, as soon as one clears its checks or, where test cases
    ran, the choice is `decided` by the `margin`. The one that cleared is chosen, else the best.
    When no candidate is acceptable, the endpoints not yet asked are tried in turn, to repair the
    best one if the request says so. Raises Fault like `sequential`.
    """
    race = _Race(run, n, margin)
    await race.finish()
    faults, trace = race.faults, run.exchange.trace
    began = 0.0 if trace is None else trace.clock()
    candidates = rate(race.candidates, run.scorer)
    if trace is not None:
        trace.record(
            "aggregate",
            began,
            trace.clock() - began,
            candidates=len(candidates),
            failed=len(faults),
            utilities=[one.utility for one in candidates],
            clusters=[one.cluster for one in candidates],
        )
    run.exchange.candidates[:] = candidates
    if not any(candidate.accepted for candidate in candidates):
        if run.exchange.request.repair and candidates:
            run.draft = draft_of(best(candidates))
        return await walk(run, run.chain[len(race.tasks) :], candidates, faults)
    cleared = [candidate for candidate in candidates if clears(candidate, run.checks)]
    chosen = settle(cleared or candidates, faults)
    await run.emit_text(chosen.completion.text, chosen.index, chosen.endpoint)
    return chosen


def clears(candidate: Candidate, checks: Checks) -> bool:
    """Say whether a check of substance passed and none failed, so that no other need be asked.

    Where advisory test cases may run, only a required late check is of substance: degenerate
    programs pass many a generated case, and agreement tells more.
    """
    if not good_enough(candidate):
        return False
    passed = {
        verdict.constraint
        for verdict in candidate.verdicts
        if verdict.status is VerdictStatus.PASSED and verdict.constraint != NON_EMPTY
    }
    late = [named for named in checks.checks if named.late is not None]
    if any(named.required and named.name in passed for named in late):
        return True
    advisory = [named.name for named in late if not named.required]
    if advisory and (candidate.behaviour or not passed.issuperset(advisory)):
        return False
    return bool(passed)


@dataclass(slots=True)
class _Race:
    """The candidates of one request while they are asked for; `tasks` are in order of index.

    `last` says that no more are asked for, whatever `n` is.
    """

    run: Run
    n: int
    margin: float
    tasks: list[asyncio.Task[Candidate]] = field(default_factory=list[asyncio.Task[Candidate]])
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    faults: list[Fault] = field(default_factory=list[Fault])
    last: bool = False

    async def finish(self) -> None:
        """Ask until nothing more is to be gained; no task is left when it returns or raises."""
        try:
            await self._collect()
        finally:
            for task in self.tasks:
                task.cancel()
            ended = await asyncio.gather(*self.tasks, return_exceptions=True)
        taken = {candidate.index for candidate in self.candidates}
        # One that came while the race was being ended was paid for, and may be the better one.
        self.candidates += (
            one for one in ended if isinstance(one, Candidate) and one.index not in taken
        )

    async def _collect(self) -> None:
        running: set[asyncio.Task[Candidate]] = set()
        while True:
            while len(self.tasks) < self._most() and len(running) < self.run.in_flight:
                running.add(self._ask())
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if self._over(task for task in self.tasks if task in done):
                return

    def _most(self) -> int:
        """How many candidates may be asked for as the job's dial stands now."""
        job = self.run.exchange.job
        return self.n if job is None or self.last else max(1, self.n + job.dials.candidates)

    def _ask(self) -> asyncio.Task[Candidate]:
        index = len(self.tasks)
        task = asyncio.create_task(_candidate(self.run, index, max(self.n, index + 1)))
        self.tasks.append(task)
        return task

    def _over(self, done: Iterable[asyncio.Task[Candidate]]) -> bool:
        """Take what ended and say whether the others need not be awaited."""
        for task in done:
            try:
                candidate = task.result()
            except Fault as fault:
                self.faults.append(fault)
                if is_final(fault):
                    # No other call can help; those that run may still end well.
                    self.n, self.last = len(self.tasks), True
                continue
            self.candidates.append(candidate)
            if clears(candidate, self.run.checks):
                return True
        return self._decided()

    def _decided(self) -> bool:
        """Say whether the choice stands already.

        It may not while a required late check could make a candidate clear all, nor before one
        candidate went through all test cases, since others may pass more than are known.
        """
        checks = self.run.checks
        if not checks.late or any(named.late and named.required for named in checks.checks):
            return False
        if not any(_went_through(candidate, checks) for candidate in self.candidates):
            return False
        to_come = self._most() - len(self.candidates) - len(self.faults)
        return decided(self.candidates, to_come, self.margin)


def _went_through(candidate: Candidate, checks: Checks) -> bool:
    """Say whether every late check of a candidate was made."""
    return all(
        named.late is None or verdict.status is not VerdictStatus.UNCHECKED
        for named, verdict in zip(checks.checks, candidate.verdicts, strict=True)
    )


async def _candidate(run: Run, index: int, n: int) -> Candidate:
    endpoint = run.chain[index % len(run.chain)]
    sampling = spread(run.plan(endpoint), index, n, request=run.exchange.request)
    return await run.attempt(
        endpoint,
        index=index,
        sampling=sampling,
        last=len(run.chain) == 1,
        ahead=run.chain[n:],
    )

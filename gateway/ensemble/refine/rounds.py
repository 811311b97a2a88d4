"""Many holes of one source: round after round, what is ready is tried (P-01 to P-09)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import Verdict
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.core.refinement import (
    HoleStatus,
    Refinement,
    RefineOptions,
    RefineReport,
    RefineStarted,
)
from gateway.ensemble.checking import check_text
from gateway.ensemble.filler import Filler
from gateway.ensemble.part import Part
from gateway.ensemble.refine.page import Page
from gateway.ensemble.refine.plan import Plan, plan
from gateway.ensemble.refine.state import HoleState
from gateway.ensemble.refine.trying import (
    failed_endpoints,
    leave,
    mark_left,
    outcome_of,
    request_of,
)
from gateway.ensemble.refine.whole import holds, whole_checks, without_examples
from gateway.validation.checks import Checks

AT_ONCE = 8
"""Holes of one request that are tried at the same time."""

OF_HOLES = "mean_of_holes"
"""How the confidence in the whole text is computed."""


async def refine(
    filler: Filler, exchange: Exchange, refinement: Refinement, min_confidence: float
) -> Answer:
    """Fill the holes of a source in the order of their dependencies, and check the whole text.

    `min_confidence` is the least of a fill, 0..1, where the refinement does not say. A refinement
    that leaves holes open is an answer, whose report says why. Raises Fault for what `plan` finds
    wrong, before any endpoint is called, and for what ends every request: no time or no budget is
    left, or the caller is gone. The fills until then were told as events, and the calls stand in
    the exchange's record.
    """
    started = filler.ensemble.clock()
    planned = await plan(filler, exchange.request, refinement)
    exchange.decision = planned.decision
    least = refinement.options.min_confidence
    work = _Work(
        filler,
        exchange,
        planned,
        refinement.options,
        min_confidence if least is None else least,
        Page(planned.source, planned.holes),
        without_examples(filler),
    )
    if exchange.emit is not None:
        await exchange.emit(RefineStarted(planned.waves))
    await work.make_rounds()
    return await work.answer(started)


@dataclass(slots=True)
class _Work:
    """One refinement. Only its own coroutine changes the holes and tells the caller.

    `quiet` fills without running the examples around a hole: as long as other holes are open, they
    say nothing about it.
    """

    filler: Filler
    exchange: Exchange
    plan: Plan
    options: RefineOptions
    min_confidence: float
    page: Page
    quiet: Filler
    accepted: list[Candidate] = field(default_factory=list[Candidate])

    async def make_rounds(self) -> None:
        """Try what is ready, round after round, until nothing is or no round is left."""
        holes, rounds, job = self.plan.holes, self.plan.rounds, self.exchange.job
        if job is not None:
            job.expect(sum(1 for _ in holes.ordered()))
        while holes.iteration < rounds and holes.ready():
            holes.iteration += 1
            try:
                await self._round()
            except Fault:
                if job is None or not job.stopping:
                    raise
                self._leave_open()
                break
            await self._settle()
        holes.give_up(f"not filled in {holes.iteration} rounds")
        await self._settle()

    async def _round(self) -> None:
        """Try each hole that is ready once, several at the same time unless told otherwise.

        What is tried at the same time sees the fills of earlier rounds only, so that nothing hangs
        on which is faster. However it ends, no task of it is left running.
        """
        waiting, shown = deque(self.plan.holes.ready()), self.page.shown()
        at_once = AT_ONCE if self.options.parallel else 1
        running: dict[asyncio.Task[Part], HoleState] = {}
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    state = waiting.popleft()
                    if not self.options.parallel:
                        shown = self.page.shown()
                    running[self._begin(state, shown)] = state
                await self._tell()
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in running if task.done()]:
                    self._judge(running.pop(task), task.result())
                await self._tell()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _leave_open(self) -> None:
        """End what was being tried when the job was stopped."""
        holes = self.plan.holes
        for state in tuple(holes.ordered()):
            if state.status is HoleStatus.IN_PROGRESS:
                holes.enter(state, "fail", "the job was stopped")

    def _begin(self, state: HoleState, shown: Mapping[str, str]) -> asyncio.Task[Part]:
        holes, exchange = self.plan.holes, self.exchange
        hole = self.page.hole(state, shown)
        request = request_of(exchange.request, state, hole, self.options)
        state.tries += 1
        state.temperature = request.sampling.temperature
        holes.enter(state, "begin", state.reason)
        filler = self.filler if holes.only_open(state) else self.quiet
        without, draft = state.failed, state.draft
        return asyncio.create_task(
            filler.part(exchange, request, state.hole.id, without=without, draft=draft)
        )

    def _judge(self, state: HoleState, part: Part) -> None:
        """Take what came of a try: a fill, or what the failure strategy makes of it."""
        outcome = outcome_of(part, self.min_confidence)
        state.judged(outcome.candidate)
        if outcome.candidate is not None and not outcome.lack:
            self.accepted.append(outcome.candidate)
            self.plan.holes.accept(state, outcome.candidate.completion.text)
            return
        exchange = self.exchange
        mark_left(exchange.attempts, state.hole.id, part.candidates, outcome.lack)
        failed = failed_endpoints(part, self.filler.router.snapshot)
        leave(self.plan.holes, state, outcome.lack, failed, repair=exchange.request.repair)

    async def _settle(self) -> None:
        """Follow up what a round changed: holes blocked, fills of parts joined."""
        holes = self.plan.holes
        holes.propagate()
        while (state := holes.to_join()) is not None:
            await self._join(state)
            holes.propagate()
        await self._tell()

    async def _join(self, state: HoleState) -> None:
        holes, fill = self.plan.holes, self.page.joined(state)
        checks = self.quiet.ensemble.checks(self.page.hole(state, self.page.shown()))
        verdicts = await self._verdicts_about(checks, fill)
        state.joined(holes.parts(state), verdicts)
        refused = [verdict.constraint for verdict in verdicts if verdict.refuses]
        if refused:
            words = f"its parts together failed a required check: {', '.join(refused)}"
            holes.enter(state, "fail", words)
        else:
            holes.accept(state, fill)

    async def _tell(self) -> None:
        """Tell the caller what has changed, in order."""
        news, self.plan.holes.news = self.plan.holes.news, []
        job = self.exchange.job
        if job is not None and news:
            job.advance(news[-1].filled, news[-1].hole.id)
        if self.exchange.emit is not None:
            for progress in news:
                await self.exchange.emit(progress)

    async def answer(self, started: float) -> Answer:
        """Check the whole text and sum up."""
        holes, exchange, ensemble = self.plan.holes, self.exchange, self.filler.ensemble
        job = exchange.job
        text = self.page.text()
        checks = whole_checks(ensemble, exchange.request.hole, text)
        verdicts = await self._verdicts_about(checks, text)
        views = tuple(state.view() for state in holes.ordered())
        complete = holes.filled == len(views) and holds(verdicts)
        mean = sum(one.confidence for one in self.accepted) / max(1, len(self.accepted))
        return Answer(
            Candidate(0, "", Completion(text), verdicts, mean, OF_HOLES),
            self.plan.decision,
            tuple(exchange.attempts),
            tuple(self.accepted),
            ensemble.clock() - started,
            RefineReport(views, holes.iteration, complete),
            partial=job is not None and job.stopping,
            steered=job is not None and job.steered,
            job_id="" if job is None else job.id,
        )

    async def _verdicts_about(self, checks: Checks, text: str) -> tuple[Verdict, ...]:
        clock = self.filler.ensemble.clock
        return (await check_text(checks, text, self.exchange.deadline, clock)).verdicts

"""A pipeline: steps that feed each other by name, from a draft to a text that stood the checks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate
from gateway.core.composition import PipelineDefinition, StepDefinition
from gateway.core.events import Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.hole import Request
from gateway.core.pipeline import (
    OnError,
    PipelineReport,
    PipelineRun,
    PipelineStarted,
    StepEnded,
    StepNode,
)
from gateway.ensemble.ending import settle
from gateway.ensemble.filler import Filler
from gateway.ensemble.judge import best
from gateway.ensemble.pipeline.parameters import Values, bind, whole
from gateway.ensemble.pipeline.request import step_request
from gateway.ensemble.pipeline.schedule import Schedule
from gateway.ensemble.pipeline.state import State
from gateway.ensemble.pipeline.steps import Ended, Steps, named
from gateway.ensemble.pipeline.work import Work


def wanted(
    exchange: Exchange, pipelines: Mapping[str, PipelineDefinition]
) -> tuple[PipelineDefinition, PipelineRun]:
    """Find the pipeline that an exchange asks for: by its work, else by strategy PIPELINE.

    Raises Fault(NOT_FOUND, UNKNOWN_PIPELINE) for a name that is not defined, which names those
    that are, and Fault(INVALID) for a request that names none, names two, or says `n`.
    """
    request, run = exchange.request, exchange.work
    if isinstance(run, PipelineRun):
        if request.pipeline:
            raise invalid("request.pipeline", "must be empty: `pipeline` names the one to run")
    else:
        if not request.pipeline:
            raise invalid("pipeline", "must name the pipeline that strategy PIPELINE runs")
        if request.n is not None:
            raise invalid("n", "applies to BEST_OF_N only; leave it out or change `strategy`")
        run = PipelineRun(request.pipeline)
    definition = pipelines.get(run.pipeline)
    if definition is None:
        names = ", ".join(sorted(pipelines))
        raise Fault(
            Kind.NOT_FOUND,
            Origin.CALLER,
            Reason.UNKNOWN_PIPELINE,
            f"pipeline: {run.pipeline!r} is not defined; use one of: {names}",
        )
    return definition, run


async def run_pipeline(
    filler: Filler, exchange: Exchange, definition: PipelineDefinition, run: PipelineRun
) -> Answer:
    """Run the steps of a pipeline and answer with the text of the one that it names as its output.

    All of them share the filler's account and the exchange's deadline; what a run knows is its own.
    Steps that do not refer to each other run at the same time, at most `in_flight` of them. The
    answer is held against the request's checks whatever the steps did (X-20). Raises Fault: for
    parameters and filters that cannot be met before any call, for the first step that fails and may
    not, and UNVERIFIED when a required check refuses the final text.
    """
    clock = filler.ensemble.clock
    started = clock()
    values = bind(definition, run.parameters)
    own = await filler.run(exchange)
    rounds = None if definition.loop is None else whole(definition.loop.rounds, values)
    schedule = Schedule(definition, rounds or 0)
    _check_routes(filler, exchange.request, schedule.steps, values)
    await own.emit(Started(own.decision))
    await own.emit(PipelineStarted(definition.name, tuple(step.id for step in schedule.steps)))
    work = Work(filler, own, values)
    steps = Steps(work, State(), {step.id: step for step in definition.steps})
    job, doing = exchange.job, _Run(definition, schedule, steps)
    if job is not None:
        job.expect(len(schedule.steps))
    try:
        await doing.all_steps()
        written = await _output(definition, steps)
    except Fault:
        if job is None or not job.stopping or not exchange.candidates:
            raise
        written = best(exchange.candidates)
    chosen = settle([written], [])
    await own.emit_text(chosen.completion.text, chosen.index, chosen.endpoint)
    await own.emit_verdicts(chosen.verdicts)
    return Answer(
        chosen,
        work.decisions.get(chosen.index, own.decision),
        tuple(exchange.attempts),
        tuple(sorted(exchange.candidates, key=lambda candidate: candidate.index)),
        clock() - started,
        PipelineReport(definition.name, tuple(doing.nodes)),
        partial=job is not None and job.stopping,
        steered=job is not None and job.steered,
        job_id="" if job is None else job.id,
    )


def _check_routes(
    filler: Filler, request: Request, steps: Sequence[StepDefinition], values: Values
) -> None:
    """Refuse before any call what a step wants and no endpoint has. Raises Fault."""
    for step in steps:
        wants = step.asking.capability is not None or step.asking.tags
        if wants and step.on_error is OnError.FAIL_FAST:
            try:
                filler.router.route(step_request(step, request, values))
            except Fault as fault:
                raise named(step, fault) from None


async def _output(definition: PipelineDefinition, steps: Steps) -> Candidate:
    """Return the text of the output step, checked. Raises the Fault for which there is none."""
    made = steps.state.made[definition.output]
    if made.text is None:
        assert made.fault is not None, "an output without a text says why"  # noqa: S101
        raise made.fault
    return await steps.work.judged(made.text)


@dataclass(slots=True)
class _Run:
    """One run on its way through its schedule; it owns the tasks of its steps."""

    definition: PipelineDefinition
    schedule: Schedule
    steps: Steps
    nodes: list[StepNode] = field(default_factory=list[StepNode])

    async def all_steps(self) -> None:
        """Do every step, telling of each as it ends.

        Raises the Fault of the first step that ends the pipeline. However it ends, the steps that
        still run are cancelled and awaited.
        """
        most = self.steps.work.run.in_flight
        running: dict[asyncio.Task[Ended], str] = {}
        ready = self.schedule.ready()
        try:
            while ready or running:
                while ready and len(running) < most:
                    step, round_ = ready.pop(0)
                    running[asyncio.create_task(self.steps.do(step, round_))] = step.id
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in running if task in done]:
                    await self._end(running.pop(task), task.result())
                ready += self.schedule.ready()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _end(self, step: str, ended: Ended) -> None:
        job = self.steps.work.run.exchange.job
        for node in ended.nodes:
            self.nodes.append(node)
            if job is not None:
                job.advance(len({one.step for one in self.nodes}), step)
            await self.steps.work.run.emit(StepEnded(node))
        if ended.fault is not None:
            raise ended.fault
        self.steps.state.made[step] = ended.made
        self.schedule.end(step)
        loop = self.definition.loop
        if loop is not None and self.schedule.round_over:
            if not self.steps.state.all_hold(loop.until) and self.schedule.again():
                self.steps.state.next_round(loop.steps)
            else:
                self.schedule.leave()

"""The steps of a pipeline one by one: whether each is needed, and what follows when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.composition import CALLING, StepDefinition
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Reason
from gateway.core.pipeline import OnError, StepKind, StepNode, StepStatus
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.ensemble.ending import is_final
from gateway.ensemble.pipeline.state import (
    Inputs,
    Made,
    MissingInputError,
    State,
    stand_in,
    written,
)
from gateway.ensemble.pipeline.work import Work

NO_INPUTS = Inputs()


@value
class Ended:
    """How a step ended: its node, after those of its fallback. `fault` ends the pipeline."""

    nodes: tuple[StepNode, ...]
    made: Made
    fault: Fault | None = None


@dataclass(slots=True)
class _Doing:
    """One step while it is done; `own` has the record of its calls."""

    step: StepDefinition
    round: int
    own: Exchange
    clock: Clock
    started: float
    inputs: Inputs = NO_INPUTS

    def ended(
        self, status: StepStatus, made: Made, error: str = "", fault: Fault | None = None
    ) -> Ended:
        """Make the node of the step as it stands now."""
        return Ended((self.node(status, made, error),), made, fault)

    def node(self, status: StepStatus, made: Made, error: str = "") -> StepNode:
        """Describe how the step ended."""
        step, text = self.step, made.text
        asked = status is StepStatus.OK and step.kind in CALLING
        return StepNode(
            step.id,
            step.kind,
            status,
            self.round,
            # A validate step gives on the text that it was given.
            "" if text is None or step.kind is StepKind.VALIDATE else text.completion.text,
            made.issues or (),
            () if text is None else text.verdicts,
            0.0 if text is None else text.confidence,
            (made.endpoint or "") if asked else "",
            tuple(self.own.attempts),
            error,
            self.inputs.origins,
            self.clock() - self.started,
        )


@dataclass(slots=True)
class Steps:
    """Does the steps of one run; `definitions` has them all by id, fallbacks too."""

    work: Work
    state: State
    definitions: Mapping[str, StepDefinition]

    async def do(self, step: StepDefinition, round_: int) -> Ended:
        """Do one step. How it fails is in the result; nothing is raised but bugs of ours."""
        exchange, clock = self.work.run.exchange, self.work.run.clock
        job = exchange.job
        own = Exchange(exchange.request, exchange.deadline, trace=exchange.trace, job=job)
        doing = _Doing(step, round_, own, clock, clock())
        try:
            if job is not None and job.held:
                await job.ready()
            unmet = next((one for one in step.when if not self.state.holds(one)), None)
            if unmet is not None:
                return self._not_needed(doing, f"{unmet} does not hold")
            doing.inputs = self.state.inputs(step)
            if step.kind is StepKind.REPAIR and not doing.inputs.issues:
                return self._not_needed(doing, "there is nothing to mend")
            work, trace = self.work.do(step, doing.inputs, own), exchange.trace
            made = await (work if trace is None else trace.around(f"step[{step.id}]", work))
        except MissingInputError as missing:
            fault = missing.fault
            error = f"{fault.reason}: {missing.reference} is missing: {fault.message}"
            return doing.ended(StepStatus.SKIPPED, Made(fault=fault), error)
        except Fault as fault:
            return await self._failed(doing, fault)
        return doing.ended(StepStatus.OK, made)

    def _not_needed(self, doing: _Doing, why: str) -> Ended:
        """Leave a step out; a repair then gives on the text that it would have mended."""
        made = Made()
        if doing.step.kind is StepKind.REPAIR:
            doing.inputs = self.state.inputs(doing.step, only="text")
            made = written(doing.inputs.text)
        return doing.ended(StepStatus.NOT_NEEDED, made, f"{Reason.NOT_NEEDED}: {why}")

    async def _failed(self, doing: _Doing, fault: Fault) -> Ended:
        """Follow the step's `on_error` (Y-02); nothing helps when time or budget is over."""
        step, error = doing.step, f"{fault.reason}: {fault.message}"
        of_step = named(step, fault)
        if is_final(fault) or step.on_error is OnError.FAIL_FAST:
            return doing.ended(StepStatus.FAILED, Made(fault=of_step), error, of_step)
        if step.on_error is OnError.SKIP:
            return doing.ended(StepStatus.SKIPPED, Made(fault=of_step), error)
        if step.constant is not None:
            return doing.ended(StepStatus.FELL_BACK, stand_in(step.constant), error)
        other = await self.do(self.definitions[step.fallback], doing.round)
        status = StepStatus.SKIPPED if other.made.nothing else StepStatus.FELL_BACK
        if other.fault is not None:
            status = StepStatus.FAILED
        node = doing.node(status, other.made, error)
        return Ended((*other.nodes, node), other.made, other.fault)


def named(step: StepDefinition, fault: Fault) -> Fault:
    """Return the fault with the step in its words."""
    return Fault(
        fault.kind,
        fault.origin,
        fault.reason,
        f"step {step.id!r}: {fault.message}",
        violations=fault.violations,
        retry_after_s=fault.retry_after_s,
        retryable=fault.retryable,
    )

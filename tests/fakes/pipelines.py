"""Pipelines over scripted endpoints, without a network."""

from __future__ import annotations

import tomllib
from typing import Any

from gateway.config.pipeline_checks import table_problems
from gateway.config.pipeline_tables import PipelineTable
from gateway.config.pipelines import definition_of, pipelines_of
from gateway.core.answer import Answer
from gateway.core.candidate import Completion
from gateway.core.composition import PipelineDefinition
from gateway.core.events import Event
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.core.hole import NO_BUDGET, Request
from gateway.core.pipeline import PipelineReport, PipelineRun, StepNode
from gateway.core.policy import Invocation
from gateway.core.ports import Operation
from gateway.ensemble.account import UNLIMITED, SpendingAccount
from gateway.ensemble.pipeline.runner import run_pipeline
from gateway.policies.deadline import DeadlineSettings, deadline
from tests.fakes.ensemble import Ensemble, Step, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

BUILT_IN = pipelines_of(())


def table_of(text: str, **fields: Any) -> PipelineTable:
    return PipelineTable.model_validate({"name": "own", **tomllib.loads(text), **fields})


def pipeline(text: str, **fields: Any) -> PipelineDefinition:
    """Load a definition as the configuration does; `fields` stand over the text."""
    table = table_of(text, **fields)
    assert table_problems("pipeline[0]", table) == []
    return definition_of(table)


def by_operation(
    generate: Step | None = None, critique: Step | None = None, repair: Step | None = None
) -> Step:
    """Do another step for each operation."""
    steps = {
        Operation.GENERATE: generate,
        Operation.CRITIQUE: critique,
        Operation.REPAIR: repair,
    }

    async def step(invocation: Invocation) -> Completion:
        chosen = steps[invocation.task.operation]
        assert chosen is not None, f"nobody expected {invocation.task.operation}"
        return await chosen(invocation)

    return step


def in_turn(*steps: Step | str) -> Step:
    """Do one step after the other, the last one for good; a string is said."""
    left = [says(step) if isinstance(step, str) else step for step in steps]

    async def step(invocation: Invocation) -> Completion:
        return await (left.pop(0) if len(left) > 1 else left[0])(invocation)

    return step


class Bench:
    """An ensemble on which pipelines are run, one or several at a time."""

    def __init__(self, endpoints: dict[str, Step], **settings: Any) -> None:
        self.clock = VirtualClock()
        self.fakes = Ensemble(self.clock, endpoints, **settings)
        self.exchange: Exchange
        self.events: list[Event] = []

    @property
    def asked(self) -> list[str]:
        return [invocation.task.endpoint.name for invocation in self.fakes.asked]

    @property
    def operations(self) -> list[str]:
        return [invocation.task.operation.value for invocation in self.fakes.asked]

    def begin(self, request: Request | None = None, *, stream: bool = False, seconds: float = 60.0):
        self.exchange = self.fakes.exchange(
            request or make_request(), stream=stream, seconds=seconds
        )
        self.events = self.fakes.events
        return self.exchange

    async def answer(
        self, definition: PipelineDefinition, exchange: Exchange, **parameters: str
    ) -> Answer:
        async def handle(exchange: Exchange) -> Answer:
            return await self._answer(definition, exchange, **parameters)

        return await deadline(DeadlineSettings(), self.clock)(handle)(exchange)

    async def _answer(
        self, definition: PipelineDefinition, exchange: Exchange, **parameters: str
    ) -> Answer:
        budget = exchange.request.budget
        account = UNLIMITED if budget is NO_BUDGET else SpendingAccount(budget)
        run = PipelineRun(definition.name, tuple(parameters.items()))
        return await run_pipeline(self.fakes.client.filler(account), exchange, definition, run)

    def unguarded(
        self,
        definition: PipelineDefinition,
        request: Request | None = None,
        *,
        seconds: float = 60.0,
    ) -> Answer:
        """Run it without the timer of the deadline, which would not wait for a thread."""
        exchange = self.begin(request, seconds=seconds)
        return run_virtual(self.clock, self._answer(definition, exchange))

    def run(
        self,
        definition: PipelineDefinition | str,
        request: Request | None = None,
        *,
        stream: bool = False,
        seconds: float = 60.0,
        **parameters: str,
    ) -> Answer | Fault:
        """Return the answer, or the fault instead of raising it."""
        if isinstance(definition, str):
            definition = BUILT_IN[definition]
        exchange = self.begin(request, stream=stream, seconds=seconds)
        try:
            return run_virtual(self.clock, self.answer(definition, exchange, **parameters))
        except Fault as fault:
            return fault


def nodes_of(answer: Any) -> tuple[StepNode, ...]:
    assert isinstance(answer, Answer), answer
    assert isinstance(answer.report, PipelineReport)
    return answer.report.nodes


def statuses(answer: Any) -> dict[str, str]:
    """The status of each step; of a repeated one, of its last round."""
    return {node.step: node.status.value for node in nodes_of(answer)}


def text_of(answer: Any) -> str:
    assert isinstance(answer, Answer), answer
    return answer.chosen.completion.text

"""Refinements over scripted endpoints, in virtual time, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate, Completion
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.core.hole import NO_BUDGET, Hole, HoleKind, HoleSpec, Request
from gateway.core.policy import Invocation
from gateway.core.refinement import (
    HoleProgress,
    RefinedHole,
    RefineHole,
    Refinement,
    RefineOptions,
    RefineReport,
    RefineStarted,
)
from gateway.ensemble.account import UNLIMITED, SpendingAccount
from gateway.ensemble.filler import Filler
from gateway.ensemble.judge import Score, good_enough
from gateway.ensemble.refine.rounds import refine
from gateway.policies.deadline import DeadlineSettings, deadline
from tests.fakes.ensemble import Ensemble, Step, says
from tests.fakes.virtual import VirtualClock, run_virtual

PYTHON = HoleSpec(language="python")
BAD = "(("
"""Python that nothing makes parse."""


def trust(candidate: Candidate, _: float | None) -> Score:
    """As sure as the tokens were; 0.9 without them, and 0.2 when a check failed."""
    logprobs = candidate.completion.logprobs
    sure = math.exp(logprobs[0]) if logprobs else 0.9
    return Score(sure if good_enough(candidate) else 0.2, "trust")


def hole_of(invocation: Invocation) -> str:
    """The id of the hole that a call is about."""
    return invocation.task.request.request_id.rpartition("/")[2]


def writes(texts: Mapping[str, str | Sequence[str]]) -> Step:
    """Answer for each hole with its text, or its texts one after another; the last one stays."""
    counts: dict[str, int] = {}

    async def step(invocation: Invocation) -> Completion:
        name = hole_of(invocation)
        mine = texts[name]
        if not isinstance(mine, str):
            count = counts[name] = counts.get(name, -1) + 1
            mine = mine[min(count, len(mine) - 1)]
        return await says(mine)(invocation)

    return step


def hole(name: str, *after: str, kind: str = "unspecified", **fields: Any) -> RefineHole:
    """A hole with the default marker that depends on the holes named."""
    spec = fields.pop("spec", HoleSpec(kind=HoleKind(kind)))
    marker = fields.pop("marker", f"<<{name}>>")
    return RefineHole(name, marker, spec, depends_on=after, **fields)


def python_source(text: str, **fields: Any) -> Request:
    """A request for a Python source with markers."""
    constraints = fields.pop("constraints", ())
    suffix = fields.pop("suffix", "")
    return Request(Hole(text, suffix, PYTHON, constraints), "r", **fields)


@dataclass
class Refined:
    """How a refinement ended: `result` is its answer or its fault."""

    result: Any
    ensemble: Ensemble
    exchange: Exchange
    events: list[Any]

    @property
    def fault(self) -> Fault:
        assert isinstance(self.result, Fault), self.result
        return self.result

    @property
    def answer(self) -> Answer:
        assert isinstance(self.result, Answer), self.result
        return self.result

    @property
    def text(self) -> str:
        return self.answer.chosen.completion.text

    @property
    def report(self) -> RefineReport:
        assert isinstance(self.answer.report, RefineReport)
        return self.answer.report

    @property
    def holes(self) -> dict[str, RefinedHole]:
        return {one.id: one for one in self.report.holes}

    @property
    def statuses(self) -> dict[str, str]:
        return {one.id: str(one.status) for one in self.report.holes}

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Each call: the hole and the endpoint."""
        return [(hole_of(one), one.task.endpoint.name) for one in self.ensemble.asked]

    def tasks(self, name: str) -> list[Any]:
        return [one.task for one in self.ensemble.asked if hole_of(one) == name]

    @property
    def progress(self) -> list[HoleProgress]:
        return [event for event in self.events if isinstance(event, HoleProgress)]

    @property
    def waves(self) -> list[list[str]]:
        (started,) = [event for event in self.events if isinstance(event, RefineStarted)]
        return [list(wave) for wave in started.waves]

    def way(self, name: str) -> list[str]:
        """The statuses that a hole went through."""
        return [str(event.hole.status) for event in self.progress if event.hole.id == name]


def refined(
    steps: dict[str, Step],
    request: Request,
    holes: Sequence[RefineHole],
    *,
    clock: VirtualClock | None = None,
    seconds: float = 60.0,
    min_confidence: float = 0.8,
    tools: Any = None,
    settings: Mapping[str, Any] | None = None,
    stream: bool = True,
    **options: Any,
) -> Refined:
    """Run a refinement to its end. `settings` are those of the ensemble."""
    clock = clock or VirtualClock()
    ensemble = Ensemble(clock, steps, **(settings or {}))
    shared = replace(ensemble.client._ensemble, scorer=trust)
    if tools is not None:
        shared = replace(shared, tools=tools)
    unlimited = request.budget is NO_BUDGET
    account = UNLIMITED if unlimited else SpendingAccount(request.budget)
    filler = Filler(shared, ensemble.client.router, account)
    refinement = Refinement(tuple(holes), RefineOptions(**options))

    async def work(exchange: Exchange) -> Answer:
        return await refine(filler, exchange, refinement, min_confidence)

    exchange = ensemble.exchange(request, stream=stream, seconds=seconds)
    try:
        result = run_virtual(clock, deadline(DeadlineSettings(), clock)(work)(exchange))
    except Fault as fault:
        result = fault
    return Refined(result, ensemble, exchange, ensemble.events)

"""EnsembleClient: takes requests through the guards and has their work done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.core.answer import Answer
from gateway.core.composition import PipelineDefinition
from gateway.core.deadline import Deadline
from gateway.core.decision import RoutingDecision
from gateway.core.events import Emit
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.hole import NO_BUDGET, Request, Strategy
from gateway.core.pipeline import PipelineRun
from gateway.core.policy import Account, Call
from gateway.core.ports import Clock
from gateway.core.refinement import Refinement
from gateway.core.tracing import TraceRecorder
from gateway.ensemble.account import UNLIMITED, SpendingAccount
from gateway.ensemble.choosing.chooser import Chooser
from gateway.ensemble.choosing.chosen import Chosen
from gateway.ensemble.filler import Ensemble, Filler
from gateway.ensemble.judge import Scorer
from gateway.ensemble.run import Judgements
from gateway.ensemble.settings import EnsembleSettings
from gateway.ensemble.telling import about_route
from gateway.routing.router import ModelRouter
from gateway.state.budget import TenantBudgets
from gateway.validation.late import NO_TOOLS, Tools

NO_PIPELINES: Mapping[str, PipelineDefinition] = MappingProxyType({})


class EnsembleClient:
    """Fills holes with an ensemble of endpoints. Safe for any number of concurrent requests.

    `calls` holds one call for each endpoint or group of the router's snapshot, already wrapped in
    its stacks; `guards` is the request stack, outermost first; `tenants` has what each tenant may
    spend, if anything is limited; `tools` runs and type-checks candidates, where there is any;
    `chooser` asks the learned layers, without one the rules alone decide.
    `router` may be replaced at any time: requests that run keep the one they began with.
    """

    def __init__(
        self,
        router: ModelRouter,
        calls: Mapping[str, Call],
        *,
        settings: EnsembleSettings,
        scorer: Scorer,
        judgements: Judgements,
        clock: Clock,
        guards: Sequence[Guard] = (),
        tenants: TenantBudgets | None = None,
        tools: Tools = NO_TOOLS,
        pipelines: Mapping[str, PipelineDefinition] = NO_PIPELINES,
        chooser: Chooser | None = None,
    ) -> None:
        self.router = router
        self.pipelines = pipelines
        self._ensemble = Ensemble(calls, settings, scorer, judgements, clock, tools, chooser)
        self._tenants = tenants
        handle: Handle = self._fill
        for guard in reversed(guards):
            handle = guard(handle)
        self.handle: Handle = handle

    async def route(
        self,
        request: Request,
        deadline: Deadline | None = None,
        *,
        explain: bool = False,
        trace: TraceRecorder | None = None,
    ) -> Chosen:
        """Explain where the request would go, without calling any endpoint.

        The decision is recorded like that of a fill. One that is unclear is that of the rules, with
        the questions. `explain` asks the learned layers also where they have no say. Raises Fault.
        """
        ensemble = self._ensemble
        ensemble.checks_of(request)
        until = deadline or Deadline(ensemble.clock() + ensemble.settings.default_deadline_s)
        choosing = self._chosen(request, until, explain=explain, trace=trace)
        if trace is None:
            return await choosing
        return await trace.around("route", choosing, lambda chosen: about_route(chosen.decision))

    async def _chosen(
        self, request: Request, until: Deadline, *, explain: bool, trace: TraceRecorder | None
    ) -> Chosen:
        chooser, router = self._ensemble.chooser, self.router
        if chooser is None:
            return Chosen(router.route(request))
        return await chooser.choose(router, request, until, explain=explain, trace=trace)

    async def generate(
        self, request: Request, *, timeout_s: float | None = None, emit: Emit | None = None
    ) -> Answer:
        """Fill a hole. `emit`, when given, gets the events of a streamed answer.

        Raises Fault; see `core.faults` for what each kind asks of the caller.
        """
        ensemble = self._ensemble
        left = ensemble.settings.default_deadline_s if timeout_s is None else timeout_s
        return await self.handle(Exchange(request, Deadline(ensemble.clock() + left), emit))

    async def rehearse(self, exchange: Exchange) -> RoutingDecision:
        """Do everything of a fill that comes before the first call to an endpoint. Raises Fault."""
        run = await self.filler(UNLIMITED).run(exchange)
        return run.decision

    async def _fill(self, exchange: Exchange) -> Answer:
        filler = self.filler(self._account(exchange.request))
        if isinstance(exchange.work, Refinement):
            from gateway.ensemble.refine.rounds import refine  # noqa: PLC0415 - idle memory

            least = self._ensemble.settings.min_confidence
            return await refine(filler, exchange, exchange.work, least)
        by_strategy = exchange.request.strategy is Strategy.PIPELINE
        if by_strategy or isinstance(exchange.work, PipelineRun):
            from gateway.ensemble.pipeline.runner import (  # noqa: PLC0415 - idle memory
                run_pipeline,
                wanted,
            )

            definition, run = wanted(exchange, self.pipelines)
            return await run_pipeline(filler, exchange, definition, run)
        return await filler.fill(exchange)

    def filler(self, account: Account) -> Filler:
        """Begin work on one request: with today's router and what it may spend."""
        return Filler(self._ensemble, self.router, account)

    def _account(self, request: Request) -> Account:
        if self._tenants is None and request.budget is NO_BUDGET:
            return UNLIMITED
        tenant = None if self._tenants is None else self._tenants.ledger(request.tenant)
        return SpendingAccount(request.budget, tenant)

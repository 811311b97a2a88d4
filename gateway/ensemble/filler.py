"""Fills the holes of one request with one snapshot, one account and one deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate
from gateway.core.decision import RoutingDecision
from gateway.core.endpoint import Endpoint
from gateway.core.events import Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, invalid
from gateway.core.hole import Hole, Request, Strategy
from gateway.core.policy import Account, Call
from gateway.core.ports import Clock, Draft
from gateway.ensemble.best_of_n import best_of_n
from gateway.ensemble.choosing.chooser import Chooser
from gateway.ensemble.ending import is_final, no_answer
from gateway.ensemble.jobs.partial import so_far
from gateway.ensemble.judge import Scorer
from gateway.ensemble.part import Critique, Part, issues_of
from gateway.ensemble.run import Judgements, Run
from gateway.ensemble.sequential import sequential
from gateway.ensemble.settings import EnsembleSettings
from gateway.ensemble.telling import about_route, about_spec
from gateway.routing.router import ModelRouter
from gateway.validation.checks import Checks
from gateway.validation.compile import compile_checks
from gateway.validation.late import Tools

MAX_N = 128
MAX_TEMPERATURE = 2
DEFAULT_N = 3
"""Candidates of BEST_OF_N when neither the request nor the configuration says."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """What all requests share: a call for each endpoint or group, and how texts are judged."""

    calls: Mapping[str, Call]
    settings: EnsembleSettings
    scorer: Scorer
    judgements: Judgements
    clock: Clock
    tools: Tools
    chooser: Chooser | None = None

    def checks(self, hole: Hole) -> Checks:
        """Compile the requirements of a hole. Raises Fault for those that are broken."""
        return compile_checks(hole, tools=self.tools)

    def analysed(self, request: Request) -> Checks:
        """Check a request and compile what its hole requires. Raises Fault."""
        check_request(request)
        return self.checks_of(request)

    def checks_of(self, request: Request) -> Checks:
        """Compile what the hole of a request requires. Raises Fault for what is broken.

        A conversation stands around no hole: its answer is checked by itself.
        """
        hole = request.hole
        return self.checks(hole if request.chat is None else replace(hole, prompt="", suffix=""))


# Not frozen: that costs a microsecond for each request.
@dataclass(slots=True)
class Filler:
    """Fills any number of holes of one request, at the same time if need be.

    The router is that of the request's beginning and the account holds what is left for all.
    """

    ensemble: Ensemble
    router: ModelRouter
    account: Account

    async def fill(
        self,
        exchange: Exchange,
        *,
        without: frozenset[str] = frozenset(),
        draft: Draft | None = None,
    ) -> Answer:
        """Fill the hole of the exchange's request by its strategy.

        Endpoints named in `without` are left out as long as others are left. `draft` is an earlier
        text to be repaired. Raises Fault.
        """
        ensemble = self.ensemble
        started = ensemble.clock()
        run = await self.run(exchange, without=without)
        run.draft = draft
        n, job = _candidates(exchange.request, ensemble.settings, run.decision), exchange.job
        if job is not None and n > 1:
            run.several = True
            job.expect(n)
        if exchange.emit is not None:
            await run.emit(Started(run.decision, exchange.decision_id))
        race = best_of_n(run, n, ensemble.settings.margin) if n > 1 else sequential(run)
        try:
            chosen = await race
        except Fault:
            if job is None or not job.stopping:
                raise
            chosen = so_far(run)
        finally:
            self._teach(exchange)
        if exchange.emit is not None:
            await run.emit_verdicts(chosen.verdicts)
        return Answer(
            chosen,
            run.decision,
            tuple(exchange.attempts),
            _in_order(exchange.candidates),
            ensemble.clock() - started,
            decision_id=exchange.decision_id,
            partial=job is not None and job.stopping,
            steered=job is not None and job.steered,
            job_id="" if job is None else job.id,
        )

    async def part(
        self,
        exchange: Exchange,
        request: Request,
        name: str,
        *,
        without: frozenset[str] = frozenset(),
        draft: Draft | None = None,
    ) -> Part:
        """Fill one hole, or do one step, of the many of an exchange.

        Its attempts stand in the exchange's record under `name` however it ends; its own record
        holds nothing of the others'. A fault is returned, not raised.
        """
        own = Exchange(request, exchange.deadline, trace=exchange.trace, job=exchange.job)
        try:
            work = self.fill(own, without=without, draft=draft)
            trace = exchange.trace
            answer = await (work if trace is None else trace.around(f"part[{name}]", work))
        except Fault as fault:
            return Part(None, fault, tuple(own.candidates), tuple(own.attempts))
        finally:
            exchange.attempts.extend(replace(attempt, part=name) for attempt in own.attempts)
        return Part(answer, None, answer.candidates, answer.attempts)

    async def critique(
        self,
        exchange: Exchange,
        request: Request,
        name: str,
        draft: Draft,
        *,
        index: int = 0,
        without: frozenset[str] = frozenset(),
    ) -> Critique:
        """Ask the first endpoint of the chain that answers what is wrong with a draft.

        `index` numbers the critiques of a request. Endpoints in `without` are left out as long as
        others are left. Attempts are recorded like those of `part`. Raises Fault when no endpoint
        answers.
        """
        own = Exchange(request, exchange.deadline, trace=exchange.trace, job=exchange.job)
        faults: list[Fault] = []
        try:
            run = await self.run(own, without=without)
            for place, endpoint in enumerate(run.chain):
                ahead = run.chain[place + 1 :]
                try:
                    words, by = await run.critique(
                        endpoint, draft, index=index, last=not ahead, ahead=ahead
                    )
                except Fault as fault:
                    faults.append(fault)
                    if is_final(fault):
                        break
                else:
                    return Critique(issues_of(words), by, tuple(own.attempts))
            raise no_answer(faults)
        finally:
            exchange.attempts.extend(replace(attempt, part=name) for attempt in own.attempts)

    async def run(self, exchange: Exchange, *, without: frozenset[str] = frozenset()) -> Run:
        """Check, route and get everything ready for attempts. Raises Fault."""
        ensemble, request, trace = self.ensemble, exchange.request, exchange.trace
        if trace is None:
            checks = ensemble.analysed(request)
        else:
            with trace.stage("spec_analysis") as stage:
                checks = ensemble.analysed(request)
                stage.tell(**about_spec(request.hole, checks))
        routing = self._route(exchange)
        decision = await (routing if trace is None else trace.around("route", routing, about_route))
        return Run(
            exchange,
            decision,
            self._chain(decision, without),
            ensemble.calls,
            checks,
            self.account,
            ensemble.scorer,
            ensemble.judgements,
            ensemble.clock,
            ensemble.settings.hold,
            ensemble.settings.in_flight,
        )

    def _teach(self, exchange: Exchange) -> None:
        """Have routing learn from the test cases that ran, however the filling ended."""
        chooser = self.ensemble.chooser
        if chooser is not None:
            chooser.judged(exchange.decision_id, exchange.candidates, self.router.snapshot)

    async def _route(self, exchange: Exchange) -> RoutingDecision:
        """Decide where the request goes: by the rules, and by what was learned where that is on."""
        chooser = self.ensemble.chooser
        if chooser is None:
            decision = exchange.decision = self.router.route(exchange.request)
            return decision
        chosen = await chooser.choose(
            self.router, exchange.request, exchange.deadline, trace=exchange.trace
        )
        exchange.decision, exchange.decision_id = chosen.decision, chosen.decision_id
        chosen.refuse_unclear()
        return chosen.decision

    def _chain(self, decision: RoutingDecision, without: frozenset[str]) -> tuple[Endpoint, ...]:
        """Name the endpoints that may be tried in sequence."""
        settings = self.ensemble.settings
        names = decision.chain
        if without:
            names = tuple(name for name in names if name not in without) or names
        last = settings.max_attempts if settings.fallback_enabled else 1
        return tuple(map(self.router.snapshot.by_name.__getitem__, names[:last]))


def _candidates(request: Request, settings: EnsembleSettings, decision: RoutingDecision) -> int:
    """How many candidates may be asked for; 1 is sequential fallback.

    What the request says counts first, then what the router found, then the configuration.
    """
    if request.strategy is Strategy.SEQUENTIAL:
        if request.n is not None and request.n > 1:
            raise invalid("n", "applies to BEST_OF_N only; leave it out or change `strategy`")
        return 1
    if request.n is not None:
        return request.n
    if request.strategy is Strategy.BEST_OF_N:
        return settings.best_of_n or DEFAULT_N
    found = 0 if decision.learned is None else decision.learned.candidates
    return found or settings.best_of_n or 1


def check_request(request: Request) -> None:
    """Refuse what no endpoint can serve; the doors check more, a caller in-process passes none."""
    sampling = request.sampling
    if not request.hole.prompt:
        raise invalid("prompt", "must not be empty")
    if request.n is not None and not 1 <= request.n <= MAX_N:
        raise invalid("n", f"must be from 1 to {MAX_N}")
    if sampling.temperature is not None and not 0 <= sampling.temperature <= MAX_TEMPERATURE:
        raise invalid("sampling.temperature", f"must be a number from 0 to {MAX_TEMPERATURE}")
    if sampling.max_tokens is not None and sampling.max_tokens < 1:
        raise invalid("sampling.max_tokens", "must be at least 1")


def _in_order(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    if len(candidates) == 1:
        return (candidates[0],)
    return tuple(sorted(candidates, key=lambda candidate: candidate.index))

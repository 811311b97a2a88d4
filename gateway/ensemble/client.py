"""EnsembleClient: routes a hole, runs the strategy and answers with an explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from gateway.core.candidate import Answer, Candidate
from gateway.core.deadline import Deadline
from gateway.core.decision import RoutingDecision
from gateway.core.endpoint import Endpoint
from gateway.core.events import Emit, Started
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.faults import invalid
from gateway.core.hole import NO_BUDGET, Request, Strategy
from gateway.core.policy import Account, Call
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.ensemble.account import UNLIMITED, SpendingAccount
from gateway.ensemble.best_of_n import best_of_n
from gateway.ensemble.hold import HoldSettings
from gateway.ensemble.judge import Scorer
from gateway.ensemble.run import Judgements, Run
from gateway.ensemble.sequential import sequential
from gateway.routing.router import ModelRouter
from gateway.routing.tokens import prompt_tokens
from gateway.state.budget import TenantBudgets
from gateway.validation.compile import compile_checks

MAX_N = 16
MAX_TEMPERATURE = 2
DEFAULT_N = 3
"""Candidates of BEST_OF_N when neither the request nor the configuration says."""


@value
class EnsembleSettings:
    """How the ensemble works when the request does not say (E-01).

    `max_attempts` is the number of endpoints tried in sequence, the primary included (E-04).
    `best_of_n` is None for sequential fallback, else the number of candidates. `hold` says how
    much of a stream is kept back before the caller sees any of it.
    """

    fallback_enabled: bool = True
    max_attempts: int = 3
    best_of_n: int | None = None
    default_deadline_s: float = 300.0
    hold: HoldSettings = field(default=HoldSettings())


class EnsembleClient:
    """Fills holes with an ensemble of endpoints. Safe for any number of concurrent requests.

    `calls` holds one call for each endpoint or group of the router's snapshot, already wrapped in
    its stacks; `guards` is the request stack, outermost first; `tenants` has what each tenant may
    spend, if anything is limited. `router` may be replaced at any time: requests that run keep the
    one they began with.
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
    ) -> None:
        self.router = router
        self._calls = calls
        self._settings = settings
        self._scorer = scorer
        self._judgements = judgements
        self._clock = clock
        self._tenants = tenants
        handle: Handle = self._fill
        for guard in reversed(guards):
            handle = guard(handle)
        self.handle: Handle = handle

    def route(self, request: Request) -> RoutingDecision:
        """Explain where the request would go, without calling anything. Raises Fault."""
        compile_checks(request.hole)
        return self.router.route(request)

    async def generate(
        self, request: Request, *, timeout_s: float | None = None, emit: Emit | None = None
    ) -> Answer:
        """Fill a hole. `emit`, when given, gets the events of a streamed answer.

        Raises Fault; see `core.faults` for what each kind asks of the caller.
        """
        left = self._settings.default_deadline_s if timeout_s is None else timeout_s
        return await self.handle(Exchange(request, Deadline(self._clock() + left), emit))

    async def _fill(self, exchange: Exchange) -> Answer:
        started = self._clock()
        request = exchange.request
        _check(request)
        n = self._candidates(request)
        checks = compile_checks(request.hole)
        router = self.router
        decision = exchange.decision = router.route(request)
        run = Run(
            exchange,
            decision,
            self._chain(router, decision),
            self._calls,
            checks,
            self._account(request),
            self._scorer,
            self._judgements,
            self._clock,
            self._settings.hold,
        )
        if exchange.emit is not None:
            await run.emit(Started(decision))
        chosen = await (best_of_n(run, n) if n > 1 else sequential(run))
        if exchange.emit is not None:
            await run.emit_verdicts(chosen.verdicts)
        return Answer(
            chosen,
            decision,
            tuple(exchange.attempts),
            _in_order(exchange.candidates),
            self._clock() - started,
        )

    def _account(self, request: Request) -> Account:
        if self._tenants is None and request.budget is NO_BUDGET:
            return UNLIMITED
        tenant = None if self._tenants is None else self._tenants.ledger(request.tenant)
        return SpendingAccount(request.budget, prompt_tokens(request.hole), tenant)

    def _chain(self, router: ModelRouter, decision: RoutingDecision) -> tuple[Endpoint, ...]:
        """Name the endpoints that may be tried in sequence."""
        last = self._settings.max_attempts if self._settings.fallback_enabled else 1
        return tuple(map(router.snapshot.by_name.__getitem__, decision.chain[:last]))

    def _candidates(self, request: Request) -> int:
        """How many candidates are asked for at once; 1 is sequential fallback."""
        if request.strategy is Strategy.SEQUENTIAL:
            if request.n is not None and request.n > 1:
                raise invalid("n", "applies to BEST_OF_N only; leave it out or change `strategy`")
            return 1
        if request.n is not None:
            return request.n
        configured = self._settings.best_of_n
        if request.strategy is Strategy.BEST_OF_N:
            return configured or DEFAULT_N
        return configured or 1


def _check(request: Request) -> None:
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

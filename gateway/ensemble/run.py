"""One exchange while the ensemble works on it: makes attempts, judges what comes back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.decision import RoutingDecision
from gateway.core.endpoint import Endpoint
from gateway.core.events import AttemptFailed, Delta, Event, Judged
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Sampling
from gateway.core.policy import Account, Call, Invocation
from gateway.core.ports import Clock, Task
from gateway.ensemble.judge import Scorer, good_enough
from gateway.routing.sampling import plan_sampling
from gateway.validation.compile import Checks


class Judgements(Protocol):
    """Counts what the checks found about each endpoint's candidates."""

    def judged(self, endpoint: str, confidence: float) -> None:
        """Count the confidence in one candidate."""
        ...


@dataclass(slots=True)
class Run:
    """What a strategy works with. `chain` holds the endpoints it may call, in order."""

    exchange: Exchange
    decision: RoutingDecision
    chain: tuple[Endpoint, ...]
    calls: Mapping[str, Call]
    checks: Checks
    account: Account
    scorer: Scorer
    judgements: Judgements
    clock: Clock

    def plan(self, endpoint: Endpoint) -> Sampling:
        """Choose the sampling for an endpoint where the caller left it open."""
        return plan_sampling(self.exchange.request, endpoint, self.decision.complexity)

    async def attempt(
        self,
        endpoint: Endpoint,
        *,
        index: int = 0,
        sampling: Sampling | None = None,
        streamed: bool = False,
        last: bool = True,
    ) -> Candidate:
        """Call one endpoint and judge its text. Raises Fault when there is no text.

        `streamed` hands the text to the listener as it comes; `last` says that no other endpoint
        would be tried after this one.
        """
        exchange = self.exchange
        task = Task(
            exchange.request,
            endpoint,
            sampling or self.plan(endpoint),
            index,
            "".join(exchange.streamed),
        )
        refusal = self.account.reserve(task)
        if refusal:
            fault = Fault(Kind.EXHAUSTED, Origin.CALLER, Reason.BUDGET_EXHAUSTED, refusal)
            exchange.attempts.append(
                Attempt(
                    endpoint.name, 1, AttemptStatus.SKIPPED, fault.reason, refusal, candidate=index
                )
            )
            raise fault
        invocation = Invocation(task, exchange.deadline, exchange.attempts, self.account, last=last)
        emit = exchange.emit
        if streamed and emit is not None:

            async def send(text: str) -> None:
                invocation.sent = True
                exchange.streamed.append(text)
                await emit(Delta(text, index, endpoint.name))

            invocation.send = send
        started = self.clock()
        completion = await self.calls[endpoint.name](invocation)
        if task.partial:
            completion = replace(completion, text=task.partial + completion.text)
        return await self._judge(completion, task, self.clock() - started)

    async def _judge(self, completion: Completion, task: Task, elapsed_s: float) -> Candidate:
        checks, started = self.checks, self.clock()
        if checks.costly(completion.text):
            verdicts = await asyncio.to_thread(checks.run, completion.text)
        else:
            verdicts = checks.run(completion.text)
        unscored = Candidate(
            task.candidate,
            task.endpoint.name,
            completion,
            verdicts,
            seed=task.sampling.seed,
            temperature=task.sampling.temperature,
            elapsed_s=elapsed_s,
            check_s=self.clock() - started,
        )
        score = self.scorer(unscored, None)
        self.judgements.judged(task.endpoint.name, score.value if score.finite else math.nan)
        candidate = unscored.rated(score.value, score.method)
        self.exchange.candidates.append(candidate)
        if not good_enough(candidate):
            self._mark_rejected(candidate)
        return candidate

    def _mark_rejected(self, candidate: Candidate) -> None:
        failed = [v for v in candidate.verdicts if v.status is VerdictStatus.FAILED]
        attempts = self.exchange.attempts
        for place in range(len(attempts) - 1, -1, -1):
            attempt = attempts[place]
            if attempt.candidate == candidate.index and attempt.status is AttemptStatus.OK:
                attempts[place] = replace(
                    attempt,
                    status=AttemptStatus.REJECTED,
                    reason=Reason.CHECK_FAILED,
                    detail="failed: " + ", ".join(verdict.constraint for verdict in failed),
                )
                return

    async def emit(self, event: Event) -> None:
        """Tell the listener of a streamed answer; does nothing for a unary one."""
        if self.exchange.emit is not None:
            await self.exchange.emit(event)

    async def emit_left(self) -> None:
        """Tell the listener that the attempt recorded last was left."""
        if self.exchange.emit is not None and self.exchange.attempts:
            await self.exchange.emit(AttemptFailed(self.exchange.attempts[-1]))

    async def emit_verdicts(self, verdicts: tuple[Verdict, ...]) -> None:
        """Tell the listener what the checks found about the chosen text."""
        if self.exchange.emit is not None:
            for verdict in verdicts:
                await self.exchange.emit(Judged(verdict))

    async def emit_text(self, text: str, candidate: int, endpoint: str) -> None:
        """Hand a piece of text to the listener and remember it as streamed."""
        if self.exchange.emit is not None:
            self.exchange.streamed.append(text)
            await self.exchange.emit(Delta(text, candidate, endpoint))

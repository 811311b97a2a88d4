"""One exchange while the ensemble works on it: makes attempts, judges what comes back."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.core.candidate import AttemptStatus, Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.decision import RoutingDecision
from gateway.core.endpoint import Endpoint
from gateway.core.events import AttemptFailed, Delta, Emit, Event, Judged
from gateway.core.exchange import Exchange
from gateway.core.faults import Reason
from gateway.core.hole import Sampling
from gateway.core.jobs import Steering
from gateway.core.policy import Account, Call, Invocation
from gateway.core.ports import Clock, Draft, Operation, SendText, Task
from gateway.ensemble.checking import check_text
from gateway.ensemble.hold import Boundary, Hold, HoldSettings
from gateway.ensemble.judge import Scorer, good_enough
from gateway.ensemble.telling import about_checks
from gateway.routing.sampling import plan_sampling
from gateway.validation.checks import Checks

CRITIQUE_TOKENS = 512
"""Most tokens of a critique: some lines, whatever the size of the hole."""


class Judgements(Protocol):
    """Counts what the checks found about each endpoint's candidates."""

    def judged(self, endpoint: str, confidence: float) -> None:
        """Count the confidence in one candidate."""
        ...


@dataclass(slots=True)
class Run:
    """What a strategy works with.

    `chain` holds the endpoints it may call, in order. Of several candidates `in_flight` are asked
    for at once. `draft`, when set, is an earlier text that the next attempts are to repair.
    `several` says that candidates are asked for side by side: none has another one after it.
    """

    exchange: Exchange
    decision: RoutingDecision
    chain: tuple[Endpoint, ...]
    calls: Mapping[str, Call]
    checks: Checks
    account: Account
    scorer: Scorer
    judgements: Judgements
    clock: Clock
    hold: HoldSettings
    in_flight: int = 4
    draft: Draft | None = None
    several: bool = False

    def plan(self, endpoint: Endpoint) -> Sampling:
        """Choose the sampling for an endpoint where the caller left it open."""
        return plan_sampling(self.exchange.request, endpoint, self.decision.complexity)

    def attempt(
        self,
        endpoint: Endpoint,
        *,
        index: int = 0,
        sampling: Sampling | None = None,
        streamed: bool = False,
        last: bool = True,
        ahead: tuple[Endpoint, ...] = (),
    ) -> Awaitable[Candidate]:
        """Call one endpoint and judge its text, once awaited. Raises Fault when there is no text.

        `streamed` hands the text to the listener as it comes; `last` says that no other endpoint
        would be tried after this one; `ahead` names those that would, in order.
        """
        exchange = self.exchange
        job, planned = exchange.job, sampling or self.plan(endpoint)
        if job is not None:
            if job.held:
                return self._once_free(
                    job,
                    lambda: self.attempt(
                        endpoint,
                        index=index,
                        sampling=sampling,
                        streamed=streamed,
                        last=last,
                        ahead=ahead,
                    ),
                )
            planned = job.dials.sampling(planned)
        # Text that the caller has seen is gone on from: it cannot be written anew.
        draft = None if exchange.streamed else self.draft
        task = Task(
            exchange.request,
            endpoint,
            planned,
            index,
            "".join(exchange.streamed),
            operation=Operation.GENERATE if draft is None else Operation.REPAIR,
            draft=draft,
        )
        invocation = self._invocation(task, last=last, ahead=ahead)
        if streamed and exchange.emit is not None:
            invocation.send = self._sender(invocation, exchange.emit)
        work, trace = self._attempted(invocation), exchange.trace
        if trace is None:
            return work
        return trace.around(trace.next_attempt(), work, told=self._about(task))

    async def _once_free(
        self, job: Steering, start: Callable[[], Awaitable[Candidate]]
    ) -> Candidate:
        """Wait until the job may go on; what was commanded meanwhile counts for the attempt."""
        await job.ready()
        return await start()

    async def _attempted(self, invocation: Invocation) -> Candidate:
        task, started = invocation.task, self.clock()
        completion = await self._called(invocation)
        if task.partial:
            completion = replace(completion, text=task.partial + completion.text)
        elapsed_s = self.clock() - started
        return await self._judge(completion, task, _answered_by(invocation), elapsed_s)

    async def critique(
        self,
        endpoint: Endpoint,
        draft: Draft,
        *,
        index: int,
        last: bool,
        ahead: tuple[Endpoint, ...],
    ) -> tuple[str, str]:
        """Ask one endpoint what is wrong with a draft; return its words and who wrote them.

        `index` numbers the critiques of a request. What the caller said of the fill's length and
        end does not hold for words about it.
        """
        job = self.exchange.job
        if job is not None and job.held:
            await job.ready()
        task = Task(
            self.exchange.request,
            endpoint,
            replace(self.plan(endpoint), max_tokens=CRITIQUE_TOKENS, stop=()),
            index,
            operation=Operation.CRITIQUE,
            draft=draft,
        )
        invocation = self._invocation(task, last=last, ahead=ahead)
        work, trace = self._called(invocation), self.exchange.trace
        if trace is not None:
            work = trace.around(trace.next_attempt(), work, told=self._about(task))
        completion = await work
        return completion.text, _answered_by(invocation)

    def _called(self, invocation: Invocation) -> Awaitable[Completion]:
        """Make a call, so that a command to the job can end it."""
        call, job = self.calls[invocation.task.endpoint.name], self.exchange.job
        if job is None:
            return call(invocation)
        return job.attempt(call, invocation, skippable=not (invocation.last or self.several))

    def _about(self, task: Task) -> dict[str, object]:
        """What a trace says of an attempt, beside its tries."""
        name, sampling = task.endpoint.name, task.sampling
        return {
            "endpoint": name,
            "operation": task.operation,
            "candidate": task.candidate,
            "fallback": name != self.decision.primary,
            "seed": sampling.seed,
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "resumed_at": len(task.partial),
        }

    def _invocation(self, task: Task, *, last: bool, ahead: tuple[Endpoint, ...]) -> Invocation:
        exchange = self.exchange
        return Invocation(
            task,
            exchange.deadline,
            exchange.attempts,
            self.account,
            last=last,
            ahead=ahead,
            trace=exchange.trace,
        )

    def _sender(self, invocation: Invocation, emit: Emit) -> SendText:
        """Make what hands an attempt's text to the listener, from its first boundary on."""
        streamed, job = self.exchange.streamed, self.exchange.job
        index = invocation.task.candidate
        hold = Hold(self.hold.most_chars, self.checks)
        # What goes on from text already sent is committed to already.
        held = self.hold.boundary is Boundary.LINE and not streamed
        try_number = invocation.try_number

        async def send(text: str) -> None:
            nonlocal held, try_number
            if job is not None and job.held:
                # Until it returns, the upstream reads no more: flow control holds the endpoint.
                await job.ready()
            if held:
                if invocation.try_number != try_number:
                    try_number = invocation.try_number
                    hold.drop()
                text = await hold.take(text)
                if not text:
                    return
                held = False
            invocation.sent = True
            streamed.append(text)
            # Of a group, the replica that is called now.
            writer = invocation.writer or invocation.task.endpoint.name
            await emit(Delta(text, index, writer))

        return send

    async def _judge(
        self, completion: Completion, task: Task, answered_by: str, elapsed_s: float
    ) -> Candidate:
        checks, started, trace = self.checks, self.clock(), self.exchange.trace
        if completion.tool_calls:
            checks = checks.for_calls()
        checking = check_text(checks, completion.text, self.exchange.deadline, self.clock)
        if trace is not None:
            told = {"chars": len(completion.text)}
            checking = trace.around("validate", checking, about_checks, told=told)
        found = await checking
        unscored = Candidate(
            task.candidate,
            answered_by,
            completion,
            found.verdicts,
            seed=task.sampling.seed,
            temperature=task.sampling.temperature,
            elapsed_s=elapsed_s,
            check_s=self.clock() - started,
            behaviour=found.behaviour,
        )
        score = self.scorer(unscored, None)
        if trace is not None:
            checked = started + unscored.check_s
            elapsed = self.clock() - checked
            trace.record("score", checked, elapsed, confidence=score.value, method=score.method)
        self.judgements.judged(answered_by, score.value if score.finite else math.nan)
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
        """Tell the listener that the attempt recorded last was left.

        Of calls made at once those that were cancelled are recorded last, and explain nothing.
        """
        attempts = self.exchange.attempts
        if self.exchange.emit is not None and attempts:
            ended = (one for one in reversed(attempts) if one.status is not AttemptStatus.CANCELLED)
            await self.exchange.emit(AttemptFailed(next(ended, attempts[-1])))

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


def _answered_by(invocation: Invocation) -> str:
    """Name who wrote the text: of a group, the replica that was called."""
    done = invocation.done
    return invocation.task.endpoint.name if done is None else done.endpoint

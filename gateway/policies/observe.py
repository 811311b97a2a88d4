"""Every call leaves a record: in the answer and in the metrics."""

from __future__ import annotations

import asyncio

from gateway.core.candidate import NO_USAGE, Attempt, AttemptStatus, Completion, Usage
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.outcome import Outcome, did_no_work, outcome_of
from gateway.core.policy import Call, Invocation, Policy, Recorder, record_try
from gateway.core.ports import Clock

CHARACTERS_PER_TOKEN = 4
"""For the cost of a call whose endpoint did not tell its tokens: the usual mean of code."""

NOT_NEEDED = "ended by the gateway: the caller left, the time was over, or another won"
"""Of a call that was cancelled and that no command ended."""


def observe(recorder: Recorder, clock: Clock) -> Policy:
    """Record each call exactly once, however it ends: answered, failed or cancelled.

    The record is appended to the request's and left in `invocation.done`. Its cost is that of the
    tokens reported. An endpoint that reported none, since the answer was cut, cancelled or came
    without them, is taken to have read and written a token for every 4 characters of the prompt,
    the suffix and the text received so far; one that did not take the call on costs nothing.
    """

    def wrap(call: Call) -> Call:
        async def observed(invocation: Invocation) -> Completion:
            endpoint = invocation.task.endpoint
            started = clock()
            recorder.started(endpoint.name)
            try:
                completion = await call(invocation)
            except Fault as fault:
                elapsed = clock() - started
                recorder.ended(endpoint.name, outcome_of(fault), elapsed)
                status = (
                    AttemptStatus.TIMEOUT if fault.kind is Kind.DEADLINE else AttemptStatus.FAILED
                )
                _append(invocation, status, elapsed, fault.reason, fault.message)
                raise
            except BaseException as error:
                elapsed = clock() - started
                recorder.ended(endpoint.name, Outcome.NOT_COUNTED, elapsed)
                status, reason, detail = _ended_by_us(error, invocation)
                _append(invocation, status, elapsed, reason, detail)
                raise
            elapsed = clock() - started
            recorder.ended(endpoint.name, Outcome.SUCCESS, elapsed)
            invocation.received = len(completion.text)
            _append(invocation, AttemptStatus.OK, elapsed, usage=completion.usage)
            return completion

        return observed

    return wrap


def _ended_by_us(error: BaseException, invocation: Invocation) -> tuple[AttemptStatus, Reason, str]:
    """Name a cancellation, or a bug: neither may leave the attempt in flight for ever."""
    if isinstance(error, asyncio.CancelledError):
        return AttemptStatus.CANCELLED, Reason.NOT_NEEDED, invocation.given_up or NOT_NEEDED
    return AttemptStatus.FAILED, Reason.INTERNAL_ERROR, "ended by a bug of the gateway"


def _append(
    invocation: Invocation,
    status: AttemptStatus,
    elapsed_s: float,
    reason: str = "",
    detail: str = "",
    usage: Usage = NO_USAGE,
) -> None:
    task = invocation.task
    price = task.endpoint.cost_micros_per_1k
    tokens = usage.prompt_tokens + usage.completion_tokens
    if price and not tokens and not did_no_work(reason, invocation.received):
        tokens = _tokens_guessed(invocation)
    attempt = Attempt(
        task.endpoint.name,
        invocation.try_number,
        status,
        reason,
        detail,
        elapsed_s,
        usage,
        tokens * price // 1000,
        task.candidate,
    )
    invocation.attempts.append(attempt)
    invocation.done = attempt
    if invocation.trace is not None:
        record_try(invocation.trace, attempt, invocation.trace.clock() - elapsed_s)


def _tokens_guessed(invocation: Invocation) -> int:
    task = invocation.task
    hole = task.request.hole
    read = len(hole.prompt) + len(hole.suffix) + len(task.partial)
    return -(-(read + invocation.received) // CHARACTERS_PER_TOKEN)

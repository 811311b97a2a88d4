"""Every try leaves a record: in the answer, in the metrics and in the request's account."""

from __future__ import annotations

import asyncio

from gateway.core.candidate import NO_USAGE, Attempt, AttemptStatus, Completion, Usage
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.policy import Call, Invocation, Policy, Recorder
from gateway.core.ports import Clock


def observe(recorder: Recorder, clock: Clock) -> Policy:
    """Record each try exactly once, however it ends: answered, failed or cancelled."""

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
                _append(invocation, _status(fault), elapsed, fault.reason, fault.message)
                raise
            except BaseException as error:
                elapsed = clock() - started
                recorder.ended(endpoint.name, Outcome.NOT_COUNTED, elapsed)
                status, reason, detail = _ended_by_us(error)
                _append(invocation, status, elapsed, reason, detail)
                raise
            elapsed = clock() - started
            recorder.ended(endpoint.name, Outcome.SUCCESS, elapsed)
            _append(invocation, AttemptStatus.OK, elapsed, usage=completion.usage)
            return completion

        return observed

    return wrap


def _ended_by_us(error: BaseException) -> tuple[AttemptStatus, Reason, str]:
    """Name a cancellation, or a bug: neither may leave the attempt in flight for ever."""
    if isinstance(error, asyncio.CancelledError):
        words = "ended by the gateway: the caller left, the time was over or another won"
        return AttemptStatus.CANCELLED, Reason.NOT_NEEDED, words
    return AttemptStatus.FAILED, Reason.INTERNAL_ERROR, "ended by a bug of the gateway"


def _status(fault: Fault) -> AttemptStatus:
    if fault.kind is not Kind.DEADLINE:
        return AttemptStatus.FAILED
    # A deadline of ours is one that was over before the endpoint was called.
    return AttemptStatus.SKIPPED if fault.origin is Origin.US else AttemptStatus.TIMEOUT


def _append(
    invocation: Invocation,
    status: AttemptStatus,
    elapsed_s: float,
    reason: str = "",
    detail: str = "",
    usage: Usage = NO_USAGE,
) -> None:
    task = invocation.task
    tokens = usage.prompt_tokens + usage.completion_tokens
    attempt = Attempt(
        task.endpoint.name,
        invocation.try_number,
        status,
        reason,
        detail,
        elapsed_s,
        usage,
        tokens * task.endpoint.cost_micros_per_1k // 1000,
        task.candidate,
    )
    invocation.attempts.append(attempt)
    invocation.account.settle(task, attempt)

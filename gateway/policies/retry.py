"""The one layer that retries: transient faults only, on the same endpoint, within the deadline.

Waits grow as base * factor^(n-1), capped, with full jitter: a uniform draw between 0 and the cap
(Brooker, "Exponential Backoff And Jitter", 2015). An endpoint that says how long to wait is obeyed
exactly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Reason
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.ports import Clock
from gateway.core.value import value

Sleep = Callable[[float], Awaitable[None]]


@value
class RetrySettings:
    """`max_tries` counts the first try; waits are in seconds."""

    max_tries: int = 3
    base_s: float = 0.1
    factor: float = 2.0
    max_s: float = 2.0


def retry(
    settings: RetrySettings,
    clock: Clock,
    draw: Callable[[], float],
    sleep: Sleep = asyncio.sleep,
) -> Policy:
    """Try again after a transient fault.

    `draw` returns uniform numbers in [0, 1). An endpoint that cannot be connected to is tried
    again only when no other endpoint would be tried after it. Nothing is retried once text was
    sent to the caller, when the wait would outlast the deadline, or when the request's account
    refuses another call: the last fault is raised as it is.
    """

    def wrap(call: Call) -> Call:
        async def retried(invocation: Invocation) -> Completion:
            try:
                return await call(invocation)
            except Fault as fault:
                # tenacity costs tens of microseconds even when all is well, so it is entered
                # only now.
                if settings.max_tries == 1 or not _may_retry(invocation, fault):
                    raise
                return await _again(invocation, fault)

        async def _again(invocation: Invocation, first: Fault) -> Completion:
            async def attempt() -> Completion:
                nonlocal first_raised
                if not first_raised:
                    first_raised = True
                    raise first
                invocation.try_number += 1
                return await call(invocation)

            def too_late(state: RetryCallState) -> bool:
                return state.upcoming_sleep >= invocation.deadline.left(clock())

            first_raised = False
            retrying = AsyncRetrying(
                retry=retry_if_exception(
                    lambda error: isinstance(error, Fault) and _may_retry(invocation, error)
                ),
                stop=lambda state: tries_over(state) or too_late(state) or refused(invocation),
                wait=lambda state: _wait_s(settings, state, draw()),
                sleep=sleep,
                reraise=True,
            )
            return await retrying(attempt)

        tries_over = stop_after_attempt(settings.max_tries)
        return retried

    def refused(invocation: Invocation) -> bool:
        return bool(invocation.account.reserve(invocation.task))

    return wrap


def _may_retry(invocation: Invocation, fault: Fault) -> bool:
    if invocation.sent or not fault.retryable:
        return False
    # A connection that cannot be made is not made by asking again; the next endpoint is nearer.
    return invocation.last or fault.reason is not Reason.UPSTREAM_UNREACHABLE


def _wait_s(settings: RetrySettings, state: RetryCallState, drawn: float) -> float:
    fault = state.outcome.exception() if state.outcome else None
    if isinstance(fault, Fault) and fault.retry_after_s is not None:
        return fault.retry_after_s
    # The exponent is bounded by max_tries, so the power cannot overflow.
    cap: float = settings.base_s * settings.factor ** (state.attempt_number - 1)
    return drawn * min(settings.max_s, cap)

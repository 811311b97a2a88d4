"""Retries without waiting: what was slept is noted, and moves a virtual clock."""

from __future__ import annotations

from gateway.core.candidate import Attempt, AttemptStatus, Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Invocation
from gateway.policies.retry import RetrySettings, retry
from gateway.state.throttle import Throttle, ThrottleSettings
from tests.fakes.values import make_invocation
from tests.fakes.virtual import VirtualClock, run_virtual

DONE = Completion("done")
MADE = Attempt("alpha", 1, AttemptStatus.OK)
MIDDLE = 0.5
"""The draw that makes each wait exactly its step."""


def unreachable() -> Fault:
    return Fault(
        Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNREACHABLE, "gone", retryable=True
    )


def overloaded(*, retry_after_s: float | None = 0.3) -> Fault:
    return Fault(
        Kind.EXHAUSTED,
        Origin.UPSTREAM,
        Reason.UPSTREAM_OVERLOADED,
        "too much",
        retry_after_s=retry_after_s,
        retryable=retry_after_s is not None,
    )


def plenty() -> Throttle:
    """A throttle that no test empties by accident."""
    return Throttle(ThrottleSettings(1000))


def run(call, invocation, *, settings=None, draw=lambda: MIDDLE, clock=None, **terms):
    clock = clock or VirtualClock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    async def recorded(invocation: Invocation) -> Completion:
        skipped = len(invocation.attempts)
        try:
            return await call(invocation)
        finally:
            if len(invocation.attempts) == skipped:
                invocation.done = MADE

    throttle = terms.pop("throttle", None) or plenty()
    policy = retry(settings or RetrySettings(), clock, draw, throttle, sleep, **terms)
    try:
        result = run_virtual(clock, policy(recorded)(invocation))
    except Fault as fault:
        result = fault
    return result, slept


def fallback_left() -> Invocation:
    invocation = make_invocation()
    invocation.last = False
    return invocation

"""The one layer that retries: transient faults only, within the deadline, as gRFC A6 has it.

The n-th retry waits min(base * factor^(n-1), max) * U(0.8, 1.2) (grpc/proposal
`A6-client-retries.md`, decision 0017). An endpoint that says how long to wait is obeyed exactly,
after which the waits begin at base again. Text handed on is our commit point, where A6 has the
response headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf
from typing import Protocol, cast

from tenacity import AsyncRetrying, Future, RetryCallState, retry_if_exception

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Reason
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.ports import Clock
from gateway.core.value import value

MOST_TRIES = 5
"""More tries than this are taken for this many (gRFC A6)."""

LARGEST = 86_400.0
"""No wait is longer than a day, and no power of a factor overflows."""

JITTER_FROM, JITTER_SPAN = 0.8, 0.4

UNPROCESSED = frozenset({Reason.UPSTREAM_UNREACHABLE, Reason.UPSTREAM_OVERLOADED})
"""Faults that prove that the request was not worked on."""

Sleep = Callable[[float], Awaitable[None]]


@value
class RetrySettings:
    """`max_tries` counts the first try, and above 5 counts as 5; waits are in seconds.

    Raises ValueError for what cannot be followed.
    """

    max_tries: int = 3
    base_s: float = 0.1
    factor: float = 2.0
    max_s: float = 2.0

    def __post_init__(self) -> None:
        if self.max_tries < 1:
            raise ValueError(f"max_tries must be at least 1, not {self.max_tries}")
        for name in ("base_s", "factor", "max_s"):
            number: float = getattr(self, name)
            if not 0 < number <= LARGEST:
                raise ValueError(f"{name} must be above 0 and at most {LARGEST:g}, not {number}")


class Throttle(Protocol):
    """Knows how many of an endpoint's calls failed lately."""

    def succeeded(self) -> None:
        """Count a call that was answered."""
        ...

    def failed(self, fault: Fault) -> None:
        """Count a call that failed, if it is one that counts."""
        ...

    def allows(self) -> bool:
        """Say whether a call may be made again."""
        ...

    def retried(self) -> None:
        """Count a retry."""
        ...


def retry(
    settings: RetrySettings,
    clock: Clock,
    draw: Callable[[], float],
    throttle: Throttle,
    sleep: Sleep = asyncio.sleep,
    *,
    able: Callable[[], bool] = lambda: True,
) -> Policy:
    """Try again after a transient fault; raise the last fault as it is when that is no use.

    `draw` returns uniform numbers in [0, 1). The first try is always made; there is no other once
    text was sent, after a hedge, while the throttle refuses, or when the wait would outlast the
    deadline or the time for the first text. A wait asked for that is longer than `max_s` is left
    to the next endpoint when there is one, and so is one that cannot be connected to. An endpoint
    that is not idempotent is asked again only when it cannot have worked on the request.

    A group is tried again at once while it has a replica that was not called yet and may be
    (`Invocation.elsewhere`): that one is not to blame. Nothing is waited for while `able` says that
    the endpoint, or each of a group, would not be called now: its circuit breaker is open.
    """
    terms = _Terms(settings, clock, draw, throttle, sleep, able)
    succeeded = throttle.succeeded

    def wrap(call: Call) -> Call:
        async def retried(invocation: Invocation) -> Completion:
            try:
                completion = await call(invocation)
            except Fault as fault:
                tries = _Tries(terms, call, invocation, fault)
                tries.count(fault)
                if not tries.worth_another(fault):
                    raise
                return await tries.run()
            succeeded()
            return completion

        return retried

    return wrap


@value
class _Terms:
    """What all tries go by."""

    settings: RetrySettings
    clock: Clock
    draw: Callable[[], float]
    throttle: Throttle
    sleep: Sleep
    able: Callable[[], bool]


class _Tries:
    """The tries of one invocation whose first failed."""

    __slots__ = (
        "_backoffs",
        "_call",
        "_first",
        "_invocation",
        "_made",
        "_not_before",
        "_task",
        "_terms",
    )

    def __init__(self, terms: _Terms, call: Call, invocation: Invocation, first: Fault) -> None:
        self._terms = terms
        self._call = call
        self._invocation = invocation
        self._task = invocation.task
        self._first: Fault | None = first
        # Not the try number, which a hedge moves on even when it is refused.
        self._made = 1
        self._backoffs = 0
        self._not_before = -inf

    async def run(self) -> Completion:
        """Try until there is an answer or no use in another try."""
        # tenacity costs tens of microseconds even when all is well: it is entered only now.
        retrying = AsyncRetrying(
            retry=retry_if_exception(self.worth_another),
            wait=self._wait_s,
            stop=self._too_long,
            sleep=self._terms.sleep,
            reraise=True,
        )
        return await retrying(self._try)

    async def _try(self) -> Completion:
        first, self._first = self._first, None
        if first is not None:
            raise first
        invocation, throttle = self._invocation, self._terms.throttle
        invocation.task = replace(self._task, tries_before=self._made)
        invocation.try_number += 1
        invocation.done = None
        self._made += 1
        try:
            completion = await self._call(invocation)
        except Fault as fault:
            self.count(fault)
            raise
        finally:
            # One that was refused before it reached the endpoint left no such record.
            if invocation.done is not None:
                throttle.retried()
        throttle.succeeded()
        return completion

    def count(self, fault: Fault) -> None:
        """Count the fault of a try in the throttle, once."""
        invocation = self._invocation
        # `hedge` counts the faults of calls made side by side, of which only one comes here.
        if not invocation.counted:
            self._terms.throttle.failed(fault)
        invocation.counted = False

    def worth_another(self, error: BaseException) -> bool:
        """Say whether another try may help after this error."""
        invocation, terms = self._invocation, self._terms
        if not isinstance(error, Fault) or not error.retryable:
            return False
        most = min(terms.settings.max_tries, MOST_TRIES)
        if invocation.sent or invocation.hedged or self._made >= most:
            return False
        if not (invocation.task.endpoint.idempotent or error.reason in UNPROCESSED):
            return False
        # A connection that cannot be made is not made by asking again; the next endpoint is nearer.
        unreachable = error.reason is Reason.UPSTREAM_UNREACHABLE
        if unreachable and invocation.elsewhere:
            # The call that was let pass has reached nobody yet (A6: a transparent retry).
            return True
        return terms.throttle.allows() and (invocation.last or not unreachable) and terms.able()

    def _wait_s(self, state: RetryCallState) -> float:
        """Choose the wait after the fault of the try that ended."""
        hint_s = _fault_of(state).retry_after_s
        now = self._terms.clock()
        if self._invocation.elsewhere:
            # What one replica asks for binds no other, but holds when its turn comes again.
            self._not_before = max(self._not_before, now + (hint_s or 0.0))
            return 0.0
        if hint_s is None:
            settings = self._terms.settings
            step = min(settings.base_s * settings.factor**self._backoffs, settings.max_s)
            self._backoffs += 1
            wait_s = step * (JITTER_FROM + JITTER_SPAN * self._terms.draw())
        else:
            self._backoffs = 0
            wait_s = hint_s
        return max(wait_s, self._not_before - now)

    def _too_long(self, state: RetryCallState) -> bool:
        """Say whether the wait chosen is too long to be worth it."""
        invocation, now = self._invocation, self._terms.clock()
        wait_s = state.upcoming_sleep
        asked_for = _fault_of(state).retry_after_s is not None or self._not_before > now
        if asked_for and wait_s > self._terms.settings.max_s and not invocation.last:
            return True
        return now + wait_s >= min(invocation.deadline.at, invocation.first_by)


def _fault_of(state: RetryCallState) -> Fault:
    return cast("Fault", cast("Future", state.outcome).exception())

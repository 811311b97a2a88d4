"""A second call beside one that is slower than nearly all others, as gRFC A6 has it.

What A6 calls a response is here a fault, or an answer:

    answer                  the other calls are cancelled
    retryable fault         non-fatal: the next call is made at once, or after the `retry_after_s`
                            that the endpoint asks for, and later ones after the delay again
    fault in ENDS_ITSELF    no further call is made, those under way go on: the endpoint asked not
                            to be called (A6's pushback), used up its own time, which A6 does not
                            know, or was not called at all
    any other fault         fatal: all calls are cancelled

A6 lets a method have either retries or hedges. Here both may stand: a call that fails is left to
`retry` when no hedge was sent, be it not allowed or refused; a hedged one is never retried.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from gateway.core.candidate import Completion
from gateway.core.deadline import Deadline
from gateway.core.faults import Fault, Reason
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.ports import Clock, SendText, Task
from gateway.core.value import value

MOST_CALLS = 5
"""More calls than this are taken for this many (gRFC A6)."""

NOBODY = 0
"""No call: try numbers begin at 1."""

NOT_SENT = frozenset(
    {
        Reason.BREAKER_OPEN,
        Reason.ENDPOINT_SATURATED,
        Reason.ENDPOINT_UNHEALTHY,
        Reason.ENDPOINT_WARMING_UP,
        Reason.BUDGET_EXHAUSTED,
        Reason.UPSTREAM_UNREACHABLE,
    }
)
"""Calls that never left us: what they say of one call says nothing about the others."""

ENDS_ITSELF = NOT_SENT | {
    Reason.UPSTREAM_UNAVAILABLE,
    Reason.UPSTREAM_OVERLOADED,
    Reason.UPSTREAM_TIMEOUT,
    Reason.TOO_LITTLE_TIME,
}
"""Faults that end one call, and leave the others a chance."""


@value
class HedgeSettings:
    """`max_calls` counts the first call, and above 5 counts as 5. Raises ValueError below 2."""

    max_calls: int = 2

    def __post_init__(self) -> None:
        if self.max_calls < 2:  # noqa: PLR2004 - the first call and a hedge
            raise ValueError(f"max_calls must be at least 2, not {self.max_calls}")


class Delays(Protocol):
    """Knows how long the calls of each endpoint take."""

    def delay(self, endpoint: str, *, streamed: bool) -> float | None:
        """Tell after how many seconds a call is late: the live 95th percentile.

        Of a streamed one, the time to its first text. None while there are too few calls to tell.
        """
        ...


class Budget(Protocol):
    """Bounds hedges to a share of the calls."""

    def called(self) -> None:
        """Count a first call."""
        ...

    def take(self) -> bool:
        """Pay for one hedge; False when that is not possible."""
        ...

    def ended(self, *, sent: bool) -> None:
        """Count a hedge that was paid for; give the pay back for one that we refused."""
        ...

    def won(self) -> None:
        """Count a hedge whose answer was taken."""
        ...


class Throttle(Protocol):
    """Knows how many of an endpoint's calls failed lately."""

    def failed(self, fault: Fault) -> None:
        """Count a call that failed, if it is one that counts."""
        ...

    def allows(self, uncounted: int = 0) -> bool:
        """Say whether a hedge may be made, after so many failures not counted yet."""
        ...


def hedge(
    settings: HedgeSettings, delays: Delays, budget: Budget, throttle: Throttle, clock: Clock
) -> Policy:
    """Make a second call when the first is late, and take the answer that comes first.

    Streamed calls are hedged until one of them has text; only that one is heard. The others have
    ended, and left their record, before the answer is returned. Endpoints that are not idempotent
    and endpoints whose speed is not known are called once. When all calls fail, the fault of the
    one that failed last is raised.

    Once a hedge is made, faults are counted in `throttle` here, since `retry` sees only one.
    """
    terms = _Terms(min(settings.max_calls, MOST_CALLS), budget, throttle, clock)
    called, delay = budget.called, delays.delay

    def wrap(call: Call) -> Call:
        async def hedged(invocation: Invocation) -> Completion:
            endpoint = invocation.task.endpoint
            if not endpoint.idempotent:
                return await call(invocation)
            called()
            delay_s = delay(endpoint.name, streamed=invocation.send is not None)
            if delay_s is None:
                return await call(invocation)
            return await _Race(terms, call, invocation, delay_s).run()

        return hedged

    return wrap


@value
class _Terms:
    """What all races go by."""

    max_calls: int
    budget: Budget
    throttle: Throttle
    clock: Clock


@dataclass(slots=True)
class _Race:
    """The calls of one invocation; a call is known by its try number.

    The first runs in the caller's own task, so that a call in time costs no more than a timer; it
    is ended by cancelling that task, as `asyncio.timeout` does. The others have tasks of their own
    and copies of the invocation as it was before the first, whose layers change it meanwhile.
    """

    _terms: _Terms
    _call: Call
    _invocation: Invocation
    _delay_s: float
    _task: Task = field(init=False)
    _deadline: Deadline = field(init=False)
    _send: SendText | None = field(init=False)
    _first: int = field(init=False)
    _last: int = field(init=False)
    _left: int = field(init=False)
    _timer: asyncio.TimerHandle = field(init=False)
    _beside: dict[asyncio.Task[Completion], Invocation] = field(init=False)
    _owner: asyncio.Task[object] | None = None
    _interrupted: bool = False
    _winner: int = NOBODY
    _over: bool = False
    _answer: tuple[Completion, Invocation] | None = None
    _error: BaseException | None = None
    _waiting: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        invocation = self._invocation
        self._task = invocation.task
        self._deadline = invocation.deadline
        self._send = invocation.send
        self._first = self._last = invocation.try_number
        self._left = self._terms.max_calls - 1
        self._beside = {}

    async def run(self) -> Completion:
        """Make the first call, and others beside it, until one is answered or all have failed."""
        invocation = self._invocation
        self._set_timer(self._delay_s)
        if self._send is not None:
            invocation.send = self._sender(invocation, self._send)
        try:
            answer = await self._make_first()
            return answer if answer is not None else await self._outcome()
        finally:
            self._over = True
            self._winner = NOBODY
            self._timer.cancel()
            invocation.send = self._send
            invocation.writer = ""
            invocation.try_number = self._last
            if self._beside:
                await self._end_beside()

    async def _make_first(self) -> Completion | None:
        """Return the first call's answer; None when another call won, or may still."""
        owner = self._owner = cast("asyncio.Task[object]", asyncio.current_task())
        earlier = owner.cancelling()
        answer: Completion | None = None
        fault: Fault | None = None
        try:
            answer = await self._call(self._invocation)
        except Fault as error:
            fault = error
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
        finally:
            self._owner = None
            caller_left = self._interrupted and owner.uncancel() > earlier
        if caller_left:
            raise asyncio.CancelledError
        if fault is not None and not self._interrupted:
            self._failed(fault)
        return None if self._interrupted else answer

    async def _outcome(self) -> Completion:
        if not self._over:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._answer is not None:
            answer, copy = self._answer
            # Who answered is read from this record; the first call, when it ended, left its own.
            self._invocation.done, self._invocation.received = copy.done, copy.received
            return answer
        raise cast("BaseException", self._error)

    def _due(self) -> None:
        # A second place in the line of one endpoint is of no use; another replica may be free.
        waits = self._invocation.in_line and not self._invocation.tried
        if not waits and self._is_allowed(0):
            self._make_beside()
        elif self._is_alone():
            self._finish()

    def _is_allowed(self, uncounted: int) -> bool:
        """Say whether one more call may be made, and pay for it."""
        terms = self._terms
        return (
            self._left > 0
            and terms.throttle.allows(uncounted)
            and terms.clock() < self._latest()
            and terms.budget.take()
        )

    def _latest(self) -> float:
        return min(self._deadline.at, self._invocation.first_by)

    def _is_alone(self) -> bool:
        return self._owner is None and not self._beside

    def _make_beside(self) -> None:
        self._left -= 1
        self._last += 1
        invocation = self._invocation
        invocation.counted = True
        copy = replace(
            invocation,
            task=self._task,
            deadline=self._deadline,
            send=None,
            try_number=self._last,
            done=None,
            received=0,
        )
        if self._send is not None:
            copy.send = self._sender(copy, self._send)
        task = asyncio.create_task(self._one(copy))
        self._beside[task] = copy
        task.add_done_callback(self._ended)
        self._set_timer(self._delay_s)

    async def _one(self, invocation: Invocation) -> Completion:
        return await self._call(invocation)

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _sender(self, invocation: Invocation, send: SendText) -> SendText:
        """Make what hands the text of a call on, if that call is the first to have some."""
        number = invocation.try_number

        async def send_winner(text: str) -> None:
            if self._winner == NOBODY and not self._over:
                self._elect(number)
            if self._winner == number:
                self._invocation.writer = invocation.task.endpoint.name
                await send(text)
                invocation.sent = self._invocation.sent

        return send_winner

    def _elect(self, number: int) -> None:
        """Let one call win: the others are ended."""
        self._winner = number
        self._timer.cancel()
        for task, other in self._beside.items():
            if other.try_number != number:
                task.cancel()
        if self._owner is not None and number != self._first and not self._interrupted:
            self._interrupted = True
            self._owner.cancel()

    def _ended(self, task: asyncio.Task[Completion]) -> None:
        """See what became of a call beside the first."""
        copy = self._beside.pop(task)
        number = copy.try_number
        # One that never passed the endpoint's guards has no record.
        sent = copy.done is not None
        self._terms.budget.ended(sent=sent)
        self._invocation.hedged |= sent
        # Asked for even when nobody needs it, or asyncio complains that nobody did.
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if self._over or self._winner not in {NOBODY, number}:
            return
        if error is None:
            self._elect(number)
            self._answer = task.result(), copy
            self._terms.budget.won()
            self._finish()
        elif isinstance(error, Fault):
            self._failed(error)
        else:
            self._error = error
            self._finish()

    def _failed(self, fault: Fault) -> None:
        """Go on after a call that failed, or not. Only the winner can fail when there is one."""
        hedged = self._last > self._first
        if hedged:
            self._terms.throttle.failed(fault)
        never_sent = fault.reason in NOT_SENT
        if self._error is None or not never_sent:
            self._error = fault
        coming = False
        if self._winner == NOBODY and fault.retryable and not never_sent:
            coming = self._go_on(fault, hedged=hedged)
        elif self._winner == NOBODY and fault.reason in ENDS_ITSELF:
            self._left = 0
        else:
            self._finish()
            return
        if not coming and self._is_alone():
            self._finish()

    def _go_on(self, fault: Fault, *, hedged: bool) -> bool:
        """Make the next call at once, or when the endpoint asked for it; False if there is none."""
        self._timer.cancel()
        wait_s = fault.retry_after_s
        if wait_s:
            if self._is_alone() and not (hedged and self._invocation.last):
                # To wait with nothing under way is up to `retry`, or the next endpoint is nearer.
                return False
            if self._left == 0 or self._terms.clock() + wait_s >= self._latest():
                return False
            self._set_timer(wait_s)
            return True
        if not self._is_allowed(0 if hedged else 1):
            return False
        if not hedged:
            self._terms.throttle.failed(fault)
        self._make_beside()
        return True

    def _finish(self) -> None:
        """End every call: what is to be answered or raised is known."""
        self._over = True
        self._elect(NOBODY)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _end_beside(self) -> None:
        """Cancel the calls beside the first and wait for their end, even while being cancelled."""
        running = set(self._beside)
        for task, copy in self._beside.items():
            copy.given_up = self._invocation.given_up
            task.cancel()
        cancelled = False
        while running:
            try:
                _, running = await asyncio.wait(running)
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

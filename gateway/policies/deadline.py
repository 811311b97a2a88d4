"""One deadline over everything a request does."""

from __future__ import annotations

import asyncio
from typing import cast

from gateway.core.answer import Answer
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.ports import Clock
from gateway.core.value import value


@value
class DeadlineSettings:
    """`reserve_s` is kept back so that the answer is on the wire before the caller's timer ends.

    It is never more than `reserve_share` of the time left.
    """

    reserve_s: float = 0.008
    reserve_share: float = 0.1


def deadline(settings: DeadlineSettings, clock: Clock) -> Guard:
    """End the request shortly before its deadline with Fault(DEADLINE), whatever it is doing.

    The request's budget of wall time, counted from here on, bounds it in the same way; a request
    that it ends gets Fault(EXHAUSTED, BUDGET_EXHAUSTED). A request that arrives after its deadline
    is refused before any endpoint is called.
    """

    def wrap(handle: Handle) -> Handle:
        async def bounded(exchange: Exchange) -> Answer:
            now = clock()
            left, wall_s = _given(exchange, now)
            if left <= 0:
                raise _over(wall_s)
            left -= min(settings.reserve_s, left * settings.reserve_share)
            exchange.deadline = Deadline(now + left)
            task = cast("asyncio.Task[Answer]", asyncio.current_task())
            earlier, expired = task.cancelling(), False

            # As asyncio.timeout does it, for a third of its cost: this is on every request's path.
            def expire() -> None:
                nonlocal ends_at, expired, timer
                if exchange.deadline.at > ends_at:
                    # Its job was paused, and the clock with it. The job may end it sooner.
                    ends_at = exchange.deadline.at
                    timer = loop.call_later(ends_at - clock(), expire)
                    return
                expired = True
                task.cancel()

            loop, ends_at = asyncio.get_running_loop(), now + left
            timer = loop.call_later(left, expire)
            try:
                return await handle(exchange)
            except asyncio.CancelledError:
                if expired and task.uncancel() <= earlier:
                    raise _over(wall_s) from None
                # The caller left too, or first: that is the caller's cancellation, not ours.
                raise
            except Fault as fault:
                if wall_s is not None and fault.kind is Kind.DEADLINE:
                    over = exchange.deadline.at <= clock()
                    raise _by_wall(fault, wall_s, over=over) from None
                raise
            finally:
                timer.cancel()

        return bounded

    return wrap


def _given(exchange: Exchange, now: float) -> tuple[float, float | None]:
    """Seconds that a request may take, and again where its budget of wall time is what counts."""
    left, wall_s = exchange.deadline.left(now), exchange.request.budget.max_wall_s
    return (left, None) if wall_s is None or wall_s >= left else (wall_s, wall_s)


def _by_wall(fault: Fault, wall_s: float, *, over: bool) -> Fault:
    """Name the budget: whoever found the time over, or too short, could not know whose it was."""
    if over:
        return _over(wall_s)
    if fault.reason is not Reason.TOO_LITTLE_TIME:
        return fault
    words = f"budget.max_wall_time = {wall_s:g} s does not suffice: {fault.message}"
    return Fault(Kind.EXHAUSTED, Origin.CALLER, Reason.BUDGET_EXHAUSTED, words)


def _over(wall_s: float | None) -> Fault:
    if wall_s is not None:
        words = f"budget.max_wall_time = {wall_s:g} s is used up"
        return Fault(Kind.EXHAUSTED, Origin.CALLER, Reason.BUDGET_EXHAUSTED, words)
    return Fault(
        Kind.DEADLINE,
        Origin.CALLER,
        Reason.DEADLINE_EXCEEDED,
        "the request's deadline was over",
    )

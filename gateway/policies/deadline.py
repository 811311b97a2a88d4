"""One deadline over everything a request does."""

from __future__ import annotations

import asyncio
from typing import cast

from gateway.core.candidate import Answer
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

    A request that arrives after its deadline is refused before any endpoint is called.
    """

    def wrap(handle: Handle) -> Handle:
        async def bounded(exchange: Exchange) -> Answer:
            now = clock()
            left = exchange.deadline.left(now)
            if left <= 0:
                raise _over()
            left -= min(settings.reserve_s, left * settings.reserve_share)
            exchange.deadline = Deadline(now + left)
            task = cast("asyncio.Task[Answer]", asyncio.current_task())
            earlier, expired = task.cancelling(), False

            # As asyncio.timeout does it, for a third of its cost: this is on every request's path.
            def expire() -> None:
                nonlocal expired
                expired = True
                task.cancel()

            timer = asyncio.get_running_loop().call_later(left, expire)
            try:
                return await handle(exchange)
            except asyncio.CancelledError:
                if expired and task.uncancel() <= earlier:
                    raise _over() from None
                # The caller left too, or first: that is the caller's cancellation, not ours.
                raise
            finally:
                timer.cancel()

        return bounded

    return wrap


def _over() -> Fault:
    return Fault(
        Kind.DEADLINE,
        Origin.CALLER,
        Reason.DEADLINE_EXCEEDED,
        "the request's deadline was over",
    )

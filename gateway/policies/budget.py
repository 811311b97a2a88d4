"""No call is made that could overspend, and each one is paid for at what it used."""

from __future__ import annotations

from collections.abc import Awaitable

from gateway.core.candidate import Completion
from gateway.core.faults import Kind, Origin, Reason
from gateway.core.outcome import usage_known
from gateway.core.policy import Call, Invocation, Policy, not_called


def budget() -> Policy:
    """Reserve the worst case of each call in the request's account, and settle it once.

    A call that reported its usage is settled at that, one that was not taken on at nothing. A call
    that may have worked without telling keeps its worst case reserved, so that neither calls at
    once nor failures can overspend. What the account refuses is not called: Fault(EXHAUSTED) of
    origin CALLER, with `retry_after_s` where waiting helps.
    """

    def wrap(call: Call) -> Call:
        # Not a coroutine: a request without a budget pays for a look, and no more.
        def budgeted(invocation: Invocation) -> Awaitable[Completion]:
            return reserved(invocation) if invocation.account.limited else call(invocation)

        async def reserved(invocation: Invocation) -> Completion:
            account = invocation.account
            # A replica may be chosen, or text go on, for the next call of the same invocation.
            task = invocation.task
            refusal = account.reserve(task)
            if refusal:
                raise not_called(
                    invocation,
                    Reason.BUDGET_EXHAUSTED,
                    refusal,
                    kind=Kind.EXHAUSTED,
                    origin=Origin.CALLER,
                    retry_after_s=account.retry_after_s,
                )
            invocation.done = None
            try:
                return await call(invocation)
            finally:
                done = invocation.done
                known = usage_known(done, invocation.received) if done is not None else None
                account.settle(task, known)

        return budgeted

    return wrap

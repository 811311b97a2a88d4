"""An endpoint that does not serve is not called; a new one gets a small share of the calls."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Reason
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.policy import Call, Invocation, Policy, not_called


class Standing(Protocol):
    """Knows how one endpoint stands."""

    clear: bool
    """True while nothing keeps calls from it."""

    def refusal(self, *, last: bool) -> tuple[Reason, str] | None:
        """Say why a call may not be made, and in words; None when it may."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """Count how a call ended."""
        ...


def standing(port: Standing) -> Policy:
    """Refuse calls of one endpoint while it is unhealthy, or new and beyond its share.

    Raises Fault(UNAVAILABLE, US) with ENDPOINT_UNHEALTHY or ENDPOINT_WARMING_UP. A new endpoint
    that is the last to be tried is called all the same.
    """

    def wrap(call: Call) -> Call:
        # Not a coroutine: a call of an endpoint in good standing pays for a look, and no more.
        def checked(invocation: Invocation) -> Awaitable[Completion]:
            return call(invocation) if port.clear else doubted(invocation)

        async def doubted(invocation: Invocation) -> Completion:
            refused = port.refusal(last=invocation.last)
            if refused is not None:
                raise not_called(invocation, *refused)
            try:
                completion = await call(invocation)
            except Fault as fault:
                port.ended(outcome_of(fault))
                raise
            port.ended(Outcome.SUCCESS)
            return completion

        return checked

    return wrap

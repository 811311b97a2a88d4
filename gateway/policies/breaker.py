"""An endpoint whose circuit breaker is open is not called, and every call it gets is judged."""

from __future__ import annotations

from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Reason
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.policy import Call, Invocation, Policy, not_called
from gateway.core.ports import Clock

# Taking a member out of its enum costs as much as a call, and this is on every attempt's path.
_SUCCESS, _NOT_COUNTED = Outcome.SUCCESS, Outcome.NOT_COUNTED


class Machine(Protocol):
    """The circuit breaker of one endpoint. Times are seconds of the policy's clock."""

    @property
    def state(self) -> str:
        """The word for what it does now."""
        ...

    def acquire(self, now: float) -> int:
        """Return a permit for one call, or 0 when the endpoint must not be called."""
        ...

    def record(self, permit: int, outcome: Outcome, elapsed_s: float, now: float) -> None:
        """Count the call of a permit; NOT_COUNTED gives the permit back."""
        ...

    def retry_after(self, now: float) -> float | None:
        """Seconds until a call may pass; None when no time can be told."""
        ...


def breaker(machine: Machine, clock: Clock) -> Policy:
    """Refuse calls while the breaker is open; record every other one once, however it ends.

    An answer and a fault of the endpoint count; a caller's mistake, a refusal of ours, a
    cancellation and a bug give the permit back. Only a unary call can be slow: how long a stream
    lasts depends on the length of its text and on how fast the caller reads it.
    Raises Fault(UNAVAILABLE, BREAKER_OPEN) of origin US, with `retry_after_s` while open.
    """
    acquire, record = machine.acquire, machine.record

    def wrap(call: Call) -> Call:
        async def guarded(invocation: Invocation) -> Completion:
            started = clock()
            permit = acquire(started)
            if not permit:
                raise _refused(machine, invocation, started)
            outcome = _NOT_COUNTED
            try:
                completion = await call(invocation)
                outcome = _SUCCESS
            except Fault as fault:
                outcome = outcome_of(fault)
                raise
            finally:
                ended = clock()
                elapsed_s = ended - started if invocation.send is None else 0.0
                record(permit, outcome, elapsed_s, ended)
            return completion

        return guarded

    return wrap


def _refused(machine: Machine, invocation: Invocation, now: float) -> Fault:
    wait_s = machine.retry_after(now)
    how = (
        f"{machine.state} and lets no further call pass"
        if wait_s is None
        else f"open for another {wait_s:.1f} s"
    )
    words = f"endpoint {invocation.task.endpoint.name!r}: its circuit breaker is {how}"
    return not_called(invocation, Reason.BREAKER_OPEN, words, retry_after_s=wait_s)

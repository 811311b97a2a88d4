"""No more calls are at an endpoint at once than it can bear."""

from __future__ import annotations

from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation, Policy, not_called
from gateway.core.ports import Clock


class Slots(Protocol):
    """The slots of one endpoint."""

    @property
    def limit(self) -> int:
        """Calls that may be at the endpoint at once."""
        ...

    @property
    def learns(self) -> bool:
        """Whether the limit depends on how calls go."""
        ...

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot."""
        ...

    @property
    def retry_after_s(self) -> float:
        """Estimated seconds until those that wait have had their turn."""
        ...

    def try_acquire(self) -> bool:
        """Take a free slot; False when there is none."""
        ...

    async def acquire(self, within_s: float) -> bool:
        """Wait in line for a slot; False when the line is full or the time is over."""
        ...

    def release(self) -> None:
        """Give a slot back."""
        ...

    def answered(self, elapsed_s: float) -> None:
        """Learn from a call that succeeded."""
        ...

    def overloaded(self, began: float) -> None:
        """Learn from a call that the endpoint said it is too busy for."""
        ...

    def timed_out(self, began: float) -> None:
        """Learn from a call that got no answer in time."""
        ...

    def refused(self) -> None:
        """Count a call that was refused."""
        ...


def gate(slots: Slots, clock: Clock) -> Policy:
    """Bound the calls at an endpoint (gRFC A32, with a line for those it would drop).

    When every slot is taken, a call for which another endpoint would be tried next is refused at
    once. The last one waits in line while the line is not full, as long as its answer, and the
    first text of a streamed one, can still come in time. Refused means not called:
    Fault(EXHAUSTED) of reason ENDPOINT_SATURATED, which is not retried.
    """
    try_acquire, release = slots.try_acquire, slots.release

    def wrap(call: Call) -> Call:
        inner = _watched(call, slots, clock) if slots.learns else call

        async def gated(invocation: Invocation) -> Completion:
            if not try_acquire():
                await _wait_turn(slots, clock, invocation)
            try:
                return await inner(invocation)
            finally:
                release()

        return gated

    return wrap


def _watched(call: Call, slots: Slots, clock: Clock) -> Call:
    """Tell the slots how each call went, before its slot is given back."""

    async def watched(invocation: Invocation) -> Completion:
        began = clock()
        try:
            completion = await call(invocation)
        except Fault as fault:
            if fault.origin is Origin.UPSTREAM:
                _learn(slots, fault.kind, began)
            raise
        slots.answered(clock() - began)
        return completion

    return watched


def _learn(slots: Slots, kind: Kind, began: float) -> None:
    if kind is Kind.EXHAUSTED:
        slots.overloaded(began)
    elif kind is Kind.DEADLINE:
        slots.timed_out(began)


async def _wait_turn(slots: Slots, clock: Clock, invocation: Invocation) -> None:
    if invocation.last:
        within_s = min(invocation.deadline.at, invocation.first_by) - clock()
        invocation.in_line = True
        try:
            if within_s > 0 and await slots.acquire(within_s):
                return
        finally:
            invocation.in_line = False
    slots.refused()
    raise not_called(
        invocation,
        Reason.ENDPOINT_SATURATED,
        f"endpoint {invocation.task.endpoint.name!r}: all {slots.limit} of its slots are taken "
        f"and {slots.waiting} calls wait",
        kind=Kind.EXHAUSTED,
        retry_after_s=slots.retry_after_s,
    )

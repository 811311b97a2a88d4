"""How the calls of a replica end is told to the outlier ejection of its group."""

from __future__ import annotations

from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.faults import Fault
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.policy import Call, Invocation, Policy

# Taking a member out of its enum costs as much as a call, and this is on every attempt's path.
_SUCCESS, _NOT_COUNTED = Outcome.SUCCESS, Outcome.NOT_COUNTED


class Group(Protocol):
    """Counts the calls of each replica of a group."""

    def record(self, replica: str, outcome: Outcome) -> None:
        """Count a call that ended now."""
        ...


def eject(group: Group) -> Policy:
    """Record each answer and each fault of the endpoint; what counts neither way is left out.

    It refuses nothing: the balancer asks the group whom to leave out.
    """
    record = group.record

    def wrap(call: Call) -> Call:
        async def recorded(invocation: Invocation) -> Completion:
            try:
                completion = await call(invocation)
            except Fault as fault:
                outcome = outcome_of(fault)
                if outcome is not _NOT_COUNTED:
                    record(invocation.task.endpoint.name, outcome)
                raise
            record(invocation.task.endpoint.name, _SUCCESS)
            return completion

        return recorded

    return wrap

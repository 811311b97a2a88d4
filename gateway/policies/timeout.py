"""No attempt takes longer than its endpoint allows, nor longer than the request has left."""

from __future__ import annotations

from gateway.core.candidate import Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.ports import Clock


def timeout(clock: Clock) -> Policy:
    """Narrow the deadline of each attempt to the endpoint's own timeout.

    The upstream enforces the narrowed deadline. An attempt whose time is already over is not
    started: Fault(DEADLINE) of origin US, which does not count against the endpoint.
    """

    def wrap(call: Call) -> Call:
        async def timed(invocation: Invocation) -> Completion:
            now = clock()
            whole = invocation.deadline
            if whole.at <= now:
                raise Fault(
                    Kind.DEADLINE,
                    Origin.US,
                    Reason.DEADLINE_EXCEEDED,
                    "the request's deadline was over before the attempt could start",
                )
            invocation.deadline = whole.sooner(now + invocation.task.endpoint.timeout_s)
            try:
                return await call(invocation)
            finally:
                invocation.deadline = whole

        return timed

    return wrap

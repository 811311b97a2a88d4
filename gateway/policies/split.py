"""The time left is split over what is still worth trying.

Without it the first endpoint that hangs takes all the time with it, and no fallback is ever reached
however many there are.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation, Policy, not_called
from gateway.core.ports import Clock

LEAST_SHARE = 0.1
"""Part of the time left that each endpoint ahead is left: an answer takes a while to travel."""

TWICE = 2.0
"""Times the usual time, where too few answers came to tell the late ones."""


class Times(Protocol):
    """How long an endpoint takes, in seconds; None while nobody knows."""

    @property
    def typical(self) -> float | None:
        """The usual time of an answer."""
        ...

    @property
    def late(self) -> float | None:
        """The time that nearly all answers keep."""
        ...

    @property
    def least(self) -> float | None:
        """The time of its fastest answers."""
        ...


class Expectations(Protocol):
    """Knows how long endpoints take."""

    def expected(self, endpoint: str, now: float) -> Times:
        """Tell what was found lately, at `now` seconds of the policy's clock."""
        ...


def split(expectations: Expectations, clock: Clock) -> Policy:
    """Allot the tries of one endpoint, or group, what the ones ahead of it do not need.

    An endpoint ahead needs the time that nearly all its answers keep and a tenth of the time left
    at least, or an equal part of it while nothing is known, or nothing when not even its fastest
    answers fit in. The one to be called gets the rest, but never less than an equal part. A unary
    call has to end by then (else Fault(DEADLINE) of origin US, TOO_LITTLE_TIME), a streamed one
    only to send its first text: a stream that flows may use all the time.

    An endpoint whose fastest answers take longer than the whole time left is not called: the next
    one may be faster. It is when it goes on from text already sent, which makes its part shorter.
    """

    def wrap(call: Call) -> Call:
        # Not a coroutine: the last of a chain pays for a look at the clock, and no more.
        def allotted(invocation: Invocation) -> Awaitable[Completion]:
            endpoint = invocation.task.endpoint
            now = clock()
            left = invocation.deadline.at - now
            # What it answered within its own timeout fits into more time than that.
            if left < endpoint.timeout_s:
                _refuse(invocation, endpoint, left, expectations.expected(endpoint.name, now))
            return shared(invocation, now, left) if invocation.ahead else call(invocation)

        async def shared(invocation: Invocation, now: float, left: float) -> Completion:
            allotment = _allotment(now, left, invocation.ahead, expectations)
            whole, first_by = invocation.deadline, invocation.first_by
            if invocation.send is None:
                invocation.deadline = Deadline(now + allotment)
            else:
                invocation.first_by = min(first_by, now + allotment)
            try:
                return await call(invocation)
            except Fault as fault:
                # Whoever found the time over, in a queue for example, could not know whose it was.
                over = fault.reason is Reason.DEADLINE_EXCEEDED and invocation.send is None
                if over and clock() < whole.at:
                    raise _share_over(invocation.task.endpoint, allotment) from None
                raise
            finally:
                invocation.deadline, invocation.first_by = whole, first_by

        return allotted

    return wrap


def _share_over(endpoint: Endpoint, allotment: float) -> Fault:
    words = f"endpoint {endpoint.name!r}: its share of the time left, {allotment:.2f} s, was over"
    return Fault(Kind.DEADLINE, Origin.US, Reason.TOO_LITTLE_TIME, words)


def _refuse(invocation: Invocation, endpoint: Endpoint, left: float, times: Times) -> None:
    """Raise Fault when the call cannot end in time."""
    if left <= 0:
        words = f"the time was over before endpoint {endpoint.name!r} could be called"
        raise not_called(invocation, Reason.DEADLINE_EXCEEDED, words, kind=Kind.DEADLINE)
    least = times.least
    if least is not None and least > left and not invocation.task.partial:
        words = (
            f"endpoint {endpoint.name!r}: {left:.2f} s are left, "
            f"its fastest recent answers took {least:.2f} s"
        )
        raise not_called(invocation, Reason.TOO_LITTLE_TIME, words, kind=Kind.DEADLINE)


def _allotment(
    now: float, left: float, ahead: tuple[Endpoint, ...], expectations: Expectations
) -> float:
    """Seconds for the endpoint to be called now; more than 0 when `left` is."""
    needed, unknown, hopeless = 0.0, 0, 0
    for endpoint in ahead:
        times = expectations.expected(endpoint.name, now)
        typical = times.typical
        if typical is None:
            unknown += 1
        elif typical <= left or not _exceeds(times.least, left):
            late = times.late
            needed += max(TWICE * typical if late is None else late, left * LEAST_SHARE)
        else:
            hopeless += 1
    part = left / (1 + len(ahead) - hopeless)
    return max(part, left - needed - unknown * part)


def _exceeds(least: float | None, left: float) -> bool:
    return least is not None and least > left

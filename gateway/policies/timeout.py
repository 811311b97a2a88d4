"""No attempt takes longer than its endpoint allows, nor longer than the request has left.

A streamed answer has two more limits: the time to its first text, and the time between texts. Only
the endpoint's time counts for them: while the reader of the answer is slow, they stand still.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol, cast

from gateway.core.candidate import Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.ports import Clock, SendText
from gateway.core.value import value

NEARLY = 0.9
"""Share of its time after which an endpoint that says "too late" means ours: clocks differ."""

READER_SHARE = 0.5
"""Share of an attempt's time spent on its reader from which on the endpoint is not to blame."""


@value
class TimeoutSettings:
    """Seconds to the first text of a stream, and between its texts; 0 = no limit.

    Raises ValueError for a negative or endless one.
    """

    first_s: float = 0.0
    between_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("first_s", "between_s"):
            seconds: float = getattr(self, name)
            if not 0 <= seconds < inf:
                raise ValueError(f"{name} must be a number of seconds from 0 on, not {seconds}")


class Speeds(Protocol):
    """Knows how fast endpoints are, in seconds; None while it does not know."""

    def first_text(self, endpoint: str, elapsed_s: float) -> None:
        """Take note of the time to the first text of a stream."""
        ...

    def typical(self, endpoint: str) -> float | None:
        """Tell the usual time of a whole answer."""
        ...

    def typical_first(self, endpoint: str) -> float | None:
        """Tell the usual time to the first text of a stream."""
        ...


def timeout(settings: TimeoutSettings, clock: Clock, speeds: Speeds) -> Policy:
    """Bound each attempt by its endpoint's timeout, by the deadline and by the limits of streams.

    The upstream enforces the total: the deadline, narrowed. An endpoint that lets a limit pass
    fails with Fault(DEADLINE) of origin UPSTREAM, which counts against it. What does not: a call
    that was left less than its endpoint's timeout and less than it usually takes (origin US,
    TOO_LITTLE_TIME), one whose time went on its reader, and one whose time was over before it
    began (origin CALLER, DEADLINE_EXCEEDED).
    """

    def wrap(call: Call) -> Call:
        async def timed(invocation: Invocation) -> Completion:
            whole, endpoint, send = invocation.deadline, invocation.task.endpoint, invocation.send
            started = clock()
            invocation.received = 0
            if whole.at <= started or invocation.first_by <= started:
                raise _over(endpoint, by_caller=whole.at <= started)
            stream: _Stream | None = None
            invocation.deadline = whole.sooner(started + endpoint.timeout_s)
            if send is not None:
                stream = _Stream(invocation, send, settings, clock, speeds, started)
                invocation.send = stream.send
            try:
                return await call(invocation)
            except asyncio.CancelledError:
                if stream is not None and stream.stalled():
                    raise stream.stall() from None
                # The caller left too, or first: that is the caller's cancellation, not ours.
                raise
            except Fault as fault:
                if fault.kind is Kind.DEADLINE and fault.origin is Origin.UPSTREAM:
                    raise _blamed(fault, invocation, started, clock(), stream, speeds) from None
                raise
            finally:
                invocation.deadline = whole
                if stream is not None:
                    stream.end()
                    invocation.send = send

        return timed

    return wrap


class _Stream:
    """Follows one streamed call, and cancels its task when no text comes in time.

    There is one timer at a time, set for when the next text has to be there. When it rings too
    early, since a text came or the reader is slow, it is set anew; a text itself sets none.
    """

    __slots__ = (
        "_clock",
        "_earlier",
        "_first_by",
        "_invocation",
        "_rang",
        "_reader_s",
        "_send",
        "_settings",
        "_since",
        "_speeds",
        "_started",
        "_task",
        "_timer",
        "_waiting",
    )

    def __init__(
        self,
        invocation: Invocation,
        send: SendText,
        settings: TimeoutSettings,
        clock: Clock,
        speeds: Speeds,
        started: float,
    ) -> None:
        self._invocation = invocation
        self._send = send
        self._settings = settings
        self._clock = clock
        self._speeds = speeds
        self._started = self._since = started
        self._waiting = True
        self._reader_s = 0.0
        self._rang = False
        self._task = cast("asyncio.Task[Completion]", asyncio.current_task())
        self._earlier = self._task.cancelling()
        first_by = started + settings.first_s if settings.first_s else inf
        self._first_by = min(first_by, invocation.first_by)
        self._timer: asyncio.TimerHandle | None = None
        if self._first_by < inf:
            self._set_timer(self._first_by - started)

    async def send(self, text: str) -> None:
        """Hand a piece of text to the reader; the watch stands still until it is taken."""
        given_at = self._clock()
        if not self._invocation.received:
            self._begin(given_at)
        self._invocation.received += len(text)
        self._since = given_at
        self._waiting = False
        await self._send(text)
        self._since = taken_at = self._clock()
        self._reader_s += taken_at - given_at
        self._waiting = True

    def reader_s(self, now: float) -> float:
        """Seconds for which the endpoint had to wait for its reader so far."""
        return self._reader_s if self._waiting else self._reader_s + now - self._since

    def stalled(self) -> bool:
        """Say whether the watch ended the call, and nobody else did; takes its part back."""
        if not self._rang:
            return False
        self._rang = False
        return self._task.uncancel() <= self._earlier

    def stall(self) -> Fault:
        """Tell what did not come."""
        endpoint = self._invocation.task.endpoint
        if self._invocation.received:
            return _silent(endpoint, f"no text for {self._settings.between_s:g} s")
        given = self._first_by - self._started
        by_split = self._first_by == self._invocation.first_by
        if by_split and _is_less(given, self._speeds.typical_first(endpoint.name)):
            return _too_little(endpoint, given, "its first text")
        return _silent(endpoint, f"no first text within {given:.2f} s")

    def end(self) -> None:
        """Stop watching, however the call ended."""
        if self._timer is not None:
            self._timer.cancel()
        # The call swallowed the cancellation and ended in its own way: that counts.
        self.stalled()

    def _begin(self, now: float) -> None:
        self._speeds.first_text(self._invocation.task.endpoint.name, now - self._started)
        if self._timer is not None:
            self._timer.cancel()
        if self._settings.between_s:
            self._set_timer(self._settings.between_s)

    def _ring(self) -> None:
        now = self._clock()
        between_s = self._settings.between_s
        next_by = self._since + between_s if self._invocation.received else self._first_by
        if not self._waiting:
            self._set_timer(between_s)
        elif now < next_by:
            self._set_timer(next_by - now)
        else:
            self._rang = True
            self._task.cancel()

    def _set_timer(self, seconds: float) -> None:
        self._timer = self._task.get_loop().call_later(seconds, self._ring)


def _blamed(
    fault: Fault,
    invocation: Invocation,
    started: float,
    now: float,
    stream: _Stream | None,
    speeds: Speeds,
) -> Fault:
    """Tell whose doing it was that an answer came too late; `fault` says the endpoint's."""
    endpoint = invocation.task.endpoint
    given = invocation.deadline.at - started
    reader_s = stream.reader_s(now) if stream is not None else 0.0
    if reader_s >= given * READER_SHARE:
        return _read_slowly(endpoint, reader_s, given)
    # An endpoint that gives up early does so for reasons of its own.
    cut_short = given < endpoint.timeout_s and now - started >= given * NEARLY
    if cut_short and _is_less(given, speeds.typical(endpoint.name)):
        return _too_little(endpoint, given, "an answer")
    return fault


def _is_less(given: float, usual: float | None) -> bool:
    return usual is not None and given < usual


def _over(endpoint: Endpoint, *, by_caller: bool) -> Fault:
    words = f"the time was over before endpoint {endpoint.name!r} could be called"
    if by_caller:
        return Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, words)
    return Fault(Kind.DEADLINE, Origin.US, Reason.TOO_LITTLE_TIME, words)


def _silent(endpoint: Endpoint, what: str) -> Fault:
    words = f"endpoint {endpoint.name!r} sent {what}"
    return Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, words)


def _too_little(endpoint: Endpoint, given: float, what: str) -> Fault:
    words = f"endpoint {endpoint.name!r} was left {given:.2f} s, too little for {what} as a rule"
    return Fault(Kind.DEADLINE, Origin.US, Reason.TOO_LITTLE_TIME, words)


def _read_slowly(endpoint: Endpoint, reader_s: float, given: float) -> Fault:
    words = (
        f"the answer of endpoint {endpoint.name!r} was read too slowly: "
        f"its reader took {reader_s:.2f} of {given:.2f} s"
    )
    return Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, words)

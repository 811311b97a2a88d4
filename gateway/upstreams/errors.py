"""From a foreign error to a fault: the rows of the tables, and the faults without a table.

A row's words are ours. What the endpoint said is never repeated, since it may quote the prompt.
"""

from __future__ import annotations

import math

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.ports import Clock
from gateway.core.value import value

LONGEST_HINT_S = 86_400.0
"""A hint beyond a day says no more than a day does, and stays in range of every duration type."""


@value
class Hint:
    """What the endpoint said about trying again: when, or (`refused`) not at all."""

    after_s: float | None = None
    refused: bool = False


NO_HINT = Hint()
REFUSED = Hint(refused=True)


def hint_of(seconds: float) -> Hint:
    """Take a wait in seconds; one that is negative or no number says nothing."""
    if not math.isfinite(seconds) or seconds < 0:
        return NO_HINT
    return Hint(min(seconds, LONGEST_HINT_S))


@value
class ForeignError:
    """One row. `transient`: the same call may succeed soon. `hinted`: only after a hint."""

    kind: Kind
    origin: Origin
    reason: Reason
    words: str
    transient: bool = False
    hinted: bool = False

    def fault(self, endpoint: Endpoint, hint: Hint = NO_HINT) -> Fault:
        """Make the fault. A hint is heard only where waiting can help."""
        waits = self.transient or self.hinted
        after_s = hint.after_s if waits else None
        retryable = self.transient or (self.hinted and after_s is not None)
        return Fault(
            self.kind,
            self.origin,
            self.reason,
            f"endpoint {endpoint.name!r} {self.words}",
            retry_after_s=after_s,
            retryable=retryable and not hint.refused,
        )


REFUSED_REQUEST = ForeignError(
    Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "refused the request as invalid"
)
UNSUPPORTED = ForeignError(
    Kind.INVALID,
    Origin.CALLER,
    Reason.UPSTREAM_REFUSED_REQUEST,
    "does not offer the operation that is asked for",
)
TOO_LARGE_REQUEST = ForeignError(
    Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "cannot take so large a request"
)
NO_CONNECTION = ForeignError(
    Kind.UNAVAILABLE,
    Origin.UPSTREAM,
    Reason.UPSTREAM_UNREACHABLE,
    "cannot be connected to",
    transient=True,
)
UNREACHABLE = ForeignError(
    Kind.UNAVAILABLE,
    Origin.UPSTREAM,
    Reason.UPSTREAM_UNAVAILABLE,
    "could not be reached or is not ready",
    transient=True,
)
GAVE_UP = ForeignError(
    Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNAVAILABLE, "gave up the call by itself"
)
OVERLOADED = ForeignError(
    Kind.EXHAUSTED,
    Origin.UPSTREAM,
    Reason.UPSTREAM_OVERLOADED,
    "is overloaded or its quota is used up",
    hinted=True,
)
TOO_LATE = ForeignError(
    Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "did not answer in time"
)
BAD_CREDENTIALS = ForeignError(
    Kind.UNAUTHENTICATED, Origin.US, Reason.UPSTREAM_AUTH, "does not accept our credentials"
)
NOT_ALLOWED = ForeignError(
    Kind.DENIED, Origin.US, Reason.UPSTREAM_AUTH, "does not allow this with our credentials"
)
UNKNOWN_MODEL = ForeignError(
    Kind.NOT_FOUND, Origin.US, Reason.UPSTREAM_MODEL_UNKNOWN, "does not have the model asked for"
)
FAILED = ForeignError(
    Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, "failed with an error of its own"
)
NOT_THE_PROTOCOL = ForeignError(
    Kind.MALFORMED, Origin.UPSTREAM, Reason.UPSTREAM_MALFORMED, "does not speak this protocol"
)
NONSENSE = ForeignError(
    Kind.MALFORMED,
    Origin.UPSTREAM,
    Reason.UPSTREAM_MALFORMED,
    "sent an answer that cannot be read",
)
TOO_LARGE_ANSWER = ForeignError(
    Kind.MALFORMED,
    Origin.UPSTREAM,
    Reason.UPSTREAM_MALFORMED,
    "sent an answer beyond the largest size",
)
CUT = ForeignError(
    Kind.TRUNCATED,
    Origin.UPSTREAM,
    Reason.UPSTREAM_TRUNCATED,
    "ended its answer before the end marker",
)
UNSENDABLE = ForeignError(
    Kind.INVALID,
    Origin.CALLER,
    Reason.UPSTREAM_REFUSED_REQUEST,
    "cannot be sent text that is not valid Unicode",
)
CLOSING = ForeignError(
    Kind.CANCELLED, Origin.US, Reason.SHUTTING_DOWN, "is no longer called: we are shutting down"
)


def time_left(endpoint: Endpoint, deadline: Deadline, clock: Clock) -> float:
    """Seconds for the call, more than 0. Raises Fault(DEADLINE) instead of starting too late."""
    left = deadline.left(clock())
    if left <= 0:
        raise Fault(
            Kind.DEADLINE,
            Origin.CALLER,
            Reason.DEADLINE_EXCEEDED,
            f"the time was over before endpoint {endpoint.name!r} could be called",
        )
    return left


def finite(logprobs: tuple[float, ...]) -> tuple[float, ...]:
    """Keep log-probabilities only when every one is a finite number."""
    return logprobs if all(map(math.isfinite, logprobs)) else ()

"""Every way a request can fail.

One error type, two axes. *Kind* says what happened, *origin* whose doing it was:

    kind            origin             meaning, and what the caller should do
    INVALID         caller             the request is malformed; mend the named fields
    INFEASIBLE      caller, us         no endpoint or no text can meet the hard requirements
    EXHAUSTED       us, upstream       a limit or budget is used up; wait `retry_after_s`
    UNAVAILABLE     us, upstream       nothing could be reached; wait and retry
    TRUNCATED       us, upstream       a stream broke after text was sent; ask again
    DEADLINE        caller, upstream   the time was over
    CANCELLED       caller, us         the caller left, or the answer was no longer needed
    UNVERIFIED      upstream           every candidate failed a required check
    UNAUTHENTICATED caller, us         credentials are missing or wrong (us = towards upstream)
    DENIED          caller, us         credentials do not allow it
    NOT_FOUND       caller, us         a name is unknown (us = a model that an endpoint lacks)
    MALFORMED       upstream           the endpoint answered nonsense
    INTERNAL        us                 a bug of ours

Only faults of origin UPSTREAM count against an endpoint. `Category` sums the two axes up in the
seven words that operators group by. `Reason` is the machine-readable name
that callers see; docs/errors.md lists each with its kind and its gRPC status.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value


class Kind(StrEnum):
    """What happened."""

    INVALID = "invalid"
    INFEASIBLE = "infeasible"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    TRUNCATED = "truncated"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    UNVERIFIED = "unverified"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    MALFORMED = "malformed"
    INTERNAL = "internal"


class Origin(StrEnum):
    """Whose doing it was."""

    CALLER = "caller"
    US = "us"
    UPSTREAM = "upstream"


class Category(StrEnum):
    """Whom a failure concerns: what dashboards group by, and alerts are routed by.

    `caller` asked for something wrong, or left; `overload`: a limit, a quota or a queue; `auth`:
    credentials or set-up between two parties; `transport`: an endpoint not reached, too slow or
    talking nonsense; `truncation`: text that broke off; `constraint`: text that may not be or
    was not found; `bug`: ours.
    """

    CALLER = "caller"
    OVERLOAD = "overload"
    AUTH = "auth"
    TRANSPORT = "transport"
    TRUNCATION = "truncation"
    CONSTRAINT = "constraint"
    BUG = "bug"


class Reason(StrEnum):
    """The names that callers may match on; each one is raised somewhere and tested."""

    INVALID_FIELD = "INVALID_FIELD"
    UNREADABLE_MESSAGE = "UNREADABLE_MESSAGE"
    DUPLICATE_CONSTRAINT = "DUPLICATE_CONSTRAINT"
    BROKEN_CONSTRAINT = "BROKEN_CONSTRAINT"
    INFEASIBLE_CONSTRAINT = "INFEASIBLE_CONSTRAINT"
    NO_ELIGIBLE_ENDPOINT = "NO_ELIGIBLE_ENDPOINT"
    NO_LEARNED_LAYER = "NO_LEARNED_LAYER"
    CLARIFICATION_NEEDED = "CLARIFICATION_NEEDED"
    OUTCOMES_OFF = "OUTCOMES_OFF"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    TRACING_OFF = "TRACING_OFF"
    TRACING_DENIED = "TRACING_DENIED"
    TRACING_LIMITED = "TRACING_LIMITED"
    ALL_ENDPOINTS_FAILED = "ALL_ENDPOINTS_FAILED"
    ALL_CANDIDATES_REJECTED = "ALL_CANDIDATES_REJECTED"
    CHECK_FAILED = "CHECK_FAILED"
    STREAM_TRUNCATED = "STREAM_TRUNCATED"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CALLER_CANCELLED = "CALLER_CANCELLED"
    GATEWAY_OVERLOADED = "GATEWAY_OVERLOADED"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    BREAKER_OPEN = "BREAKER_OPEN"
    ENDPOINT_SATURATED = "ENDPOINT_SATURATED"
    ENDPOINT_UNHEALTHY = "ENDPOINT_UNHEALTHY"
    ENDPOINT_WARMING_UP = "ENDPOINT_WARMING_UP"
    TOO_LITTLE_TIME = "TOO_LITTLE_TIME"
    NOT_NEEDED = "NOT_NEEDED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    JOB_STOPPED = "JOB_STOPPED"
    JOB_CANCELLED = "JOB_CANCELLED"
    COMMAND_REFUSED = "COMMAND_REFUSED"
    UNKNOWN_JOB = "UNKNOWN_JOB"
    UNKNOWN_CONFIRMATION = "UNKNOWN_CONFIRMATION"
    UNKNOWN_ENDPOINT = "UNKNOWN_ENDPOINT"
    UNKNOWN_PIPELINE = "UNKNOWN_PIPELINE"
    UNKNOWN_DECISION = "UNKNOWN_DECISION"
    UNKNOWN_TRACE = "UNKNOWN_TRACE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    UPSTREAM_UNREACHABLE = "UPSTREAM_UNREACHABLE"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_OVERLOADED = "UPSTREAM_OVERLOADED"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_TRUNCATED = "UPSTREAM_TRUNCATED"
    UPSTREAM_MALFORMED = "UPSTREAM_MALFORMED"
    UPSTREAM_REFUSED_REQUEST = "UPSTREAM_REFUSED_REQUEST"
    UPSTREAM_AUTH = "UPSTREAM_AUTH"
    UPSTREAM_MODEL_UNKNOWN = "UPSTREAM_MODEL_UNKNOWN"
    UPSTREAM_ERROR = "UPSTREAM_ERROR"
    INTERNAL_ERROR = "INTERNAL_ERROR"


CATEGORIES = {
    Kind.INVALID: Category.CALLER,
    Kind.INFEASIBLE: Category.CONSTRAINT,
    Kind.EXHAUSTED: Category.OVERLOAD,
    Kind.UNAVAILABLE: Category.TRANSPORT,
    Kind.TRUNCATED: Category.TRUNCATION,
    Kind.DEADLINE: Category.TRANSPORT,
    Kind.CANCELLED: Category.CALLER,
    Kind.UNVERIFIED: Category.CONSTRAINT,
    Kind.UNAUTHENTICATED: Category.AUTH,
    Kind.DENIED: Category.AUTH,
    Kind.NOT_FOUND: Category.AUTH,
    Kind.MALFORMED: Category.TRANSPORT,
    Kind.INTERNAL: Category.BUG,
}


@value
class FieldViolation:
    """A field of the request (path in the request message) and what is wrong with it."""

    field: str
    description: str


class Fault(Exception):
    """A failure, classified once. Adapters raise it; everything above reads its two axes.

    `retry_after_s` is set when waiting that long may help; `retryable` says whether the same call
    may succeed soon (only such faults are retried on the same endpoint).
    """

    def __init__(
        self,
        kind: Kind,
        origin: Origin,
        reason: Reason,
        message: str,
        *,
        violations: tuple[FieldViolation, ...] = (),
        retry_after_s: float | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.origin = origin
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after_s = retry_after_s
        self.retryable = retryable

    def __repr__(self) -> str:
        return f"Fault({self.kind}, {self.origin}, {self.reason}, {self.message!r})"

    @property
    def category(self) -> Category:
        """The word that operators group it by."""
        ours = self.origin is not Origin.UPSTREAM
        if self.kind is Kind.DEADLINE and ours:
            return Category.CALLER
        if self.reason is Reason.BUDGET_EXHAUSTED:
            return Category.CALLER
        if self.kind is Kind.NOT_FOUND and self.origin is Origin.CALLER:
            return Category.CALLER
        return CATEGORIES[self.kind]

    @property
    def against_endpoint(self) -> bool:
        """True when it counts in the endpoint's failure statistics."""
        return self.origin is Origin.UPSTREAM


def invalid(field: str, description: str, reason: Reason = Reason.INVALID_FIELD) -> Fault:
    """A caller's mistake in one field."""
    return Fault(
        Kind.INVALID,
        Origin.CALLER,
        reason,
        f"{field}: {description}",
        violations=(FieldViolation(field, description),),
    )

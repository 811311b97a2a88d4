"""What both clients raise.

    class                gRPC status           what the caller should do
    InvalidArgument      INVALID_ARGUMENT      mend the fields named in `violations`
      InvalidRequest     (found before sending; also a ValueError)
    FailedPrecondition   FAILED_PRECONDITION   relax the requirements named in `violations`, or say
                                               what `clarification` asks for
    ResourceExhausted    RESOURCE_EXHAUSTED    wait `retry_after` seconds, or raise the budget
    Unavailable          UNAVAILABLE           wait `retry_after` seconds and ask again
      StreamTruncated    (text was already received: `partial_text`)
    DeadlineExceeded     DEADLINE_EXCEEDED     give more time; `attempts` shows where it went
    Cancelled            CANCELLED             nothing: the call or the client was closed
    Aborted              ABORTED               see below
      ConstraintsFailed  (every candidate failed a required check: see `best_candidate`)
    Unauthenticated      UNAUTHENTICATED       give a valid token
    PermissionDenied     PERMISSION_DENIED     use a token that is allowed to do this
    NotFound             NOT_FOUND             mend the name
    Unimplemented        UNIMPLEMENTED         leave out what this gateway cannot do yet
    Internal             INTERNAL              report it with `request_id`

Any other status is a plain EnsembleError.
"""

from __future__ import annotations

from typing import Final

import grpc
from ensemble.v1.decision_pb2 import Clarification, RoutingDecision
from ensemble.v1.gateway_service_pb2 import FailureDetail, FieldViolation
from ensemble.v1.result_pb2 import Attempt, AttemptStatus, Candidate
from google.protobuf.duration_pb2 import Duration

STREAM_TRUNCATED: Final = "STREAM_TRUNCATED"
INVALID_FIELD: Final = "INVALID_FIELD"


class EnsembleError(Exception):
    """A call that failed, with what the gateway said about it.

    `code` is the gRPC status and `reason` the gateway's machine-readable name for the failure,
    empty when the gateway did not answer at all. `attempts` holds every call to an endpoint,
    `violations` the fields at fault, `decision` where the hole was routed and `best_candidate` the
    best refused candidate; the last two are None when there was none. `decision_id` is what
    `record_outcome` takes, empty when no decision was made or recorded; `trace_id` what `get_trace`
    takes, empty when no trace was asked for. `clarification` holds the router's questions, when it
    cannot tell where the hole should go, else None. `retry_after` is in seconds, None when waiting
    is not known to help. `streamed_chars` counts what the gateway had
    already sent of a stream and `partial_text` is what of it arrived here.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        detail: FailureDetail | None = None,
        request_id: str = "",
        partial_text: str = "",
    ) -> None:
        super().__init__(message)
        said = FailureDetail() if detail is None else detail
        self.message = message
        self.code = code
        self.reason = said.reason
        self.attempts: tuple[Attempt, ...] = tuple(said.attempts)
        self.violations: tuple[FieldViolation, ...] = tuple(said.violations)
        self.retry_after: float | None = (
            _seconds(said.retry_after) if said.HasField("retry_after") else None
        )
        self.request_id = said.request_id or request_id
        self.best_candidate: Candidate | None = (
            said.best_candidate if said.HasField("best_candidate") else None
        )
        self.decision: RoutingDecision | None = said.decision if said.HasField("decision") else None
        self.decision_id = said.decision_id
        self.trace_id = said.trace_id
        self.clarification: Clarification | None = (
            said.clarification if said.HasField("clarification") else None
        )
        self.streamed_chars = int(said.streamed_chars)
        self.partial_text = partial_text

    def __str__(self) -> str:
        """Tell what happened in one paragraph; it holds no prompt and no completion."""
        head = f"{self.code.name} {self.reason}".rstrip()
        notes = [f"request {self.request_id}"] if self.request_id else []
        if self.decision_id:
            notes.append(f"decision {self.decision_id}")
        if self.trace_id:
            notes.append(f"trace {self.trace_id}")
        if self.retry_after is not None:
            notes.append(f"retry after {self.retry_after:g} s")
        lines = [f"{head}: {self.message}" + (f" [{'; '.join(notes)}]" if notes else "")]
        lines += [
            f"  {violation.field}: {violation.description}"
            for violation in self.violations
            if violation.description not in self.message
        ]
        if self.clarification is not None:
            told = "\n".join(lines)
            lines += [f"  {one}" for one in self.clarification.questions if one not in told]
        lines += [_line(attempt) for attempt in self.attempts]
        return "\n".join(lines)


class InvalidArgument(EnsembleError):
    """The request is malformed; `violations` names the fields and how to mend them."""


class InvalidRequest(InvalidArgument, ValueError):
    """The request is malformed and was not sent."""


class FailedPrecondition(EnsembleError):
    """No endpoint or no text can meet the hard requirements, or the router cannot tell."""


class ResourceExhausted(EnsembleError):
    """A rate, a queue or a budget is used up."""


class Unavailable(EnsembleError):
    """No endpoint, or no gateway, could be reached; gRPC has already retried the call."""


class StreamTruncated(Unavailable):
    """A stream broke after text was received; `partial_text` is not a whole answer."""


class DeadlineExceeded(EnsembleError):
    """The time given was over."""


class Cancelled(EnsembleError):
    """The call or its client was closed before it ended."""


class Aborted(EnsembleError):
    """The gateway ended the request without an answer."""


class ConstraintsFailed(Aborted):
    """Every candidate failed a required check; `best_candidate` came closest."""


class Unauthenticated(EnsembleError):
    """The credentials are missing or wrong."""


class PermissionDenied(EnsembleError):
    """The credentials do not allow the call."""


class NotFound(EnsembleError):
    """A name is unknown to the gateway."""


class Unimplemented(EnsembleError):
    """The gateway cannot do what was asked."""


class Internal(EnsembleError):
    """A bug of the gateway."""


BY_CODE: Final[dict[grpc.StatusCode, type[EnsembleError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
    grpc.StatusCode.INTERNAL: Internal,
}
BY_REASON: Final[dict[str, type[EnsembleError]]] = {
    STREAM_TRUNCATED: StreamTruncated,
    "ALL_CANDIDATES_REJECTED": ConstraintsFailed,
}


def error_for(
    code: grpc.StatusCode,
    message: str,
    detail: FailureDetail | None,
    *,
    request_id: str = "",
    partial_text: str = "",
) -> EnsembleError:
    """Make the error of a status: the class of its reason, else of its code."""
    kind = BY_CODE.get(code, EnsembleError)
    finer = BY_REASON.get(detail.reason, kind) if detail is not None else kind
    return (finer if issubclass(finer, kind) else kind)(
        message, code=code, detail=detail, request_id=request_id, partial_text=partial_text
    )


def truncated(message: str, *, request_id: str, partial_text: str) -> EnsembleError:
    """Make the error of a stream that stopped without the gateway saying why."""
    detail = FailureDetail(reason=STREAM_TRUNCATED)
    return error_for(
        grpc.StatusCode.UNAVAILABLE,
        message,
        detail,
        request_id=request_id,
        partial_text=partial_text,
    )


def invalid(field: str, description: str) -> InvalidRequest:
    """Make the error of a field that is refused before anything is sent."""
    violation = FieldViolation(field=field, description=description)
    return InvalidRequest(
        f"{field}: {description}",
        code=grpc.StatusCode.INVALID_ARGUMENT,
        detail=FailureDetail(reason=INVALID_FIELD, violations=[violation]),
    )


def _seconds(duration: Duration) -> float:
    return duration.ToTimedelta().total_seconds()


def _line(attempt: Attempt) -> str:
    known = attempt.status in AttemptStatus.values()
    status = AttemptStatus.Name(attempt.status) if known else f"STATUS_{attempt.status}"
    words = " ".join((status.removeprefix("ATTEMPT_STATUS_"), attempt.reason)).rstrip()
    why = f": {attempt.detail}" if attempt.detail else ""
    elapsed_ms = round(_seconds(attempt.elapsed) * 1000)
    return f"  {attempt.endpoint} try {attempt.try_number}: {words}, {elapsed_ms} ms{why}"

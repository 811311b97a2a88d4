from __future__ import annotations

import copy
import pickle

import ensemble_client
import grpc
import pytest
from ensemble.v1.decision_pb2 import Clarification
from ensemble.v1.gateway_service_pb2 import FailureDetail, FieldViolation
from ensemble.v1.result_pb2 import Attempt, Candidate
from ensemble_client import errors
from ensemble_client.errors import EnsembleError, error_for, invalid, truncated
from ensemble_client.status import LOST_STATUS, STATUS_KEY, error_of, failure_detail
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.wire.failure import status_to_wire

DETAIL = FailureDetail(
    reason="CHECK_FAILED",
    attempts=[
        Attempt(endpoint="a", try_number=1, status=4, reason="UPSTREAM_TIMEOUT"),
        Attempt(
            endpoint="b",
            try_number=2,
            status=2,
            reason="CHECK_FAILED",
            detail="syntax: line 3",
            elapsed=Duration(seconds=1, nanos=499_600_000),
        ),
        Attempt(endpoint="c", try_number=1, status=99),
    ],
    best_candidate=Candidate(text="a private completion"),
    streamed_chars=12,
    violations=[
        FieldViolation(field="n", description="said already"),
        FieldViolation(field="constraints[2]", description="is broken"),
    ],
    retry_after=Duration(seconds=2),
    request_id="r-1",
)


def test_the_text_is_one_line_for_each_attempt_and_no_completion() -> None:
    error = error_for(
        grpc.StatusCode.ABORTED, "n: said already", DETAIL, partial_text="a private completion"
    )
    assert str(error) == (
        "ABORTED CHECK_FAILED: n: said already [request r-1; retry after 2 s]\n"
        "  constraints[2]: is broken\n"
        "  a try 1: TIMEOUT UPSTREAM_TIMEOUT, 0 ms\n"
        "  b try 2: REJECTED CHECK_FAILED, 1500 ms: syntax: line 3\n"
        "  c try 1: STATUS_99, 0 ms"
    )
    assert "private" not in repr(error)


def test_the_attributes_are_those_of_the_detail() -> None:
    error = error_for(grpc.StatusCode.ABORTED, "words", DETAIL, request_id="mine")
    assert error.reason == "CHECK_FAILED"
    assert error.attempts == tuple(DETAIL.attempts)
    assert error.violations == tuple(DETAIL.violations)
    assert error.best_candidate == DETAIL.best_candidate
    assert error.decision is None
    assert error.retry_after == 2
    assert error.streamed_chars == 12
    assert (error.decision_id, error.clarification) == ("", None)
    assert error.request_id == "r-1"


def test_each_question_of_the_router_stands_in_the_text_once() -> None:
    wanted = Clarification(questions=["Which task?", "Whose?", "Which tags?"], candidates=["a"])
    detail = FailureDetail(
        reason="CLARIFICATION_NEEDED",
        request_id="r-1",
        decision_id="d-1",
        clarification=wanted,
        violations=[FieldViolation(field="routing_mode", description="Whose?")],
    )
    error = error_for(grpc.StatusCode.FAILED_PRECONDITION, "not sure. Which task?", detail)
    assert (error.decision_id, error.clarification) == ("d-1", wanted)
    assert str(error) == (
        "FAILED_PRECONDITION CLARIFICATION_NEEDED: not sure. Which task? "
        "[request r-1; decision d-1]\n"
        "  routing_mode: Whose?\n"
        "  Which tags?"
    )


def test_without_a_detail_there_is_the_status() -> None:
    error = error_for(grpc.StatusCode.DATA_LOSS, "words", None, request_id="mine")
    assert type(error) is EnsembleError
    assert str(error) == "DATA_LOSS: words [request mine]"
    assert (error.attempts, error.best_candidate, error.retry_after) == ((), None, None)
    assert str(EnsembleError("words")) == "UNKNOWN: words"


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, "STREAM_TRUNCATED", errors.StreamTruncated),
        (grpc.StatusCode.UNAVAILABLE, "ALL_ENDPOINTS_FAILED", errors.Unavailable),
        (grpc.StatusCode.ABORTED, "ALL_CANDIDATES_REJECTED", errors.ConstraintsFailed),
        (grpc.StatusCode.ABORTED, "SOMETHING_NEW", errors.Aborted),
        # A reason never moves an error to another status.
        (grpc.StatusCode.INTERNAL, "STREAM_TRUNCATED", errors.Internal),
    ],
)
def test_a_reason_refines_the_class(code, reason: str, kind: type[EnsembleError]) -> None:
    assert type(error_for(code, "words", FailureDetail(reason=reason))) is kind


@pytest.mark.parametrize(
    "error",
    [
        error_for(grpc.StatusCode.ABORTED, "words", DETAIL, partial_text="text"),
        invalid("n", "is odd"),
        truncated("ended", request_id="r", partial_text="text"),
    ],
)
def test_errors_survive_another_process(error: EnsembleError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == str(error)


def test_every_error_is_public() -> None:
    kinds = {EnsembleError}
    waiting = [EnsembleError]
    while waiting:
        found = waiting.pop().__subclasses__()
        kinds.update(found)
        waiting.extend(found)
    assert {kind.__name__ for kind in kinds} <= set(ensemble_client.__all__)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def packed(*details) -> bytes:
    status = Status(code=10, message="words")
    for detail in details:
        wrapped = Any()
        wrapped.Pack(detail)
        status.details.append(wrapped)
    return status.SerializeToString()


def test_the_detail_is_found_among_others() -> None:
    trailers = [("x", "y"), (STATUS_KEY, packed(ErrorInfo(reason="x"), DETAIL))]
    assert failure_detail(trailers) == DETAIL


@pytest.mark.parametrize(
    "trailers",
    [
        None,
        [],
        [(STATUS_KEY, packed())],
        [(STATUS_KEY, packed(ErrorInfo(reason="x")))],
        [(STATUS_KEY, b"\xff\xff")],
        [(STATUS_KEY, "text")],
        [
            (
                STATUS_KEY,
                Status(
                    details=[Any(type_url="t/ensemble.v1.FailureDetail", value=b"\xff")]
                ).SerializeToString(),
            )
        ],
        [
            (
                STATUS_KEY,
                Status(
                    details=[Any(type_url="t/not.ensemble.v1.FailureDetail")]
                ).SerializeToString(),
            )
        ],
    ],
)
def test_what_cannot_be_read_is_no_detail(trailers) -> None:
    assert failure_detail(trailers) is None


def test_it_reads_what_the_gateway_writes() -> None:
    fault = Fault(
        Kind.EXHAUSTED, Origin.US, Reason.BUDGET_EXHAUSTED, "over budget", retry_after_s=1.5
    )
    written = status_to_wire(fault, None, "r-9").SerializeToString()
    detail = failure_detail([(STATUS_KEY, written)])
    error = error_for(grpc.StatusCode.RESOURCE_EXHAUSTED, fault.message, detail)
    assert isinstance(error, errors.ResourceExhausted)
    assert (error.reason, error.request_id, error.retry_after) == ("BUDGET_EXHAUSTED", "r-9", 1.5)


def test_the_reasons_that_refine_a_class_are_the_gateways() -> None:
    assert errors.BY_REASON.keys() <= {str(reason) for reason in Reason}
    assert errors.INVALID_FIELD == Reason.INVALID_FIELD


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        (LOST_STATUS, errors.Unavailable),
        ("internal error (KeyError); please report it", errors.Internal),
    ],
)
def test_a_status_that_grpc_lost_is_not_called_a_bug_of_the_gateway(
    details: str, kind: type[EnsembleError]
) -> None:
    """grpc.aio says INTERNAL when a call ends during a write, whatever the server said."""
    raw = grpc.aio.AioRpcError(
        grpc.StatusCode.INTERNAL, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details
    )
    error = error_of(raw, request_id="r")
    assert type(error) is kind
    assert error.request_id == "r"

from __future__ import annotations

import math
from email.utils import formatdate

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome, did_no_work, outcome_of
from gateway.core.ports import Operation
from gateway.state.throttle import Throttle, ThrottleSettings
from gateway.upstreams import errors_grpc, errors_http
from gateway.upstreams.errors import (
    LONGEST_HINT_S,
    NO_HINT,
    REFUSED,
    Hint,
    finite,
    hint_of,
    time_left,
)

ENDPOINT = Endpoint("there")
WORDS = "the endpoint's words"


def status_error(
    code: grpc.StatusCode,
    details: str = WORDS,
    trailers: tuple[tuple[str, object], ...] = (),
    operation: Operation = Operation.GENERATE,
) -> Fault:
    metadata = grpc.aio.Metadata(*trailers)
    error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details)
    return errors_grpc.fault_of_status(ENDPOINT, error, operation)


def details(*messages: object) -> bytes:
    packed = []
    for message in messages:
        item = Any()
        item.Pack(message)
        packed.append(item)
    return Status(code=8, message=WORDS, details=packed).SerializeToString()


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_grpc_status_is_mapped(code: grpc.StatusCode) -> None:
    fault = status_error(code)
    assert fault.kind is not Kind.INTERNAL
    assert fault.message.startswith("endpoint 'there' ")
    assert WORDS not in fault.message


@pytest.mark.parametrize("status", range(300, 600))
def test_every_http_status_is_mapped(status: int) -> None:
    fault = errors_http.fault_of_status(ENDPOINT, status)
    assert fault.kind is not Kind.INTERNAL
    if status < 400:
        assert fault.kind is Kind.MALFORMED
    if status >= 500:
        assert fault.against_endpoint


GRPC = {
    "INVALID_ARGUMENT": (Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, False),
    "OUT_OF_RANGE": (Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, False),
    "UNAVAILABLE": (Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNAVAILABLE, True),
    "CANCELLED": (Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNAVAILABLE, False),
    "RESOURCE_EXHAUSTED": (Kind.EXHAUSTED, Origin.UPSTREAM, Reason.UPSTREAM_OVERLOADED, False),
    "DEADLINE_EXCEEDED": (Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, False),
    "UNAUTHENTICATED": (Kind.UNAUTHENTICATED, Origin.US, Reason.UPSTREAM_AUTH, False),
    "PERMISSION_DENIED": (Kind.DENIED, Origin.US, Reason.UPSTREAM_AUTH, False),
    "NOT_FOUND": (Kind.NOT_FOUND, Origin.US, Reason.UPSTREAM_MODEL_UNKNOWN, False),
    "UNIMPLEMENTED": (Kind.MALFORMED, Origin.UPSTREAM, Reason.UPSTREAM_MALFORMED, False),
    "INTERNAL": (Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, False),
    "UNKNOWN": (Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, False),
    "DATA_LOSS": (Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, False),
    "ABORTED": (Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, False),
}


@pytest.mark.parametrize("name", GRPC)
def test_the_grpc_table(name: str) -> None:
    fault = status_error(grpc.StatusCode[name])
    assert (fault.kind, fault.origin, fault.reason, fault.retryable) == GRPC[name]


@pytest.mark.parametrize("operation", [Operation.CRITIQUE, Operation.REPAIR])
def test_an_operation_that_an_endpoint_does_not_offer_counts_neither_way(
    operation: Operation,
) -> None:
    fault = status_error(grpc.StatusCode.UNIMPLEMENTED, operation=operation)
    assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)
    assert fault.reason is Reason.UPSTREAM_REFUSED_REQUEST
    assert not fault.retryable
    assert outcome_of(fault) is Outcome.NOT_COUNTED
    assert did_no_work(fault.reason, received=0)


@pytest.mark.parametrize("name", sorted(GRPC.keys() - {"UNIMPLEMENTED"}))
def test_any_other_status_says_the_same_whatever_was_wanted(name: str) -> None:
    fault = status_error(grpc.StatusCode[name], operation=Operation.CRITIQUE)
    assert repr(fault) == repr(status_error(grpc.StatusCode[name]))


HTTP = {
    400: Reason.UPSTREAM_REFUSED_REQUEST,
    401: Reason.UPSTREAM_AUTH,
    403: Reason.UPSTREAM_AUTH,
    404: Reason.UPSTREAM_MODEL_UNKNOWN,
    408: Reason.UPSTREAM_TIMEOUT,
    413: Reason.UPSTREAM_REFUSED_REQUEST,
    422: Reason.UPSTREAM_REFUSED_REQUEST,
    429: Reason.UPSTREAM_OVERLOADED,
    500: Reason.UPSTREAM_ERROR,
    502: Reason.UPSTREAM_UNAVAILABLE,
    503: Reason.UPSTREAM_UNAVAILABLE,
    504: Reason.UPSTREAM_TIMEOUT,
    507: Reason.UPSTREAM_ERROR,
}


@pytest.mark.parametrize("status", HTTP)
def test_the_http_table(status: int) -> None:
    fault = errors_http.fault_of_status(ENDPOINT, status)
    assert fault.reason is HTTP[status]
    assert fault.retryable is (status in {502, 503})


@pytest.mark.parametrize("name", errors_http.NAMED)
def test_every_named_error_is_one_of_the_table(name: str) -> None:
    in_stream = errors_http.fault_of_names(ENDPOINT, (None, name))
    assert in_stream.kind is not Kind.INTERNAL
    assert errors_http.fault_of_status(ENDPOINT, 400, (name,)).reason is in_stream.reason
    # Other statuses speak for themselves.
    assert errors_http.fault_of_status(ENDPOINT, 401, (name,)).reason is Reason.UPSTREAM_AUTH


@pytest.mark.parametrize("names", [(), (None, 7, ["x"]), ("never heard of",)])
def test_an_error_without_a_known_name_is_an_error_of_the_endpoint(
    names: tuple[object, ...],
) -> None:
    assert errors_http.fault_of_names(ENDPOINT, names).reason is Reason.UPSTREAM_ERROR


def test_a_number_as_a_name_is_a_status() -> None:
    assert errors_http.fault_of_names(ENDPOINT, (429,)).reason is Reason.UPSTREAM_OVERLOADED


@pytest.mark.parametrize(
    ("trailers", "hint"),
    [
        ((), NO_HINT),
        ((("x-other", "250"),), NO_HINT),
        ((("grpc-retry-pushback-ms", "250"),), Hint(0.25)),
        ((("grpc-retry-pushback-ms", b"0"),), Hint(0.0)),
        ((("grpc-retry-pushback-ms", "-1"),), REFUSED),
        ((("grpc-retry-pushback-ms", "soon"),), REFUSED),
        ((("grpc-retry-pushback-ms", "9999999999999"),), REFUSED),
        ((("grpc-status-details-bin", b"\xff\xff"),), NO_HINT),
        ((("grpc-status-details-bin", details(ErrorInfo(reason="X"))),), NO_HINT),
        (
            (
                (
                    "grpc-status-details-bin",
                    details(
                        ErrorInfo(), RetryInfo(retry_delay=Duration(seconds=2, nanos=5 * 10**8))
                    ),
                ),
            ),
            Hint(2.5),
        ),
        (
            (("grpc-status-details-bin", details(RetryInfo(retry_delay=Duration(seconds=-2)))),),
            NO_HINT,
        ),
        (
            (
                ("grpc-status-details-bin", details(RetryInfo(retry_delay=Duration(seconds=2)))),
                ("grpc-retry-pushback-ms", "-1"),
            ),
            REFUSED,
        ),
    ],
)
def test_hints_in_trailers(trailers: tuple[tuple[str, str | bytes], ...], hint: Hint) -> None:
    assert errors_grpc.hint_in(trailers) == hint


def test_pushback_forbids_the_retry_of_a_transient_fault() -> None:
    refused = (("grpc-retry-pushback-ms", "-1"),)
    assert not status_error(grpc.StatusCode.UNAVAILABLE, trailers=refused).retryable


@pytest.mark.parametrize("value", ["0", "250", b"250"])
def test_a6_pushback_that_is_valid_is_the_wait_before_the_retry(value: str | bytes) -> None:
    fault = status_error(grpc.StatusCode.UNAVAILABLE, trailers=(("grpc-retry-pushback-ms", value),))
    assert (fault.retryable, fault.retry_after_s) == (True, int(value) / 1000)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
@pytest.mark.parametrize("value", ["-1", "-250", "", "soon", "1.5", "+5", " 5", b"\xff", "9" * 10])
def test_a6_pushback_that_is_negative_or_unparsable_means_no_retry(
    code: str, value: str | bytes
) -> None:
    fault = status_error(grpc.StatusCode[code], trailers=(("grpc-retry-pushback-ms", value),))
    assert (fault.retryable, fault.retry_after_s) == (False, None)
    # It is still one that the retry throttle counts.
    throttle = Throttle(ThrottleSettings())
    throttle.failed(fault)
    assert throttle.tokens == 9


def test_a_hint_makes_no_fault_retryable_that_waiting_cannot_cure() -> None:
    wait = (("grpc-retry-pushback-ms", "10"),)
    assert status_error(grpc.StatusCode.RESOURCE_EXHAUSTED, trailers=wait).retryable
    for name in ("INTERNAL", "INVALID_ARGUMENT", "NOT_FOUND", "DEADLINE_EXCEEDED"):
        fault = status_error(grpc.StatusCode[name], trailers=wait)
        assert (fault.retryable, fault.retry_after_s) == (False, None)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("CLIENT: Received message larger than max (9 vs. 5)", Kind.MALFORMED),
        ("CLIENT: Sent message larger than max (9 vs. 5)", Kind.INVALID),
        ("SERVER: Received message larger than max (9 vs. 5)", Kind.INVALID),
    ],
)
def test_a_size_limit_is_no_overload(words: str, kind: Kind) -> None:
    assert status_error(grpc.StatusCode.RESOURCE_EXHAUSTED, words).kind is kind


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, NO_HINT),
        ("12", Hint(12.0)),
        ("0.5", Hint(0.5)),
        ("-3", NO_HINT),
        ("nan", NO_HINT),
        ("inf", NO_HINT),
        ("1e30", Hint(LONGEST_HINT_S)),
        ("soon", NO_HINT),
        ("", NO_HINT),
        (formatdate(1060, usegmt=True), Hint(60.0)),
        (formatdate(10, usegmt=True), Hint(0.0)),
        ("Wed, 99 Foo 2020 00:00:00 GMT", NO_HINT),
    ],
)
def test_retry_after_headers(value: str | None, hint: Hint) -> None:
    assert errors_http.retry_after(value, wall_now=1000.0) == hint


def test_hints_are_finite_and_bounded() -> None:
    assert hint_of(math.inf) == hint_of(-0.1) == NO_HINT
    assert hint_of(1e9) == Hint(LONGEST_HINT_S)


def test_no_time_left_is_not_the_endpoints_doing() -> None:
    assert time_left(ENDPOINT, Deadline(12.0), lambda: 10.0) == 2.0
    with pytest.raises(Fault) as caught:
        time_left(ENDPOINT, Deadline(10.0), lambda: 10.0)
    assert (caught.value.kind, caught.value.origin) == (Kind.DEADLINE, Origin.CALLER)


def test_one_logprob_that_is_no_number_spoils_all() -> None:
    assert finite((-1.0, -2.0)) == (-1.0, -2.0)
    assert finite((-1.0, -math.inf)) == ()
    assert finite((math.nan,)) == ()

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from google.rpc.status_pb2 import Status

from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.deadline import Deadline
from gateway.core.decision import (
    ChainPolicy,
    Excluded,
    ExclusionReason,
    RoutingDecision,
    RoutingReason,
)
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason
from gateway.ingress.fit import MAX_MESSAGE_BYTES, MAX_STATUS_BYTES, fitted
from tests.fakes.values import make_request

WIDE = "\N{SNOWMAN}"
LONGEST_NAME = "n" * 128


def fault(kind: Kind, message: str = "words", *violations: FieldViolation) -> Fault:
    return Fault(
        kind, Origin.CALLER, Reason.INVALID_FIELD, message, violations=violations, retry_after_s=2.5
    )


def full(exchange: Exchange) -> Exchange:
    exchange.decision = RoutingDecision(
        LONGEST_NAME,
        (LONGEST_NAME,) * 9,
        RoutingReason.FAST_MATCH,
        "words " * 20,
        None,
        0.1,
        "v2",
        ChainPolicy.PREFER,
        tuple(Excluded(LONGEST_NAME, ExclusionReason.DRAINED, "x" * 200) for _ in range(20)),
    )
    exchange.attempts = [
        Attempt(LONGEST_NAME, number, AttemptStatus.FAILED, "REASON", WIDE * 200)
        for number in range(60)
    ]
    verdicts = tuple(
        Verdict(LONGEST_NAME, VerdictStatus.FAILED, WIDE * 300, required=True) for _ in range(256)
    )
    exchange.candidates = [Candidate(0, LONGEST_NAME, Completion("t" * 2000), verdicts)]
    return exchange


def detail(status: Status) -> pb.FailureDetail:
    return pb.FailureDetail.FromString(status.details[-1].value)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_largest_failure_of_every_kind_fits(kind: Kind) -> None:
    violation = FieldViolation("f" * 400, WIDE * 500)
    large = fault(kind, WIDE * 90_000, *(violation,) * 256)
    status = fitted(large, full(Exchange(make_request(), Deadline(0))), "r" * 128)
    assert status.ByteSize() <= MAX_STATUS_BYTES + MAX_MESSAGE_BYTES
    assert len(quote(status.message)) <= MAX_MESSAGE_BYTES + len(quote(" ..."))
    assert detail(status).reason == Reason.INVALID_FIELD
    assert detail(status).retry_after.nanos == 500_000_000
    assert detail(status).attempts[-1].try_number == 59


def test_violations_without_an_exchange_fit() -> None:
    violations = [FieldViolation(f"constraints[{n}].name", WIDE * 500) for n in range(256)]
    status = fitted(fault(Kind.INVALID, "words", *violations), None, "r")
    assert status.ByteSize() <= MAX_STATUS_BYTES
    assert [item.field for item in detail(status).violations] == [
        violation.field for violation in violations[:10]
    ]


def test_what_fits_is_left_whole() -> None:
    exchange = full(Exchange(make_request(), Deadline(0)))
    exchange.attempts = exchange.attempts[:2]
    exchange.candidates = [Candidate(0, "a", Completion("text"))]
    assert exchange.decision is not None
    exchange.decision = replace(exchange.decision, excluded=exchange.decision.excluded[:2])
    status = fitted(fault(Kind.UNVERIFIED), exchange, "r")
    assert status.message == "words"
    whole = detail(status)
    assert (len(whole.attempts), whole.best_candidate.text) == (2, "text")
    assert len(whole.decision.excluded) == 2


def test_the_exchange_itself_is_left_alone() -> None:
    exchange = full(Exchange(make_request(), Deadline(0)))
    fitted(fault(Kind.UNVERIFIED), exchange, "r")
    assert len(exchange.attempts) == 60
    assert exchange.decision is not None
    assert len(exchange.candidates[0].verdicts) == 256

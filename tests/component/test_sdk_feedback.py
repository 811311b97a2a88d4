"""Both clients report outcomes and tune what was learned, over real sockets."""

from __future__ import annotations

import grpc
import pytest
from ensemble.v1 import feedback_service_pb2 as pb
from ensemble.v1 import gateway_service_pb2 as gateway_pb
from ensemble.v1.decision_pb2 import Clarification
from ensemble_client import (
    EnsembleError,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    Unavailable,
)

from tests.fakes.both_clients import Both
from tests.fakes.feedback_server import (
    ANALYSIS,
    DECISION,
    EVALUATION,
    EXPERIMENTS,
    FakeFeedback,
    feedback_on_loopback,
)
from tests.fakes.gateway_server import UNAVAILABLE, FakeGateway, fails

BUSY = fails(UNAVAILABLE, "not yet")


def test_an_outcome_arrives_with_what_is_known_and_nothing_else(both: Both) -> None:
    """O-06 ✗: what was not reported counted as correct."""
    with feedback_on_loopback() as fake:
        answer = both.ask(
            fake.target,
            "record_outcome",
            DECISION,
            endpoint="quality",
            compiled=True,
            tests_passed=0,
            tests_total=4,
            accepted=False,
            edit_distance=0.25,
            reverted=None,
            corrected_endpoint="fast",
            latency=1.5,
            cost_micros=0,
        )
        both.ask(fake.target, "record_outcome", DECISION)
    assert answer == pb.RecordOutcomeResponse(endpoint="quality", quality=0.0)
    full, bare = (asked.request for asked in fake.asked)
    assert full == pb.RecordOutcomeRequest(
        decision_id=DECISION,
        endpoint="quality",
        compiled=True,
        tests_passed=0,
        tests_total=4,
        accepted=False,
        edit_distance=0.25,
        corrected_endpoint="fast",
        latency={"seconds": 1, "nanos": 500_000_000},
        cost_micros=0,
    )
    assert bare == pb.RecordOutcomeRequest(decision_id=DECISION)


def test_a_quality_that_is_not_known_is_not_a_zero(both: Both) -> None:
    with feedback_on_loopback() as fake:
        answer = both.ask(fake.target, "record_outcome", DECISION, compiled=True)
    assert not answer.HasField("quality")


def test_an_unknown_decision_is_not_found(both: Both) -> None:
    """O-05 ✗: older outcomes were dropped silently."""
    with feedback_on_loopback() as fake, pytest.raises(NotFound) as caught:
        both.ask(fake.target, "record_outcome", "x", accepted=True)
    assert caught.value.reason == "UNKNOWN_DECISION"


def test_calls_carry_the_callers_name_and_deadline(both: Both) -> None:
    settings = {"tenant": "acme"}
    with feedback_on_loopback() as fake:
        both.ask(
            fake.target,
            "record_outcome",
            DECISION,
            settings=settings,
            accepted=True,
            timeout=9,
            metadata={"a": "1"},
        )
    (asked,) = fake.asked
    assert (asked.metadata["x-ensemble-tenant"], asked.metadata["a"]) == ("acme", "1")
    assert 5 < asked.time_left_s < 10


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tests_passed": -1}, "tests_passed"),
        ({"accepted": "yes"}, "accepted"),
        ({"quality": "good"}, "quality"),
        ({"latency": float("nan")}, "latency"),
        ({"latency": float("inf")}, "latency"),
        ({"latency": "1s"}, "latency"),
        ({"endpoint": "a\ud800"}, "endpoint"),
    ],
)
def test_what_cannot_be_sent_names_its_field(both: Both, fields: dict, field: str) -> None:
    with feedback_on_loopback() as fake, pytest.raises(InvalidRequest) as caught:
        both.ask(fake.target, "record_outcome", DECISION, **fields)
    assert [one.field for one in caught.value.violations] == [field]
    assert fake.asked == []


def test_a_misspelt_field_is_a_type_error(both: Both) -> None:
    with feedback_on_loopback() as fake, pytest.raises(TypeError, match="acepted"):
        both.ask(fake.target, "record_outcome", DECISION, acepted=True)


def test_a_proposal_is_looked_at_applied_and_taken_back(both: Both) -> None:
    with feedback_on_loopback() as fake:
        proposal = both.ask(
            fake.target, "propose_thresholds", window=7200, step=0.1, train_head=True
        )
        planned = both.ask(
            fake.target, "apply_thresholds", proposal.set.version, validate_only=True
        )
        assert both.ask(fake.target, "thresholds").set.version == 1
        applied = both.ask(fake.target, "apply_thresholds", proposal.set.version, timeout=9)
        assert both.ask(fake.target, "thresholds").set.version == 2
        both.ask(fake.target, "rollback_thresholds", validate_only=True)
        assert both.ask(fake.target, "thresholds").set.version == 2
        both.ask(fake.target, "rollback_thresholds")
        assert both.ask(fake.target, "thresholds").set.version == 1
        assert both.ask(fake.target, "thresholds", 2).set.version == 2
    assert fake.asked[0].request == pb.ProposeThresholdsRequest(
        window={"seconds": 7200}, step=0.1, train_head=True
    )
    assert not planned.after.in_force
    assert applied.after.in_force


def test_a_version_that_is_not_there_is_not_found(both: Both) -> None:
    with feedback_on_loopback() as fake:
        for method in ("apply_thresholds", "thresholds"):
            with pytest.raises(NotFound, match="there is no version 9"):
                both.ask(fake.target, method, 9)
        with pytest.raises(InvalidRequest, match="version: cannot be -1"):
            both.ask(fake.target, "thresholds", -1)


def test_what_operators_ask(both: Both) -> None:
    with feedback_on_loopback() as fake:
        assert both.ask(fake.target, "experiments") == list(EXPERIMENTS)
        assert both.ask(fake.target, "evaluate_policy", "objective = 1", 60.5) == EVALUATION
        assert both.ask(fake.target, "analyze_routing", window=3600) == ANALYSIS
        assert both.ask(fake.target, "analyze_routing") == ANALYSIS
    _, evaluated, analysed, at_large = (asked.request for asked in fake.asked)
    assert evaluated.policy == "objective = 1"
    assert evaluated.window.ToNanoseconds() == 60_500_000_000
    assert analysed.window.seconds == 3600
    assert not at_large.HasField("window")


CALLS = {
    "RecordOutcome": ("record_outcome", DECISION),
    "GetThresholds": ("thresholds",),
    "ProposeThresholds": ("propose_thresholds",),
    "ApplyThresholds": ("apply_thresholds", 1),
    "ListExperiments": ("experiments",),
    "EvaluatePolicy": ("evaluate_policy", "x"),
    "AnalyzeRouting": ("analyze_routing",),
}


@pytest.mark.parametrize("method", CALLS)
def test_unavailable_is_retried_for_what_may_be_repeated(both: Both, method: str) -> None:
    with feedback_on_loopback(FakeFeedback(first=[BUSY])) as fake:
        both.ask(fake.target, *CALLS[method])
    assert fake.methods() == [method] * 2


def test_a_rollback_is_never_repeated_because_it_would_go_back_twice(both: Both) -> None:
    fake = FakeFeedback(first=[BUSY])
    with feedback_on_loopback(fake), pytest.raises(Unavailable):
        both.ask(fake.target, "rollback_thresholds")
    assert fake.methods() == ["RollbackThresholds"]


def test_a_router_that_cannot_tell_says_what_it_wants_to_know(both: Both) -> None:
    wanted = Clarification(questions=["labels.task: which kind of task?"], candidates=["a", "b"])
    detail = gateway_pb.FailureDetail(
        reason="CLARIFICATION_NEEDED", decision_id=DECISION, clarification=wanted
    )
    failing = fails(grpc.StatusCode.FAILED_PRECONDITION, "the router cannot tell", detail)
    with FakeGateway(Generate=failing) as gateway, pytest.raises(EnsembleError) as caught:
        both.generate(gateway.target, "x")
    assert type(caught.value) is FailedPrecondition
    assert caught.value.clarification == wanted
    assert caught.value.decision_id == DECISION

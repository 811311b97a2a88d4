from __future__ import annotations

from typing import Any

import pytest
from ensemble.v1 import decision_pb2, gateway_service_pb2, hole_pb2, result_pb2
from google.rpc import error_details_pb2
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer import Answer
from gateway.core.candidate import (
    Attempt,
    AttemptStatus,
    Candidate,
    Completion,
    FinishReason,
    Usage,
)
from gateway.core.constraint import (
    Constraint,
    ForbiddenText,
    Grammar,
    GrammarRule,
    GrammarSyntax,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
    Verdict,
    VerdictStatus,
)
from gateway.core.deadline import Deadline
from gateway.core.decision import (
    ChainPolicy,
    Excluded,
    ExclusionReason,
    RoutingDecision,
    RoutingReason,
)
from gateway.core.endpoint import Capability
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.hole import HoleKind, HoleSpec, Sampling, Strategy
from gateway.wire import enums
from gateway.wire.failure import CODES, MAX_TEXT_BYTES, detail_to_wire, status_to_wire
from gateway.wire.hole import (
    body_from_wire,
    constraint_from_wire,
    constraint_to_wire,
    sampling_from_wire,
    sampling_to_wire,
    spec_from_wire,
    spec_to_wire,
)
from gateway.wire.request import request_from_wire
from gateway.wire.result import answer_to_wire, duration, finish_from_wire
from tests.fakes.values import make_request

words = st.text(max_size=20)
ids = st.lists(st.integers(0, 2**32 - 1), max_size=4).map(tuple)
bodies = st.one_of(
    st.builds(JsonSchema, words),
    st.builds(
        Grammar,
        st.sampled_from(GrammarSyntax),
        words,
        st.lists(st.builds(GrammarRule, words, st.lists(words).map(tuple)), max_size=3).map(tuple),
        words,
    ),
    st.builds(Regex, words, st.sampled_from(["", "i", "ims"])),
    st.builds(TokenMask, ids, ids),
    st.builds(ForbiddenText, st.lists(words, min_size=1, max_size=3).map(tuple)),
    st.builds(
        TypeGoal,
        words,
        words,
        st.dictionaries(words, words, max_size=3).map(lambda d: tuple(sorted(d.items()))),
        words,
        st.none() | st.builds(TokenMask, ids, ids),
    ),
    st.builds(UnitTests, words, words),
)
constraints = st.builds(
    Constraint,
    words,
    bodies,
    st.integers(-(2**31), 2**31 - 1),
    required=st.booleans(),
    security=st.booleans(),
    rich_context=words,
    feasible=st.booleans(),
)


@given(constraints)
def test_constraints_survive_the_wire_in_both_directions(constraint: Constraint) -> None:
    wire = constraint_to_wire(constraint)
    parsed = hole_pb2.Constraint.FromString(wire.SerializeToString())
    assert constraint_from_wire(parsed) == constraint


@given(
    st.builds(
        Sampling,
        st.none() | st.integers(1, 1000),
        st.none() | st.floats(0, 2),
        st.none() | st.floats(0.1, 1),
        st.none() | st.integers(0, 100),
        st.none() | st.integers(0, 2**64 - 1),
        st.lists(words, max_size=3).map(tuple),
    )
)
def test_sampling_survives_the_wire_with_what_is_not_set(sampling: Sampling) -> None:
    wire = hole_pb2.Sampling.FromString(sampling_to_wire(sampling).SerializeToString())
    assert sampling_from_wire(wire) == sampling


@pytest.mark.parametrize("score", [0.0, 0.5])
def test_a_feasibility_score_of_zero_means_infeasible(score: float) -> None:
    """HS-06 ✗: feasibility was carried and never looked at."""
    wire = hole_pb2.Constraint(name="a", regex={"pattern": "x"}, feasibility_score=score)
    assert constraint_from_wire(wire).feasible is (score > 0)


def test_a_constraint_without_a_body_is_no_constraint() -> None:
    with pytest.raises(ValueError, match="no body"):
        body_from_wire(hole_pb2.Constraint(name="a"))


@pytest.mark.parametrize(
    ("table", "members"),
    [
        (enums.CAPABILITY, Capability),
        (enums.REASON, RoutingReason),
        (enums.CHAIN_POLICY, ChainPolicy),
        (enums.HOLE_KIND, HoleKind),
        (enums.GRAMMAR_SYNTAX, GrammarSyntax),
        (enums.FINISH, FinishReason),
        (enums.VERDICT_STATUS, VerdictStatus),
        (enums.ATTEMPT_STATUS, AttemptStatus),
    ],
)
def test_every_member_has_its_own_number(table: Any, members: Any) -> None:
    assert set(table) == set(members)
    assert len(set(table.values())) == len(members)


def test_numbers_that_are_not_known_count_as_not_stated() -> None:
    assert finish_from_wire(99) is FinishReason.UNSPECIFIED
    assert spec_from_wire(hole_pb2.HoleSpec(kind=99)).kind is HoleKind.UNSPECIFIED  # type: ignore[arg-type]


def test_a_whole_description_is_read() -> None:
    wire = hole_pb2.HoleSpec(
        hole_id=7,
        kind=hole_pb2.HOLE_KIND_BLOCK,
        language="Python",
        expected_type="int",
        json_schema={"schema": "{}"},
        grammar={"text": "start: A"},
        grammar_ref="g",
        fill_constraints=[{"kind": "security", "value": "v", "error_message": "e"}],
        origin={"file": "a.py", "line": 3, "project_root": "/p", "intent": "i"},
    )
    spec = spec_from_wire(wire)
    assert (spec.hole_id, spec.kind, spec.language) == (7, HoleKind.BLOCK, "python")
    assert spec.origin is not None
    assert spec.origin.line == 3
    assert spec.grammar is not None
    assert spec.fill_constraints[0].kind == "security"
    assert (
        spec_from_wire(hole_pb2.HoleSpec.FromString(spec_to_wire(spec).SerializeToString())) == spec
    )


def test_an_empty_description_survives_the_wire() -> None:
    assert spec_from_wire(spec_to_wire(HoleSpec())) == HoleSpec()


def test_a_request_is_read_with_what_was_left_open() -> None:
    wire = gateway_service_pb2.GenerateRequest(prompt="p")
    request = request_from_wire(wire, request_id="id")
    assert request.request_id == "id"
    assert (request.strategy, request.n) == (None, None)
    assert request.budget.max_attempts is None


def test_a_full_request_is_read() -> None:
    wire = gateway_service_pb2.GenerateRequest(
        prompt="p",
        strategy=gateway_service_pb2.STRATEGY_BEST_OF_N,
        n=2,
        budget={"max_cost_micros": 1, "max_attempts": 2, "max_tokens": 3},
        endpoint_filter={
            "required_tags": ["a"],
            "forbidden_tags": ["b"],
            "required_capabilities": [decision_pb2.CAPABILITY_LONG_CONTEXT],
        },
        labels={"k": "v"},
        session_id="s",
        request_id="mine",
        return_candidates=True,
    )
    request = request_from_wire(wire, request_id="other")
    assert request.strategy is Strategy.BEST_OF_N
    assert request.request_id == "mine"
    assert request.endpoint_filter.required_capabilities == {Capability.LONG_CONTEXT}
    assert request.labels == (("k", "v"),)
    assert (request.budget.max_cost_micros, request.budget.max_tokens) == (1, 3)


def test_fields_that_contradict_each_other_are_refused_by_name() -> None:
    wire = gateway_service_pb2.GenerateRequest(prompt="p", routing_mode=2, objective=2)
    with pytest.raises(Fault) as caught:
        request_from_wire(wire, request_id="id")
    assert caught.value.kind is Kind.INVALID
    assert caught.value.violations[0].field == "objective"


@pytest.mark.parametrize(
    ("seconds", "whole", "nanos"), [(0, 0, 0), (1.5, 1, 500_000_000), (-1, 0, 0), (1e-9, 0, 1)]
)
def test_spans_of_time(seconds: float, whole: int, nanos: int) -> None:
    wire = duration(seconds)
    assert (wire.seconds, wire.nanos) == (whole, nanos)


DECISION = RoutingDecision(
    "a",
    ("b",),
    RoutingReason.MEDIUM_DEFAULT,
    "words",
    None,
    0.5,
    "v2",
    ChainPolicy.PREFER,
    (Excluded("c", ExclusionReason.DRAINED, "is drained"),),
    3,
)
VERDICT = Verdict("digits", VerdictStatus.FAILED, "no match", required=True)


def candidate(text: str, confidence: float = 0.5) -> Candidate:
    completion = Completion(text, FinishReason.LENGTH, "m", Usage(3, 4), (-1.0, -3.0))
    return Candidate(0, "a", completion, (VERDICT,), confidence, "validators", 7, 0.5)


def test_an_answer_is_written_with_its_explanation() -> None:
    attempts = (
        Attempt("a", 1, AttemptStatus.OK, elapsed_s=0.5, usage=Usage(3, 4), cost_micros=9),
        Attempt("b", 1, AttemptStatus.FAILED, Reason.UPSTREAM_ERROR, "why"),
    )
    answer = Answer(candidate("text"), DECISION, attempts, (candidate("text"),), 1.0)
    request = make_request(return_candidates=True)
    wire = answer_to_wire(answer, request, trace_id="t")
    assert (wire.text, wire.endpoint, wire.cost_micros) == ("text", "a", 9)
    assert wire.candidates[0].mean_logprob == -2.0
    assert wire.decision.excluded[0].reason == "DRAINED"
    assert wire.attempts[1].reason == "UPSTREAM_ERROR"
    assert wire.verdicts[0].status == result_pb2.VERDICT_STATUS_FAILED
    assert answer_to_wire(answer, make_request(), with_text=False).text == ""
    assert not answer_to_wire(answer, make_request()).candidates


def unpack(status: Status, kind: Any) -> Any:
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            found = kind()
            detail.Unpack(found)
            return found
    return None


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_status_and_its_details(kind: Kind) -> None:
    fault = Fault(kind, Origin.US, Reason.INTERNAL_ERROR, "words", retry_after_s=1.5)
    exchange = Exchange(make_request(), Deadline(0), candidates=[candidate("x")])
    status = status_to_wire(fault, exchange, "id")
    assert status.code == CODES[kind] != Code.OK
    info = unpack(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("INTERNAL_ERROR", "ensemble-gateway")
    assert unpack(status, error_details_pb2.RequestInfo).request_id == "id"
    assert unpack(status, error_details_pb2.RetryInfo).retry_delay.nanos == 500_000_000
    assert unpack(status, gateway_service_pb2.FailureDetail).retry_after.seconds == 1


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        (Kind.INVALID, error_details_pb2.BadRequest),
        (Kind.INFEASIBLE, error_details_pb2.PreconditionFailure),
        (Kind.EXHAUSTED, error_details_pb2.QuotaFailure),
    ],
)
def test_details_of_the_kind_name_what_is_at_fault(kind: Kind, detail: Any) -> None:
    fault = invalid("n", "too large")
    fault.kind = kind
    assert unpack(status_to_wire(fault, None, "id"), detail)


def test_the_best_rejected_candidate_is_in_the_details_unless_too_long() -> None:
    fault = Fault(Kind.UNVERIFIED, Origin.UPSTREAM, Reason.ALL_CANDIDATES_REJECTED, "words")
    exchange = Exchange(make_request(), Deadline(0), decision=DECISION)
    exchange.attempts.extend(
        Attempt("a", n, AttemptStatus.FAILED, Reason.UPSTREAM_ERROR, "d" * 999) for n in range(40)
    )
    exchange.streamed.extend(["ab", "c"])
    for text, kept in (("short", "short"), ("x" * (MAX_TEXT_BYTES + 1), "")):
        exchange.candidates[:] = [candidate(text)]
        detail = detail_to_wire(fault, exchange, "id")
        assert detail.best_candidate.text == kept
        assert detail.best_candidate.verdicts
        assert detail.streamed_chars == 3
        assert len(status_to_wire(fault, exchange, "id").SerializeToString()) < 8000

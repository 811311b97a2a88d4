"""Values that compute something: deadlines, verdicts, candidates, answers, decisions, outcomes."""

from __future__ import annotations

import pytest

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion, Usage
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason, invalid
from gateway.core.hole import NO_SAMPLING, Hole, Request
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.policy import Invocation
from gateway.core.ports import Task

DECISION = RoutingDecision(
    "a", ("b", "c"), RoutingReason.MEDIUM_DEFAULT, "", None, 0.5, "v2", ChainPolicy.PREFER
)


def upstream_fault(origin: Origin) -> Fault:
    return Fault(Kind.UNAVAILABLE, origin, Reason.UPSTREAM_UNAVAILABLE, "gone", retryable=True)


def test_time_left_is_never_negative() -> None:
    deadline = Deadline(10.0)
    assert deadline.left(7.5) == 2.5
    assert deadline.left(10.0) == 0.0
    assert deadline.left(99.0) == 0.0


def test_the_sooner_of_two_deadlines() -> None:
    deadline = Deadline(10.0)
    assert deadline.sooner(12.0) is deadline
    assert deadline.sooner(10.0) is deadline
    assert deadline.sooner(8.0) == Deadline(8.0)


@pytest.mark.parametrize("status", VerdictStatus)
@pytest.mark.parametrize("required", [True, False])
def test_only_a_failed_required_check_refuses(status: VerdictStatus, required: bool) -> None:
    verdict = Verdict("shape", status, required=required)
    refuses = required and status is VerdictStatus.FAILED
    assert verdict.refuses is refuses
    candidate = Candidate(0, "a", Completion("x"), verdicts=(verdict,))
    assert candidate.accepted is not refuses


def test_a_candidate_without_checks_is_accepted() -> None:
    assert Candidate(0, "a", Completion("x")).accepted


def test_an_answer_adds_up_all_attempts() -> None:
    attempts = (
        Attempt("a", 1, AttemptStatus.FAILED, usage=Usage(10, 0), cost_micros=3),
        Attempt("b", 1, AttemptStatus.OK, usage=Usage(10, 5), cost_micros=4),
    )
    chosen = Candidate(0, "b", Completion("x"))
    answer = Answer(chosen, DECISION, attempts, (chosen,), 0.1)
    assert answer.usage == Usage(20, 5)
    assert answer.cost_micros == 7


def test_the_chain_is_the_primary_and_its_fallbacks() -> None:
    assert DECISION.chain == ("a", "b", "c")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin.UPSTREAM, Outcome.FAILURE),
        (Origin.CALLER, Outcome.NOT_COUNTED),
        (Origin.US, Outcome.NOT_COUNTED),
    ],
)
def test_only_upstream_faults_count_against_an_endpoint(origin: Origin, expected: Outcome) -> None:
    fault = upstream_fault(origin)
    assert outcome_of(fault) is expected
    assert fault.against_endpoint is (origin is Origin.UPSTREAM)


def test_no_fault_is_a_success() -> None:
    assert outcome_of(None) is Outcome.SUCCESS


def test_a_fault_says_what_it_is() -> None:
    fault = upstream_fault(Origin.UPSTREAM)
    assert str(fault) == fault.message == "gone"
    assert repr(fault) == "Fault(unavailable, upstream, UPSTREAM_UNAVAILABLE, 'gone')"
    assert fault.retryable
    assert fault.retry_after_s is None
    assert fault.violations == ()


def test_an_invalid_field_is_named() -> None:
    fault = invalid("n", "must be at least 1")
    assert (fault.kind, fault.origin, fault.reason) == (
        Kind.INVALID,
        Origin.CALLER,
        Reason.INVALID_FIELD,
    )
    assert fault.message == "n: must be at least 1"
    assert fault.violations == (FieldViolation("n", "must be at least 1"),)
    duplicate = invalid("constraints[1].name", "is used twice", Reason.DUPLICATE_CONSTRAINT)
    assert duplicate.reason is Reason.DUPLICATE_CONSTRAINT


def test_the_record_of_an_exchange_is_its_own() -> None:
    one, two = (Exchange(Request(Hole("x"), "r"), Deadline(1.0)) for _ in range(2))
    one.streamed.append("a")
    one.attempts.append(Attempt("a", 1, AttemptStatus.OK))
    one.candidates.append(Candidate(0, "a", Completion("a")))
    assert (two.streamed, two.attempts, two.candidates) == ([], [], [])


class NoAccount:
    def reserve(self, task: Task) -> str:
        return ""

    def settle(self, task: Task, attempt: Attempt) -> None: ...


def test_an_invocation_starts_as_a_first_try_that_sent_nothing() -> None:
    request = Request(Hole("x"), "r")
    task = Task(request, Endpoint("a"), NO_SAMPLING)
    attempts: list[Attempt] = []
    invocation = Invocation(task, Deadline(1.0), attempts, NoAccount())
    assert (invocation.try_number, invocation.sent, invocation.send) == (1, False, None)
    assert invocation.attempts is attempts
    assert (task.candidate, task.partial) == (0, "")


def test_an_answer_of_several_attempts_sums_their_tokens() -> None:
    attempts = tuple(
        Attempt("a", n, AttemptStatus.OK, usage=Usage(n, 2 * n), cost_micros=n) for n in (1, 2)
    )
    chosen = Candidate(0, "a", Completion("x"))
    for some, usage in ((attempts, Usage(3, 6)), (attempts[:1], Usage(1, 2)), ((), Usage())):
        answer = Answer(chosen, DECISION_FOR_SUMS, some, (), 0.0)
        assert answer.usage == usage
        assert answer.cost_micros == sum(one.cost_micros for one in some)


DECISION_FOR_SUMS = RoutingDecision(
    "a", (), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion, FinishReason
from gateway.core.chat import Chat, ChatMessage, ToolCall
from gateway.core.constraint import Constraint, ForbiddenText, VerdictStatus
from gateway.core.events import AttemptFailed, Delta, Failover, Judged, Started
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Budget, Hole, HoleSpec, Sampling, Strategy
from gateway.core.ports import Operation
from gateway.ensemble.hold import Boundary, HoldSettings
from tests.fakes.ensemble import Ensemble, fails, hangs, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

NO_EVAL = Constraint("no_eval", ForbiddenText(("eval",)))
PYTHON = Hole("x = ", "\n", HoleSpec(language="python"))


def ask(steps, *, request=None, stream=False, seconds=60.0, **settings):
    """Streams are committed to with their first piece here; test_hold.py has the other way."""
    clock = VirtualClock()
    ensemble = Ensemble(clock, steps, hold=HoldSettings(Boundary.NONE), **settings)
    exchange = ensemble.exchange(request or make_request(), stream=stream, seconds=seconds)
    try:
        result = run_virtual(clock, ensemble.client.handle(exchange))
    except Fault as fault:
        result = fault
    return result, exchange, ensemble


def asked(ensemble) -> list[str]:
    return [invocation.task.endpoint.name for invocation in ensemble.asked]


def test_the_primary_answers_and_nobody_else_is_asked() -> None:
    answer, _, ensemble = ask({"a": says("1"), "b": says("2")})
    assert answer.chosen.completion.text == "1"
    assert asked(ensemble) == ["a"]
    assert answer.cost_micros == 15


def test_a_failed_call_goes_on_down_the_chain() -> None:
    answer, _, ensemble = ask({"a": fails(), "b": fails(Kind.MALFORMED), "c": says("3")})
    assert answer.chosen.endpoint == "c"
    assert [attempt.status for attempt in answer.attempts] == [
        AttemptStatus.FAILED,
        AttemptStatus.FAILED,
        AttemptStatus.OK,
    ]
    ensemble_counters = ensemble.fleet.read().ensemble
    assert (ensemble_counters.fallback_used, ensemble_counters.fallback_exhausted) == (1, 0)


def test_an_answer_that_calls_tools_is_taken_and_its_checks_say_that_nobody_looked() -> None:
    calls = (ToolCall("c1", "lookup", "{}"),)

    async def wants_a_call(_):
        return Completion("", FinishReason.STOP, "m", tool_calls=calls)

    request = make_request(
        hole=Hole("x = ", constraints=(NO_EVAL,)), chat=Chat((ChatMessage("user", "x"),))
    )
    answer, _, _ = ask({"a": wants_a_call, "b": says("y")}, request=request)
    assert answer.chosen.completion.tool_calls == calls
    assert {verdict.status for verdict in answer.chosen.verdicts} == {VerdictStatus.UNCHECKED}
    assert {verdict.constraint for verdict in answer.chosen.verdicts} >= {"no_eval"}


def test_an_answer_in_chat_is_checked_by_itself_and_not_behind_the_conversation() -> None:
    chat = Chat((ChatMessage("user", "Write x, please: it is one."),))
    hole = Hole(chat.transcript, spec=HoleSpec(language="python"))
    request = make_request(hole=hole, chat=chat)
    answer, _, _ = ask({"a": says("x = = 1"), "b": says("x = 1")}, request=request)
    assert answer.chosen.endpoint == "b"
    assert {verdict.status for verdict in answer.chosen.verdicts} == {VerdictStatus.PASSED}


def test_a_failed_check_goes_on_down_the_chain_like_a_failed_call() -> None:
    request = make_request(hole=Hole("x = ", constraints=(NO_EVAL,)))
    answer, _, _ = ask({"a": says("eval(y)"), "b": says("y")}, request=request)
    assert answer.chosen.endpoint == "b"
    assert answer.attempts[0].status is AttemptStatus.REJECTED
    assert answer.attempts[0].reason == Reason.CHECK_FAILED
    assert "no_eval" in answer.attempts[0].detail
    assert [candidate.endpoint for candidate in answer.candidates] == ["a", "b"]
    assert [candidate.index for candidate in answer.candidates] == [0, 1]
    assert [attempt.candidate for attempt in answer.attempts] == [0, 1]


def test_text_that_does_not_parse_goes_on_down_the_chain() -> None:
    """HS-12 ✗: the earlier validator called everything satisfied."""
    answer, _, _ = ask({"a": says("(("), "b": says("(1)")}, request=make_request(hole=PYTHON))
    assert answer.chosen.endpoint == "b"
    status = {v.constraint: v.status for v in answer.chosen.verdicts}
    assert status["syntax"] is VerdictStatus.PASSED


def test_all_candidates_rejected_by_a_required_check_is_unverified_with_the_best_kept() -> None:
    request = make_request(hole=Hole("x = ", constraints=(NO_EVAL,)))
    fault, exchange, _ = ask({"a": says("eval(1)"), "b": says("eval(2)")}, request=request)
    assert (fault.kind, fault.reason) == (Kind.UNVERIFIED, Reason.ALL_CANDIDATES_REJECTED)
    assert len(exchange.candidates) == 2


def test_an_advisory_failure_is_returned_when_nothing_better_came() -> None:
    answer, _, _ = ask({"a": says("(("), "b": fails()}, request=make_request(hole=PYTHON))
    assert answer.chosen.endpoint == "a"
    assert any(v.status is VerdictStatus.FAILED for v in answer.chosen.verdicts)


def test_max_attempts_counts_the_primary() -> None:
    """E-04 ✗: the old name misled; two means the primary and one fallback."""
    fault, _, ensemble = ask({"a": fails(), "b": fails(), "c": says("3")}, max_attempts=2)
    assert fault.reason is Reason.ALL_ENDPOINTS_FAILED
    assert asked(ensemble) == ["a", "b"]
    assert ensemble.fleet.read().ensemble.fallback_exhausted == 1


def test_without_fallback_only_the_primary_is_called() -> None:
    fault, _, ensemble = ask({"a": fails(), "b": says("2")}, fallback_enabled=False)
    assert fault.kind is Kind.UNAVAILABLE
    assert asked(ensemble) == ["a"]


@pytest.mark.parametrize(
    ("steps", "kind", "reason"),
    [
        (
            {
                "a": fails(
                    Kind.INVALID, origin=Origin.CALLER, reason=Reason.UPSTREAM_REFUSED_REQUEST
                ),
                "b": fails(
                    Kind.INVALID, origin=Origin.CALLER, reason=Reason.UPSTREAM_REFUSED_REQUEST
                ),
            },
            Kind.INVALID,
            Reason.UPSTREAM_REFUSED_REQUEST,
        ),
        (
            {
                "a": fails(Kind.EXHAUSTED, retry_after_s=9.0),
                "b": fails(Kind.EXHAUSTED, retry_after_s=4.0),
            },
            Kind.EXHAUSTED,
            Reason.UPSTREAM_OVERLOADED,
        ),
        (
            {"a": fails(Kind.EXHAUSTED), "b": fails(Kind.UNAVAILABLE)},
            Kind.UNAVAILABLE,
            Reason.ALL_ENDPOINTS_FAILED,
        ),
        (
            {"a": fails(Kind.INTERNAL, origin=Origin.US, reason=Reason.INTERNAL_ERROR)},
            Kind.UNAVAILABLE,
            Reason.ALL_ENDPOINTS_FAILED,
        ),
    ],
)
def test_what_is_reported_when_nobody_answers(steps, kind, reason) -> None:
    fault, _, _ = ask(steps)
    assert (fault.kind, fault.reason) == (kind, reason)
    if kind is Kind.EXHAUSTED:
        assert fault.retry_after_s == 4.0


def test_one_deadline_covers_the_whole_chain() -> None:
    """C-02 ✗: timeouts that add up for each rung made the fallback unreachable."""
    cancelled: list[str] = []
    fault, exchange, ensemble = ask({"a": hangs(cancelled=cancelled), "b": says("2")}, seconds=0.2)
    assert fault.kind is Kind.DEADLINE
    assert cancelled == ["a"]
    assert exchange.attempts[0].status is AttemptStatus.CANCELLED
    assert ensemble.fleet.read().endpoints[0].in_flight == 0


def test_a_budget_of_calls_is_kept_and_the_refused_attempt_says_so() -> None:
    request = make_request(budget=Budget(max_attempts=1))
    fault, exchange, ensemble = ask({"a": fails(), "b": says("2")}, request=request)
    assert (fault.kind, fault.reason) == (Kind.EXHAUSTED, Reason.BUDGET_EXHAUSTED)
    assert asked(ensemble) == ["a"]
    assert exchange.attempts[-1].status is AttemptStatus.SKIPPED
    assert ensemble.fleet.read().ensemble.fallback_exhausted == 0


def test_a_budget_of_money_or_tokens_refuses_the_call_that_could_break_it() -> None:
    for budget in (Budget(max_cost_micros=10), Budget(max_tokens=8)):
        request = make_request(budget=budget, sampling=Sampling(max_tokens=100))
        fault, _, ensemble = ask({"a": says("1")}, request=request)
        if budget.max_cost_micros is not None:
            assert fault.reason is Reason.BUDGET_EXHAUSTED
            assert asked(ensemble) == []


def test_a_stream_is_started_delta_verdicts_in_that_order() -> None:
    answer, exchange, ensemble = ask({"a": says("abcd", pieces=2)}, stream=True)
    kinds = [type(event) for event in ensemble.events]
    assert kinds[:3] == [Started, Delta, Delta]
    assert set(kinds[3:]) == {Judged}
    assert "".join(exchange.streamed) == "abcd" == answer.chosen.completion.text


def test_nothing_sent_means_a_silent_fallback() -> None:
    answer, _, ensemble = ask({"a": fails(), "b": says("ok")}, stream=True)
    assert answer.chosen.endpoint == "b"
    assert not any(isinstance(event, Failover) for event in ensemble.events)
    assert sum(isinstance(event, AttemptFailed) for event in ensemble.events) == 1


def test_text_sent_means_a_failover_event_and_continuation_from_the_partial() -> None:
    answer, exchange, ensemble = ask(
        {"a": fails(Kind.TRUNCATED, after="def "), "b": says("f(): pass")}, stream=True
    )
    (failover,) = [event for event in ensemble.events if isinstance(event, Failover)]
    assert (failover.from_endpoint, failover.to_endpoint, failover.resumed_at) == ("a", "b", 4)
    assert ensemble.asked[1].task.partial == "def "
    assert answer.chosen.completion.text == "def f(): pass" == "".join(exchange.streamed)


def test_a_broken_stream_after_a_rejected_candidate_is_truncated_all_the_same() -> None:
    fault, exchange, _ = ask({"a": says(""), "b": fails(Kind.TRUNCATED, after="half")}, stream=True)
    assert fault.reason is Reason.STREAM_TRUNCATED
    assert len(exchange.candidates) == 1


def test_what_goes_on_from_sent_text_is_the_same_candidate() -> None:
    answer, _, ensemble = ask({"a": fails(Kind.TRUNCATED, after="x"), "b": says("y")}, stream=True)
    deltas = [event for event in ensemble.events if isinstance(event, Delta)]
    assert {delta.candidate for delta in deltas} == {answer.chosen.index} == {0}


def test_an_endpoint_that_cannot_continue_is_passed_over() -> None:
    answer, _, ensemble = ask(
        {"a": fails(Kind.TRUNCATED, after="x"), "b": says("-"), "c": says("y")},
        stream=True,
        cannot_continue=("b",),
    )
    assert asked(ensemble) == ["a", "c"]
    assert answer.chosen.completion.text == "xy"


def test_a_cut_stream_that_nobody_continues_is_truncated_never_complete() -> None:
    fault, exchange, _ = ask({"a": fails(Kind.TRUNCATED, after="half")}, stream=True)
    assert (fault.kind, fault.reason) == (Kind.TRUNCATED, Reason.STREAM_TRUNCATED)
    assert "".join(exchange.streamed) == "half"


def test_a_cut_stream_out_of_time_is_a_deadline() -> None:
    fault, _, _ = ask({"a": fails(Kind.DEADLINE, after="half", origin=Origin.US)}, stream=True)
    assert (fault.kind, fault.reason) == (Kind.DEADLINE, Reason.STREAM_TRUNCATED)


def test_a_streamed_answer_that_fails_a_required_check_ends_unverified() -> None:
    request = make_request(hole=Hole("x = ", constraints=(NO_EVAL,)))
    fault, _, ensemble = ask({"a": says("eval(1)"), "b": says("1")}, request=request, stream=True)
    assert fault.kind is Kind.UNVERIFIED
    assert asked(ensemble) == ["a"]


def test_a_cancelled_caller_cancels_the_endpoint() -> None:
    clock = VirtualClock()
    cancelled: list[str] = []

    async def main() -> None:
        started = asyncio.Event()
        ensemble = Ensemble(clock, {"a": hangs(started, cancelled)})
        task = asyncio.ensure_future(ensemble.client.generate(make_request(), timeout_s=5))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ensemble.fleet.read().ensemble.failed == 1

    run_virtual(clock, main())
    assert cancelled == ["a"]


def test_n_with_sequential_is_refused_by_name() -> None:
    fault, _, ensemble = ask(
        {"a": says("1")}, request=make_request(strategy=Strategy.SEQUENTIAL, n=3)
    )
    assert fault.violations[0].field == "n"
    assert asked(ensemble) == []


def test_a_route_is_explained_without_any_call() -> None:
    ensemble = Ensemble(VirtualClock(), {"a": says("1")})
    assert asyncio.run(ensemble.client.route(make_request())).decision.primary == "a"
    assert ensemble.asked == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (make_request(hole=Hole("")), "prompt"),
        (make_request(n=0), "n"),
        (make_request(n=999), "n"),
        (make_request(sampling=Sampling(temperature=float("nan"))), "sampling.temperature"),
        (make_request(sampling=Sampling(max_tokens=0)), "sampling.max_tokens"),
    ],
)
def test_a_caller_in_process_is_refused_by_field_without_a_call(request_, field) -> None:
    fault, _, ensemble = ask({"a": says("1")}, request=request_)
    assert fault.kind is Kind.INVALID
    assert fault.violations[0].field == field
    assert asked(ensemble) == []


def test_text_that_was_sent_is_gone_on_from_and_not_written_anew() -> None:
    """A repair after a part of its text was sent would send text twice."""
    steps = {"a": says("eval(y)"), "b": fails(after="y\n+ "), "c": says("1")}
    request = make_request(hole=Hole("x = ", constraints=(NO_EVAL,)), repair=True)
    clock = VirtualClock()
    ensemble = Ensemble(clock, steps)
    answer = run_virtual(clock, ensemble.client.handle(ensemble.exchange(request, stream=True)))
    operations = [invocation.task.operation for invocation in ensemble.asked]
    assert operations == [Operation.GENERATE, Operation.REPAIR, Operation.GENERATE]
    assert ensemble.asked[-1].task.draft is None
    assert answer.chosen.completion.text == "y\n+ 1"

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion, Usage
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome, usage_known
from gateway.core.policy import Invocation
from gateway.policies.observe import NOT_NEEDED, observe
from tests.fakes.slow import Recorder, too_late
from tests.fakes.values import make_invocation, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

PRICED = Endpoint("alpha", cost_micros_per_1k=1_000_000)
"""A thousand micros a token, and its prompt `x = ` is one token of four characters."""


def slow(clock: VirtualClock, seconds: float, result: Completion | Fault):
    async def step():
        clock.now += seconds
        return result

    return step


def after_text(text: str, end: Fault):
    """Receive some text, which the timeout policy counts, and fail."""

    async def call(invocation: Invocation) -> Completion:
        invocation.received = len(text)
        raise end

    return call


def observed(call, invocation: Invocation):
    clock = VirtualClock()
    return run_virtual(clock, observe(Recorder(), clock)(call)(invocation))


def test_an_answer_is_recorded_with_time_tokens_and_cost() -> None:
    clock, recorder = VirtualClock(), Recorder()
    invocation = make_invocation(Endpoint("alpha", cost_micros_per_1k=500))
    answer = Completion("text", usage=Usage(30, 10))
    call = observe(recorder, clock)(scripted(slow(clock, 0.25, answer)))
    assert run_virtual(clock, call(invocation)) is answer
    (attempt,) = invocation.attempts
    assert attempt.status is AttemptStatus.OK
    assert attempt.elapsed_s == 0.25
    assert attempt.usage == Usage(30, 10)
    assert attempt.cost_micros == 20
    assert recorder.ended_with == [("alpha", Outcome.SUCCESS, 0.25)]
    assert recorder.in_flight == 0
    assert invocation.done is attempt
    assert invocation.received == 4


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [
        (unavailable(), AttemptStatus.FAILED, Outcome.FAILURE),
        (too_late(), AttemptStatus.TIMEOUT, Outcome.FAILURE),
        (
            Fault(Kind.DEADLINE, Origin.US, Reason.TOO_LITTLE_TIME, "cut short"),
            AttemptStatus.TIMEOUT,
            Outcome.NOT_COUNTED,
        ),
        (
            Fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "refused"),
            AttemptStatus.FAILED,
            Outcome.NOT_COUNTED,
        ),
    ],
)
def test_a_fault_is_recorded_and_classified_once(fault, status, outcome) -> None:
    clock, recorder = VirtualClock(), Recorder()
    invocation = make_invocation()
    with pytest.raises(Fault):
        run_virtual(clock, observe(recorder, clock)(scripted(fault))(invocation))
    (attempt,) = invocation.attempts
    assert (attempt.status, attempt.reason, attempt.detail) == (status, fault.reason, fault.message)
    assert [how for _, how, _ in recorder.ended_with] == [outcome]
    assert invocation.done is attempt


@pytest.mark.parametrize("given_up", ["", "given up by a command (next)"])
def test_a_cancelled_attempt_is_recorded_and_counts_neither_way(given_up: str) -> None:
    clock, recorder = VirtualClock(), Recorder()
    invocation = make_invocation(PRICED)

    async def hang() -> Completion:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def main() -> None:
        task = asyncio.ensure_future(observe(recorder, clock)(scripted(hang))(invocation))
        await asyncio.sleep(0)
        invocation.given_up = given_up
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(clock, main())
    (attempt,) = invocation.attempts
    assert (attempt.status, attempt.reason) == (AttemptStatus.CANCELLED, Reason.NOT_NEEDED)
    assert attempt.detail == (given_up or NOT_NEEDED)
    assert "command" not in NOT_NEEDED
    assert attempt.cost_micros == 1000
    assert recorder.ended_with[0][1] is Outcome.NOT_COUNTED
    assert recorder.in_flight == 0


def test_a_bug_leaves_no_attempt_in_flight() -> None:
    clock, recorder = VirtualClock(), Recorder()
    invocation = make_invocation()

    async def bug() -> Completion:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run_virtual(clock, observe(recorder, clock)(scripted(bug))(invocation))
    assert recorder.in_flight == 0
    assert invocation.attempts[0].reason == Reason.INTERNAL_ERROR
    assert recorder.ended_with[0][1] is Outcome.NOT_COUNTED


def test_a_streamed_answer_without_a_usage_report_is_not_free() -> None:
    """Regression of LiteLLM #37923: the spend of streams was recorded as 0."""

    def defective(usage: Usage, price: int) -> int:
        return (usage.prompt_tokens + usage.completion_tokens) * price // 1000

    answer = Completion("twelve chars")
    invocation = make_invocation(PRICED)
    observed(scripted(answer), invocation)
    (attempt,) = invocation.attempts
    assert defective(answer.usage, 1_000_000) == 0
    assert attempt.cost_micros == 1000 + 3000
    assert attempt.usage == Usage()
    assert usage_known(attempt, invocation.received) is None


def test_a_cut_stream_costs_the_prompt_and_the_text_that_came() -> None:
    cut = Fault(Kind.TRUNCATED, Origin.UPSTREAM, Reason.UPSTREAM_TRUNCATED, "cut")
    invocation = make_invocation(PRICED)
    with pytest.raises(Fault):
        observed(after_text("12345", cut), invocation)
    assert invocation.attempts[0].cost_micros == 3000
    assert usage_known(invocation.attempts[0], invocation.received) is None


@pytest.mark.parametrize(("text", "cost", "known"), [("", 0, Usage()), ("1234", 2000, None)])
def test_a_call_not_taken_on_costs_nothing_unless_text_came(text, cost, known) -> None:
    invocation = make_invocation(PRICED)
    with pytest.raises(Fault):
        observed(after_text(text, unavailable()), invocation)
    assert invocation.attempts[0].cost_micros == cost
    assert usage_known(invocation.attempts[0], invocation.received) == known


def test_an_endpoint_without_a_price_costs_nothing_however_it_ends() -> None:
    invocation = make_invocation()
    observed(scripted(Completion("text")), invocation)
    assert invocation.attempts[0].cost_micros == 0

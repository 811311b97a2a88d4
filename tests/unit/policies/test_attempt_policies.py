from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion, Usage
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation
from gateway.policies.observe import observe
from gateway.policies.retry import RetrySettings, retry
from gateway.policies.timeout import timeout
from tests.fakes.values import OpenAccount, make_invocation, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual


class Recorder:
    def __init__(self) -> None:
        self.in_flight = 0
        self.ended_with: list[tuple[str, Outcome, float]] = []

    def started(self, endpoint: str) -> None:
        self.in_flight += 1

    def ended(self, endpoint: str, outcome: Outcome, elapsed_s: float) -> None:
        self.in_flight -= 1
        self.ended_with.append((endpoint, outcome, elapsed_s))


def slow(clock: VirtualClock, seconds: float, result: Completion | Fault):
    async def step():
        clock.now += seconds
        return result

    return step


def test_an_answer_is_recorded_with_time_tokens_and_cost() -> None:
    clock, recorder, account = VirtualClock(), Recorder(), OpenAccount()
    invocation = make_invocation(Endpoint("alpha", cost_micros_per_1k=500), account=account)
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
    assert account.settled == [attempt]


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [
        (unavailable(), AttemptStatus.FAILED, Outcome.FAILURE),
        (
            Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "late"),
            AttemptStatus.TIMEOUT,
            Outcome.FAILURE,
        ),
        (
            Fault(Kind.DEADLINE, Origin.US, Reason.DEADLINE_EXCEEDED, "over before it began"),
            AttemptStatus.SKIPPED,
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
    assert recorder.ended_with[0][1] is outcome


def test_a_cancelled_attempt_is_recorded_and_counts_neither_way() -> None:
    clock, recorder = VirtualClock(), Recorder()
    invocation = make_invocation()

    async def hang() -> Completion:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def main() -> None:
        task = asyncio.ensure_future(observe(recorder, clock)(scripted(hang))(invocation))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(clock, main())
    assert invocation.attempts[0].status is AttemptStatus.CANCELLED
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


def test_an_attempt_gets_the_sooner_of_both_deadlines_and_gives_the_whole_one_back() -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def call(invocation: Invocation) -> Completion:
        seen.append(invocation.deadline.at)
        return Completion("")

    invocation = make_invocation(Endpoint("alpha", timeout_s=2.0), deadline_at=clock.now + 10)
    run_virtual(clock, timeout(clock)(call)(invocation))
    assert seen == [clock.now + 2.0]
    assert invocation.deadline.at == clock.now + 10


def test_an_attempt_whose_time_is_over_is_not_started() -> None:
    clock = VirtualClock()
    call = scripted(Completion(""))
    with pytest.raises(Fault) as caught:
        run_virtual(clock, timeout(clock)(call)(make_invocation(deadline_at=clock.now)))
    assert caught.value.kind is Kind.DEADLINE
    assert not caught.value.against_endpoint
    assert call.calls == 0


def test_each_try_under_retry_leaves_its_own_record() -> None:
    """The pair retry + observe: retry stands outside, so that no try is hidden."""
    clock, recorder = VirtualClock(), Recorder()
    invocation = make_invocation()
    call = scripted(unavailable(), Completion("ok"))
    stack = retry(RetrySettings(), clock, lambda: 0.5)(observe(recorder, clock)(call))
    run_virtual(clock, stack(invocation))
    assert [(a.try_number, a.status) for a in invocation.attempts] == [
        (1, AttemptStatus.FAILED),
        (2, AttemptStatus.OK),
    ]


def test_retry_and_timeout_share_one_deadline() -> None:
    """The pair retry + timeout: a slow first try leaves less time, never a fresh timeout."""
    clock = VirtualClock()
    call = scripted(slow(clock, 0.95, unavailable()))
    stack = retry(RetrySettings(), clock, lambda: 1.0)(timeout(clock)(call))
    with pytest.raises(Fault):
        run_virtual(clock, stack(make_invocation(deadline_at=clock.now + 1.0)))
    assert call.calls == 1

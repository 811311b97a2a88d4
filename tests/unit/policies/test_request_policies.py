from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Budget
from gateway.policies.count import count
from gateway.policies.deadline import DeadlineSettings, deadline
from tests.fakes.values import make_request, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

DECISION = RoutingDecision(
    "alpha", ("beta",), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)
ANSWER = Answer(Candidate(0, "alpha", Completion("x")), DECISION, (), (), 0.0)


class Counter:
    def __init__(self) -> None:
        self.seen: list[tuple[bool, int, bool, bool]] = []

    def finished(self, *, ok, attempts, fallback_used, fallback_exhausted) -> None:
        self.seen.append((ok, attempts, fallback_used, fallback_exhausted))


def exchange(*attempts: Attempt, at: float = 1e9) -> Exchange:
    return Exchange(make_request(), Deadline(at), decision=DECISION, attempts=list(attempts))


def failed(endpoint: str, status: AttemptStatus = AttemptStatus.FAILED) -> Attempt:
    return Attempt(endpoint, 1, status)


async def give(_: Exchange) -> Answer:
    return ANSWER


def counted(handle, ex: Exchange) -> tuple[bool, int, bool, bool]:
    counter = Counter()
    with contextlib.suppress(Fault, RuntimeError, asyncio.CancelledError):
        run_virtual(VirtualClock(), count(counter, str)(handle)(ex))
    (seen,) = counter.seen
    return seen


def test_primary_fails_and_fallback_succeeds_counts_one_used_fallback() -> None:
    """E-05 ✗: the earlier counter rose only when a fallback *failed*, so this case counted zero."""
    attempts = [failed("alpha"), failed("beta", AttemptStatus.OK)]

    def defective(tries: list[Attempt]) -> int:
        return sum(t.status is AttemptStatus.FAILED for t in tries[1:])

    assert defective(attempts) == 0
    assert counted(give, exchange(*attempts)) == (True, 2, True, False)


def test_primary_alone_uses_no_fallback() -> None:
    assert counted(give, exchange(failed("alpha", AttemptStatus.OK))) == (True, 1, False, False)


def test_a_skipped_attempt_is_no_call() -> None:
    skipped = failed("beta", AttemptStatus.SKIPPED)
    assert counted(give, exchange(failed("alpha"), skipped)) == (True, 1, False, False)


def test_a_part_that_is_routed_elsewhere_uses_no_fallback_by_that() -> None:
    """Each hole of a refinement, and each step of a pipeline, has a primary of its own."""
    here = replace(failed("beta", AttemptStatus.OK), part="one")
    assert counted(give, exchange(here)) == (True, 1, False, False)
    first = replace(failed("beta"), part="two")
    second = replace(failed("gamma", AttemptStatus.OK), part="two")
    assert counted(give, exchange(here, first, second)) == (True, 3, True, False)


def test_a_whole_chain_without_an_answer_is_exhausted() -> None:
    async def fail(_: Exchange) -> Answer:
        raise unavailable()

    ex = exchange(failed("alpha"), failed("beta"))
    assert counted(fail, ex) == (False, 2, True, False)
    ex.exhausted = True
    assert counted(fail, ex) == (False, 2, True, True)
    assert counted(give, ex) == (True, 2, True, False)


def test_a_bad_request_counts_as_failed_and_exhausts_nothing() -> None:
    async def fail(_: Exchange) -> Answer:
        raise Fault(Kind.INVALID, Origin.CALLER, Reason.INVALID_FIELD, "bad")

    bare = Exchange(make_request(), Deadline(1e9))
    assert counted(fail, bare) == (False, 0, False, False)


def test_a_bug_and_a_cancelled_caller_are_counted_too() -> None:
    async def bug(_: Exchange) -> Answer:
        raise RuntimeError

    async def gone(_: Exchange) -> Answer:
        raise asyncio.CancelledError

    assert counted(bug, exchange()) == (False, 0, False, False)
    assert counted(gone, exchange()) == (False, 0, False, False)


def test_an_answer_in_time_is_passed_on() -> None:
    clock = VirtualClock()
    ex = exchange(at=clock.now + 1)
    assert run_virtual(clock, deadline(DeadlineSettings(), clock)(give)(ex)) is ANSWER


def test_a_hanging_request_ends_before_the_callers_timer_with_its_record_kept() -> None:
    clock = VirtualClock()
    start = clock.now

    async def hang(ex: Exchange) -> Answer:
        ex.attempts.append(failed("alpha"))
        await asyncio.Event().wait()
        return ANSWER

    ex = exchange(at=start + 0.2)
    with pytest.raises(Fault) as caught:
        run_virtual(clock, deadline(DeadlineSettings(), clock)(hang)(ex))
    assert caught.value.kind is Kind.DEADLINE
    assert clock.now == pytest.approx(start + 0.192)
    assert len(ex.attempts) == 1


def test_a_short_deadline_keeps_back_only_its_share() -> None:
    clock = VirtualClock()
    start = clock.now
    seen: list[float] = []

    async def look(ex: Exchange) -> Answer:
        seen.append(ex.deadline.at)
        return ANSWER

    run_virtual(clock, deadline(DeadlineSettings(), clock)(look)(exchange(at=start + 0.01)))
    assert seen == [pytest.approx(start + 0.009)]


def test_a_request_that_arrives_late_is_refused_unworked() -> None:
    clock = VirtualClock()

    async def never(_: Exchange) -> Answer:
        raise AssertionError("was called")

    with pytest.raises(Fault) as caught:
        run_virtual(clock, deadline(DeadlineSettings(), clock)(never)(exchange(at=clock.now)))
    assert (caught.value.kind, caught.value.origin) == (Kind.DEADLINE, Origin.CALLER)


def test_count_stands_outside_deadline_so_that_late_requests_are_counted() -> None:
    clock, counter = VirtualClock(), Counter()
    stack = count(counter, str)(deadline(DeadlineSettings(), clock)(give))
    with pytest.raises(Fault):
        run_virtual(clock, stack(exchange(at=clock.now)))
    assert counter.seen == [(False, 0, False, False)]


def walled(handle, *, wall_s: float, at: float) -> tuple[Fault | Answer, float]:
    """Run a handle under a budget of wall time; return what came of it and the seconds it took."""
    clock = VirtualClock()
    start = clock.now
    ex = Exchange(make_request(budget=Budget(max_wall_s=wall_s)), Deadline(start + at))
    try:
        result: Fault | Answer = run_virtual(
            clock, deadline(DeadlineSettings(), clock)(handle(clock))(ex)
        )
    except Fault as fault:
        result = fault
    return result, clock.now - start


def hangs(_: VirtualClock):
    async def hang(_: Exchange) -> Answer:
        await asyncio.Event().wait()
        return ANSWER

    return hang


def ends_after(seconds: float, fault: Fault):
    def made(clock: VirtualClock):
        async def handle(_: Exchange) -> Answer:
            clock.now += seconds
            raise fault

        return handle

    return made


def test_wall_time_is_a_budget_that_holds_whatever_the_request_is_doing() -> None:
    fault, took = walled(hangs, wall_s=0.2, at=60.0)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.origin) == (Kind.EXHAUSTED, Origin.CALLER)
    assert fault.reason is Reason.BUDGET_EXHAUSTED
    assert fault.message == "budget.max_wall_time = 0.2 s is used up"
    assert took == pytest.approx(0.192)


def test_a_deadline_that_is_sooner_than_the_wall_budget_stays_a_deadline() -> None:
    fault, took = walled(hangs, wall_s=60.0, at=0.2)
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.DEADLINE_EXCEEDED
    assert took == pytest.approx(0.192)


def test_every_child_is_held_to_the_wall_budget() -> None:
    seen: list[float] = []

    def look(clock: VirtualClock):
        async def handle(ex: Exchange) -> Answer:
            seen.append(ex.deadline.left(clock()))
            return ANSWER

        return handle

    assert walled(look, wall_s=1.0, at=60.0)[0] is ANSWER
    assert seen == [pytest.approx(0.992)]


def test_no_wall_time_at_all_is_refused_unworked() -> None:
    fault, _ = walled(hangs, wall_s=0.0, at=60.0)
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.BUDGET_EXHAUSTED


TOO_LATE = Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, "over below")
TOO_LITTLE = Fault(Kind.DEADLINE, Origin.US, Reason.TOO_LITTLE_TIME, "'a' takes 3 s")
READ_SLOWLY = Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, "read too slowly")


@pytest.mark.parametrize(
    ("seconds", "below", "words"),
    [
        (1.0, TOO_LATE, "budget.max_wall_time = 1 s is used up"),
        (0.5, TOO_LITTLE, "budget.max_wall_time = 1 s does not suffice: 'a' takes 3 s"),
    ],
)
def test_time_that_a_layer_below_found_over_or_too_short_was_the_budgets(
    seconds, below, words
) -> None:
    fault, _ = walled(ends_after(seconds, below), wall_s=1.0, at=60.0)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == (Kind.EXHAUSTED, words)
    # Without a wall budget it is what it was.
    assert walled(ends_after(seconds, below), wall_s=60.0, at=1.0)[0] is below


def test_what_ended_for_another_reason_is_not_the_wall_budgets() -> None:
    for fault in (READ_SLOWLY, unavailable()):
        assert walled(ends_after(0.5, fault), wall_s=1.0, at=60.0)[0] is fault

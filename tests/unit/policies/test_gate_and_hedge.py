"""The pair hedge + gate: a second call needs a slot of its own, and never leaks one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.faults import Fault
from gateway.core.policy import Call, Invocation
from gateway.policies.hedge import HedgeSettings, hedge
from tests.fakes.values import make_invocation
from tests.unit.policies.yard import Yard


class Terms:
    """Says that a call is late after half a second, and allows every hedge."""

    def delay(self, endpoint: str, *, streamed: bool) -> float | None:
        return 0.5

    def called(self) -> None: ...

    def take(self) -> bool:
        return True

    def won(self) -> None: ...

    def failed(self, fault: Fault) -> None: ...

    def allows(self, uncounted: int = 0) -> bool:
        return True


def hedged(yard: Yard, gated: Call) -> Call:
    terms = Terms()
    return hedge(HedgeSettings(), terms, terms, terms, yard.clock)(gated)


def taking(yard: Yard, *seconds: float) -> Call:
    """Return calls that take so long, in the order in which they are made."""

    async def call(invocation: Invocation) -> Completion:
        mine = seconds[yard.calls]
        yard.calls += 1
        yard.most = max(yard.most, yard.gate.in_flight)
        await asyncio.sleep(mine)
        return Completion(f"after {mine:g} s")

    return call


def test_the_call_that_lost_frees_its_slot_at_once() -> None:
    yard = Yard(max_concurrency=2, max_waiting=0)
    invocation = make_invocation(deadline_at=yard.clock.now + 60)
    start = yard.clock.now

    async def main(gated: Call) -> None:
        answer = await hedged(yard, gated)(invocation)
        assert answer.text == "after 1 s"
        assert yard.clock.now == pytest.approx(start + 1.5)
        assert yard.gate.in_flight == 0

    yard.run(main, taking(yard, 10.0, 1.0))
    assert yard.most == 2


def test_a_hedge_that_waits_in_line_gives_its_place_up_when_the_first_call_answers() -> None:
    yard = Yard(max_concurrency=1, max_waiting=1)
    invocation = make_invocation(deadline_at=yard.clock.now + 60)

    async def main(gated: Call) -> None:
        answer = await hedged(yard, gated)(invocation)
        assert answer.text == "after 2 s"
        assert (yard.gate.in_flight, yard.gate.waiting) == (0, 0)

    yard.run(main, taking(yard, 2.0, 1.0))
    assert yard.calls == 1


@pytest.mark.parametrize("last", [True, False])
def test_a_hedge_for_which_no_slot_is_free_leaves_the_first_call_alone(last) -> None:
    yard = Yard(max_concurrency=1, max_waiting=0)
    invocation = make_invocation(deadline_at=yard.clock.now + 60)
    invocation.last = last

    async def main(gated: Call) -> None:
        answer = await hedged(yard, gated)(invocation)
        assert answer.text == "after 2 s"

    yard.run(main, taking(yard, 2.0))
    assert (yard.calls, yard.gate.saturated) == (1, 1)
    assert [attempt.status for attempt in invocation.attempts] == [AttemptStatus.SKIPPED]


def test_a_caller_that_leaves_frees_the_slots_of_both_calls() -> None:
    yard = Yard(max_concurrency=2)
    invocation = make_invocation(deadline_at=yard.clock.now + 60)

    async def main(gated: Call) -> None:
        async def asked() -> Completion:
            return await hedged(yard, gated)(invocation)

        task = asyncio.ensure_future(asked())
        await asyncio.sleep(0.75)
        assert yard.gate.in_flight == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert yard.gate.in_flight == 0

    yard.run(main, taking(yard, 10.0, 10.0))

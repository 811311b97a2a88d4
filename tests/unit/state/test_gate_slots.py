from __future__ import annotations

import asyncio

import pytest

from gateway.state.gate import Gate
from gateway.state.limit import FixedLimit, GateSettings
from gateway.state.slots import Slots
from tests.fakes.virtual import VirtualClock, run_virtual


def slots(limit: int, max_waiting: int = 64, clock: VirtualClock | None = None) -> Slots:
    return Slots(FixedLimit(limit), max_waiting, clock or VirtualClock())


def test_a_slot_that_is_freed_twice_is_a_bug_and_in_flight_is_never_negative() -> None:
    made = slots(1)
    with pytest.raises(ValueError, match="freed"):
        made.release()
    assert made.in_flight == 0


def test_a_slot_may_be_taken_again_once_it_is_freed() -> None:
    made = slots(1)
    assert made.try_acquire()
    assert list(made.release()) == []
    assert made.try_acquire()


def test_a_freed_slot_goes_to_the_first_in_line() -> None:
    made = slots(1)
    assert made.try_acquire()
    assert not made.try_acquire()
    first, second = made.enlist(), made.enlist()
    assert made.waiting == 2
    assert list(made.release()) == [first]
    assert list(made.release()) == [second]
    assert list(made.release()) == []
    assert made.in_flight == 0


def test_one_who_finds_a_slot_free_does_not_wait() -> None:
    made = slots(1)
    waiter = made.enlist()
    assert waiter is not None
    assert waiter.granted


def test_the_line_is_bounded() -> None:
    made = slots(1, max_waiting=1)
    made.try_acquire()
    assert made.enlist() is not None
    assert made.enlist() is None


def test_who_leaves_the_line_is_passed_over_and_may_leave_twice() -> None:
    made = slots(1)
    made.try_acquire()
    gone, stays = made.enlist(), made.enlist()
    assert gone is not None
    for _ in range(2):
        assert list(made.withdraw(gone)) == []
    assert list(made.release()) == [stays]


def test_a_slot_just_granted_to_one_who_left_is_handed_on() -> None:
    made = slots(1)
    made.try_acquire()
    gone, stays = made.enlist(), made.enlist()
    assert gone is not None
    made.release()
    assert list(made.withdraw(gone)) == [stays]
    assert made.in_flight == 1


def test_a_limit_that_grew_lets_several_in_and_one_that_fell_waits_for_ends() -> None:
    limit = FixedLimit(2)
    made = Slots(limit, 64, VirtualClock())
    made.try_acquire()
    made.try_acquire()
    line = [made.enlist() for _ in range(4)]
    limit.limit = 4
    assert list(made.release()) == line[:3]
    assert made.in_flight == 4
    limit.limit = 2
    assert [list(made.release()) for _ in range(3)] == [[], [], [line[3]]]
    assert made.in_flight == 2


def test_when_to_come_again_follows_the_measured_pace() -> None:
    clock = VirtualClock()
    made = slots(1, clock=clock)
    made.try_acquire()
    assert made.retry_after_s() == 1.0
    for _ in range(50):
        made.enlist()
    for _ in range(40):
        clock.now += 0.5
        made.release()
    assert made.waiting == 10
    assert made.retry_after_s() == pytest.approx(5.5)


# The gate on a loop


def run(main) -> VirtualClock:
    clock = VirtualClock()
    run_virtual(clock, main(clock))
    return clock


def test_a_parked_call_gets_the_slot_that_is_freed() -> None:
    async def main(clock) -> None:
        gate = Gate(GateSettings(max_concurrency=1), clock)
        assert await gate.acquire(1.0)
        waits = asyncio.ensure_future(gate.acquire(10.0))
        await asyncio.sleep(1)
        assert (gate.in_flight, gate.limit, gate.waiting) == (1, 1, 1)
        gate.release()
        assert await waits
        assert (gate.in_flight, gate.waiting, gate._parked) == (1, 0, {})

    run(main)


def test_a_parked_call_gives_up_when_its_time_is_over() -> None:
    async def main(clock) -> None:
        gate = Gate(GateSettings(max_concurrency=1), clock)
        gate.try_acquire()
        start = clock.now
        assert not await gate.acquire(2.5)
        assert clock.now == pytest.approx(start + 2.5)
        assert (gate.waiting, gate._parked) == (0, {})
        gate.release()
        assert gate.in_flight == 0

    run(main)


def test_a_turn_and_the_end_of_the_time_in_one_moment_are_a_turn() -> None:
    async def main(clock) -> None:
        gate = Gate(GateSettings(max_concurrency=1), clock)
        gate.try_acquire()
        asyncio.get_running_loop().call_later(1.0, gate.release)
        assert await gate.acquire(1.0)
        assert gate.in_flight == 1

    run(main)


@pytest.mark.parametrize("granted_first", [True, False])
def test_a_slot_granted_to_one_cancelled_in_the_same_turn_is_handed_on(granted_first) -> None:
    async def main(clock) -> None:
        gate = Gate(GateSettings(max_concurrency=1), clock)
        gate.try_acquire()
        gone = asyncio.ensure_future(gate.acquire(9.0))
        stays = asyncio.ensure_future(gate.acquire(9.0))
        await asyncio.sleep(0)
        for step in (gate.release, gone.cancel) if granted_first else (gone.cancel, gate.release):
            step()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await stays
        assert (gate.in_flight, gate.waiting, gate._parked) == (1, 0, {})

    run(main)


def test_a_call_cancelled_while_it_waits_frees_its_place() -> None:
    async def main(clock) -> None:
        gate = Gate(GateSettings(max_concurrency=1, max_waiting=1), clock)
        gate.try_acquire()
        gone = asyncio.ensure_future(gate.acquire(9.0))
        await asyncio.sleep(0)
        assert not await gate.acquire(9.0)
        gone.cancel()
        await asyncio.wait([gone])
        assert gate.waiting == 0

    run(main)


def test_what_is_told_of_calls_moves_an_adaptive_gate() -> None:
    clock = VirtualClock()
    gate = Gate(GateSettings(adaptive=True), clock)
    for _ in range(20):
        gate.try_acquire()
    for _ in range(10):
        gate.answered(1.0)
    grown = gate.limit
    assert grown > 20
    gate.overloaded(clock.now)
    fallen = gate.limit
    assert fallen < grown
    clock.now += 5
    gate.timed_out(clock.now - 2)
    assert gate.limit < fallen
    gate.refused()
    assert gate.saturated == 1
    assert gate.retry_after_s == 1.0

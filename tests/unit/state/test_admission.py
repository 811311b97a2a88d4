from __future__ import annotations

import asyncio
from math import inf

import pytest

from gateway.core.deadline import Deadline
from gateway.core.hole import Priority
from gateway.state.admission import Admission
from gateway.state.queue import AdmissionSettings
from tests.fakes.virtual import VirtualClock, run_virtual

INTERACTIVE, STANDARD, BATCH = Priority.INTERACTIVE, Priority.STANDARD, Priority.BATCH


def test_a_parked_request_is_woken_with_its_slot() -> None:
    clock = VirtualClock()
    door = Admission(AdmissionSettings(max_running=1), clock)

    async def main() -> None:
        assert door.enter()
        assert not door.enter()
        waits = asyncio.ensure_future(door.wait("", STANDARD, Deadline(inf)))
        await asyncio.sleep(2)
        door.leave()
        assert await waits is None
        assert door.read().running == 1
        assert all(timer.cancelled() for timer in asyncio.get_running_loop()._scheduled)
        door.leave()
        assert (door.read().running, door.read().longest_wait_s) == (0, 2.0)

    run_virtual(clock, main())
    assert not door._parked


def test_a_wait_that_finds_a_free_slot_does_not_wait() -> None:
    clock = VirtualClock()
    door = Admission(AdmissionSettings(), clock)
    assert run_virtual(clock, door.wait("", STANDARD, Deadline(inf))) is None
    assert door.read().running == 1


def test_a_displaced_request_is_woken_with_its_refusal() -> None:
    clock = VirtualClock()
    door = Admission(AdmissionSettings(max_running=1, max_queued=1), clock)

    async def main() -> None:
        door.enter()
        low = asyncio.ensure_future(door.wait("", BATCH, Deadline(inf)))
        await asyncio.sleep(0)
        high = asyncio.ensure_future(door.wait("", INTERACTIVE, Deadline(inf)))
        refusal = await low
        assert refusal is not None
        assert "higher class" in refusal.words
        door.leave()
        assert await high is None

    run_virtual(clock, main())


def test_a_request_waits_for_so_long_and_no_longer() -> None:
    clock = VirtualClock()
    door = Admission(AdmissionSettings(max_running=1, max_wait_s=3.0), clock)
    start = clock.now

    async def main() -> None:
        door.enter()
        refusal = await door.wait("", STANDARD, Deadline(inf))
        assert refusal is not None
        assert "longest wait" in refusal.words

    run_virtual(clock, main())
    assert clock.now == pytest.approx(start + 3.0)


@pytest.mark.parametrize("granted_first", [True, False])
def test_a_slot_granted_to_one_cancelled_in_the_same_turn_is_handed_on(granted_first) -> None:
    clock = VirtualClock()
    door = Admission(AdmissionSettings(max_running=1), clock)

    async def main() -> None:
        door.enter()
        gone = asyncio.ensure_future(door.wait("", STANDARD, Deadline(inf)))
        stays = asyncio.ensure_future(door.wait("", STANDARD, Deadline(inf)))
        await asyncio.sleep(0)
        for step in (door.leave, gone.cancel) if granted_first else (gone.cancel, door.leave):
            step()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await stays is None
        assert door.read().running == 1
        door.leave()
        assert door.read().running == 0

    run_virtual(clock, main())
    assert not door._parked


def test_a_turn_and_the_end_of_the_wait_in_one_moment_are_a_turn() -> None:
    clock = VirtualClock()
    door = Admission(AdmissionSettings(max_running=1, max_wait_s=1.0), clock)

    async def main() -> None:
        door.enter()
        asyncio.get_running_loop().call_later(1.0, door.leave)
        assert await door.wait("", STANDARD, Deadline(inf)) is None
        assert door.read().running == 1

    run_virtual(clock, main())

"""The pair idempotent + admit, under the deadline: shared work is one request to the queue."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.core.faults import Reason
from gateway.core.hole import Priority
from tests.fakes.scripted import HANG
from tests.fakes.stacks import Ended, Stacks
from tests.fakes.values import unavailable
from tests.fakes.virtual import run_virtual

ONE_SLOT = {"max_running": 1, "max_queued": 10}


def slow(seconds: float = 1.0, **settings: Any) -> Stacks:
    """An endpoint whose calls take so long, behind a door with one slot."""
    return Stacks({"a": [(seconds, "ok\n")]}, **{"admission": ONE_SLOT, **settings})


def door(stacks: Stacks) -> tuple[int, int]:
    admitted = stacks.parts.admission.read()
    return admitted.running, admitted.queued


async def joined(stacks: Stacks, count: int, **how: Any) -> list[asyncio.Task[Ended]]:
    """Ask so often for the same, and let all of them find their places."""
    asking = [asyncio.create_task(stacks.ask(name="same", **how)) for _ in range(count)]
    await asyncio.sleep(0.1)
    return asking


async def leave(*asking: asyncio.Task[Any]) -> None:
    for one in asking:
        one.cancel()
    await asyncio.wait(asking)
    assert all(one.cancelled() for one in asking)


def test_a_hundred_that_ask_for_the_same_take_one_slot_and_one_call() -> None:
    stacks = slow()

    async def main() -> None:
        asking = await joined(stacks, 100)
        assert door(stacks) == (1, 0)
        assert {(await one).text for one in asking} == {"ok\n"}

    stacks.run(main)
    assert stacks.calls() == ["a"]
    assert stacks.parts.admission.read().admitted == 1
    counters = stacks.parts.fleet.read().ensemble
    assert (counters.requests, counters.attempts) == (100, 1)


def test_a_repetition_that_is_replayed_takes_no_slot_though_the_door_is_full() -> None:
    stacks = slow()

    async def main() -> None:
        await (await joined(stacks, 1))[0]
        busy = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.1)
        again = await stacks.ask(name="same")
        assert (again.text, again.took) == ("ok\n", 0.0)
        await busy

    stacks.run(main)
    assert stacks.parts.admission.read().admitted == 2


def test_those_who_join_work_that_waits_in_the_queue_wait_in_one_place() -> None:
    stacks = slow()

    async def main() -> None:
        busy = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.1)
        asking = await joined(stacks, 50)
        assert door(stacks) == (1, 1)
        assert [(await one).text for one in asking] == ["ok\n"] * 50
        await busy

    stacks.run(main)
    assert len(stacks.calls()) == 2


def test_a_place_in_the_queue_stays_until_the_last_of_its_callers_has_left() -> None:
    stacks = slow(5.0)

    async def main() -> None:
        busy = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.1)
        first, second, third = await joined(stacks, 3)
        await leave(first)
        assert door(stacks) == (1, 1)
        await leave(third)
        assert door(stacks) == (1, 1)
        await leave(second)
        assert door(stacks) == (1, 0)
        assert (await busy).text == "ok\n"

    stacks.run(main)
    assert len(stacks.calls()) == 1
    assert stacks.parts.admission.read().left == 1


def test_the_one_who_began_may_leave_and_the_others_are_answered_by_the_same_call() -> None:
    stacks = slow()

    async def main() -> None:
        first, *others = await joined(stacks, 5)
        await leave(first)
        assert [(await one).text for one in others] == ["ok\n"] * 4

    stacks.run(main)
    assert stacks.calls() == ["a"]


def test_when_the_last_one_leaves_a_running_call_is_ended_and_its_slot_is_the_next_ones() -> None:
    stacks = slow(HANG)

    async def main() -> None:
        asking = await joined(stacks, 3)
        waits = asyncio.create_task(stacks.ask(seconds=20))
        await asyncio.sleep(0.1)
        assert door(stacks) == (1, 1)
        await leave(*asking)
        await asyncio.sleep(0)
        assert (door(stacks), len(stacks.asked)) == ((1, 0), 2)
        assert stacks.asked[0].how == "cancelled"
        await waits

    stacks.run(main)


@pytest.mark.parametrize("stream", [False, True])
def test_a_follower_with_less_time_ends_at_its_own_deadline_and_the_work_goes_on(stream) -> None:
    stacks = slow(2.0)

    async def main() -> None:
        (patient,) = await joined(stacks, 1, seconds=10)
        hasty = await stacks.ask(name="same", seconds=0.5, stream=stream)
        assert hasty.fault is not None
        assert hasty.fault.reason is Reason.DEADLINE_EXCEEDED
        assert hasty.took == pytest.approx(0.5, abs=0.01)
        assert hasty.took <= 0.5
        assert (await patient).text == "ok\n"

    stacks.run(main)
    assert stacks.calls() == ["a"]


def test_a_follower_with_more_time_than_the_one_who_began_is_answered_all_the_same() -> None:
    """The work of the first ends with its deadline, and begins anew for those who are left."""
    stacks = slow(2.0)

    async def main() -> None:
        (hasty,) = await joined(stacks, 1, seconds=1)
        patient = await stacks.ask(name="same", seconds=10)
        assert patient.text == "ok\n"
        assert (await hasty).fault is not None
        assert (await hasty).took <= 1

    stacks.run(main)
    assert [asked.how for asked in stacks.asked] == ["cancelled", "answered"]
    assert stacks.parts.admission.read().admitted == 2
    assert stacks.parts.fleet.read().ensemble.attempts == 2


def test_a_follower_outlasts_the_deadline_of_work_that_never_left_the_queue() -> None:
    stacks = slow(3.0)

    async def main() -> None:
        busy = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.1)
        (hasty,) = await joined(stacks, 1, seconds=1)
        patient = await stacks.ask(name="same", seconds=20)
        assert patient.text == "ok\n"
        ended = await hasty
        assert (ended.fault is not None, list(ended.attempts)) == (True, [])
        await busy

    stacks.run(main)
    assert len(stacks.calls()) == 2


def test_work_that_is_shed_is_shed_for_all_of_them_with_a_time_to_come_again() -> None:
    stacks = slow(5.0, admission={"max_running": 1, "max_queued": 0})

    async def main() -> None:
        busy = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.1)
        for ended in await asyncio.gather(*await joined(stacks, 4)):
            assert ended.fault is not None
            assert ended.fault.reason is Reason.GATEWAY_OVERLOADED
            assert ended.fault.retry_after_s is not None
        await busy
        # What was shed is not kept: the same request is worked on when there is room.
        assert (await stacks.ask(name="same")).text == "ok\n"

    stacks.run(main)
    assert sum(stacks.parts.admission.read().shed.values()) == 1


def test_one_who_joins_displaced_work_begins_it_anew() -> None:
    stacks = slow(1.0, admission={"max_running": 1, "max_queued": 1})

    async def main() -> None:
        busy = asyncio.create_task(stacks.ask())
        await asyncio.sleep(0.1)
        (batch,) = await joined(stacks, 1, priority=Priority.BATCH)
        interactive = asyncio.create_task(stacks.ask(priority=Priority.INTERACTIVE))
        displaced = await batch
        assert displaced.fault is not None
        assert displaced.fault.reason is Reason.GATEWAY_OVERLOADED
        assert [(await one).text for one in (busy, interactive)] == ["ok\n"] * 2
        assert (await stacks.ask(name="same", priority=Priority.BATCH)).text == "ok\n"

    stacks.run(main)


def test_a_failure_frees_the_slot_and_is_told_to_all_with_its_attempts() -> None:
    stacks = Stacks({"a": [(0.5, unavailable())]}, admission=ONE_SLOT, retry={"max_tries": 1})

    async def main() -> None:
        for ended in await asyncio.gather(*await joined(stacks, 3)):
            assert ended.tries == [("a", "failed")]
        assert door(stacks) == (0, 0)

    stacks.run(main)
    counters = stacks.parts.fleet.read().ensemble
    assert (counters.requests, counters.attempts, counters.fallback_exhausted) == (3, 1, 3)


def test_streams_that_join_hear_the_same_text_from_its_beginning() -> None:
    stacks = Stacks({"a": [(1.0, "1\n", 1.0, "2\n", 1.0, "3")]}, admission=ONE_SLOT)

    async def main() -> None:
        first = asyncio.create_task(stacks.ask(name="same", stream=True))
        await asyncio.sleep(1.5)
        second = asyncio.create_task(stacks.ask(name="same", stream=True, reads_s=0.4))
        await asyncio.sleep(1)
        assert door(stacks) == (1, 0)
        assert ["".join((await one).heard) for one in (first, second)] == ["1\n2\n3"] * 2

    stacks.run(main)
    assert stacks.calls() == ["a"]


def test_a_gateway_that_closes_ends_what_runs_and_what_waits() -> None:
    stacks = slow(HANG)
    asking: list[asyncio.Task[Ended]] = []

    async def main() -> None:
        async with stacks.open():
            asking.extend(await joined(stacks, 2))
            asking.append(asyncio.create_task(stacks.ask(name="another")))
            await asyncio.sleep(0.1)
            assert door(stacks) == (1, 1)
        assert {(await one).fault.reason for one in asking} == {Reason.SHUTTING_DOWN}
        assert stacks.left_over() == []

    run_virtual(stacks.clock, main())

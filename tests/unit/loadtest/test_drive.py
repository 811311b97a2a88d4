from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from ensemble_loadtest.address import Address
from ensemble_loadtest.alarm import Alarm
from ensemble_loadtest.deadlines import Deadlines
from ensemble_loadtest.drive import Drive, arrivals_of
from ensemble_loadtest.flights import Flight
from ensemble_loadtest.plan import Arrivals, Load, Plan
from ensemble_loadtest.schedule import steps

from tests.fakes.loadtest_target import FakeTarget
from tests.fakes.until import until

ADDRESS = Address("127.0.0.1", 1)
OPEN = Load(seconds=0.2, segments=steps([500], 0.2), arrivals=Arrivals.CONSTANT)


async def driven(plan: Plan, target: FakeTarget, worker: int = 0) -> Drive:
    drive = Drive(plan, worker)
    target.watcher = drive
    async with asyncio.timeout(20):
        await drive.run(target, time.monotonic())
    return drive


async def test_an_open_loop_sends_each_request_of_the_schedule_with_its_intended_time() -> None:
    target = FakeTarget()
    drive = await driven(Plan(ADDRESS, OPEN), target)
    start_s = target.sent[0].intended_s
    found = [flight.intended_s - start_s for flight in target.sent]
    assert found == pytest.approx(list(arrivals_of(OPEN)), abs=1e-6)
    assert all(flight.sent_s >= flight.intended_s for flight in target.sent)
    tally = drive.tally
    assert (tally.sent, tally.good, tally.lag.count, drive.in_flight) == (100, 100, 100, 0)


async def test_a_target_that_never_answers_does_not_stop_the_schedule() -> None:
    target = FakeTarget(lambda _: None)
    drive = await driven(replace(Plan(ADDRESS, OPEN), timeout_s=-0.9), target)
    assert len(target.sent) == 100
    assert drive.tally.abandoned == 100


async def test_what_is_above_the_most_under_way_is_dropped_and_counted() -> None:
    target = FakeTarget(lambda _: None)
    plan = Plan(ADDRESS, replace(OPEN, max_in_flight=30), timeout_s=-0.9)
    tally = (await driven(plan, target)).tally
    assert (target.most, tally.sent, tally.dropped) == (30, 30, 70)
    assert sum(cell.dropped for cell in tally.cells.values()) == 70


async def test_a_closed_loop_keeps_as_many_under_way_as_it_has_workers() -> None:
    target = FakeTarget()
    plan = Plan(ADDRESS, Load(seconds=30, workers=4, max_requests=50))
    tally = (await driven(plan, target)).tally
    assert (target.most, tally.good) == (4, 50)
    assert [flight.number for flight in target.sent] == list(range(50))
    assert tally.lag.count == 0


async def test_a_closed_loop_goes_on_after_failures() -> None:
    target = FakeTarget(lambda flight: "" if flight.number % 2 else "UNAVAILABLE")
    plan = Plan(ADDRESS, Load(seconds=30, workers=3, max_requests=20))
    tally = (await driven(plan, target)).tally
    assert (tally.good, dict(tally.reasons)) == (10, {"UNAVAILABLE": 10})


async def test_the_processes_share_the_numbers_of_the_requests() -> None:
    plan = Plan(ADDRESS, Load(seconds=30, workers=5, max_requests=21), processes=2)
    targets = FakeTarget(), FakeTarget()
    for worker, target in enumerate(targets):
        await driven(plan, target, worker)
    numbers = [flight.number for target in targets for flight in target.sent]
    assert sorted(numbers) == list(range(21))
    assert [target.most for target in targets] == [3, 2]


async def test_the_number_of_requests_ends_an_open_loop() -> None:
    target = FakeTarget()
    tally = (await driven(Plan(ADDRESS, replace(OPEN, max_requests=7)), target)).tally
    assert (len(target.sent), tally.good) == (7, 7)


async def test_what_was_to_be_sent_while_warming_up_does_not_count() -> None:
    target = FakeTarget()
    tally = (await driven(Plan(ADDRESS, OPEN, warmup_s=0.099), target)).tally
    assert len(target.sent) == 100
    assert tally.sent == tally.good == 50


async def test_a_trace_is_sent_to_its_last_arrival() -> None:
    target = FakeTarget()
    plan = Plan(ADDRESS, Load(seconds=0.02, trace=(0.0, 0.0, 0.01, 0.02)))
    assert (await driven(plan, target)).tally.good == 4


async def test_a_stop_ends_a_run_whose_requests_do_not() -> None:
    target = FakeTarget(lambda _: None)
    drive = Drive(Plan(ADDRESS, Load(seconds=600, workers=2)), 0)
    target.watcher = drive
    run = asyncio.create_task(drive.run(target, time.monotonic()))
    await until(lambda: target.sent)
    drive.stop()
    await asyncio.wait_for(run, 20)
    assert drive.tally.abandoned == 2


def test_gaps_are_between_the_pieces_of_one_stream() -> None:
    drive = Drive(Plan(ADDRESS, OPEN), 0)
    flight = Flight(0, 1.0)
    for now_s in (2.0, 2.5, 3.5):
        drive.piece(flight, now_s)
    assert (flight.first_s, flight.last_s, flight.pieces) == (2.0, 3.5, 3)
    assert (drive.tally.gap.count, drive.tally.gap.total) == (2, 1.5)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
async def test_an_alarm_rings_once_at_the_last_moment_it_was_given(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble_loadtest.alarm.sys.platform", platform)
    rang: list[float] = []
    alarm = Alarm(lambda: rang.append(time.monotonic()))
    soon = time.monotonic() + 0.02
    alarm.at(soon + 1000)
    alarm.at(soon)
    await until(lambda: rang)
    alarm.at(0.0)
    await until(lambda: len(rang) == 2)
    alarm.close()
    alarm.close()
    assert rang[0] >= soon
    assert len(rang) == 2


class Timed:
    def __init__(self, expired: list[Any]) -> None:
        self._expired = expired

    def expire(self, now_s: float) -> None:
        del now_s
        self._expired.append(self)


async def test_requests_expire_in_the_order_in_which_they_were_sent() -> None:
    expired: list[Any] = []
    deadlines = Deadlines(1.0)
    now_s = time.monotonic()
    first, second, kept, left = (Timed(expired) for _ in range(4))
    for one, at_s in (
        (first, now_s - 3),
        (second, now_s - 2),
        (kept, now_s - 2),
        (left, now_s + 99),
    ):
        deadlines.add(one, at_s)
    deadlines.remove(kept)
    deadlines.start()
    await until(lambda: len(expired) == 2)
    assert expired == [first, second]
    assert deadlines.stop() == [left]
    assert len(deadlines) == 0

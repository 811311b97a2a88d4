"""The recorder over a store of its own, in virtual time: flushes, reports and the end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.stores import StoreError
from gateway.stores.recorder import Recorder, RecorderReading
from tests.fakes.recorder_rig import FULL, Rig, record, settled


def test_a_flush_waits_for_what_was_recorded_before_it_and_not_for_the_moment() -> None:
    rig = Rig(every_s=50.0)

    async def main(recorder: Recorder) -> None:
        before = rig.clock.now
        assert await recorder.flush()
        record(recorder, 1)
        assert await recorder.flush()
        assert set(rig.store.events) == {"1"}
        assert rig.clock.now == before

    rig.run(main)


def test_flushes_at_the_same_time_are_all_answered() -> None:
    rig = Rig(every_s=50.0)

    async def main(recorder: Recorder) -> None:
        gate = rig.store.gate = asyncio.Event()
        record(recorder, 1)
        first = asyncio.create_task(recorder.flush())
        await settled()
        record(recorder, 2)
        second = asyncio.create_task(recorder.flush())
        await settled()
        assert not first.done()
        gate.set()
        assert await first
        assert await second
        assert set(rig.store.events) == {"1", "2"}
        assert rig.clock.now == 1000.0

    rig.run(main)


def test_a_flush_that_a_slow_disk_holds_up_ends_in_time() -> None:
    rig = Rig(flush_s=2.0)

    async def main(recorder: Recorder) -> None:
        rig.store.gate = asyncio.Event()
        record(recorder, 1)
        before = rig.clock.now
        assert not await recorder.flush()
        assert rig.clock.now == before + 2.0
        rig.store.gate.set()

    assert rig.run(main).recorded == 1


def test_a_flush_without_a_task_says_that_nothing_was_written() -> None:
    rig = Rig(flush_s=2.0)

    async def main(recorder: Recorder) -> None:
        await recorder.close()
        assert await recorder.flush()
        record(recorder, 1)
        assert not await recorder.flush()

    rig.run(main)


def test_an_outcome_of_a_decision_that_waits_to_be_written_is_known() -> None:
    """O-05: an outcome that is faster than the disk must not be NOT_FOUND."""
    rig = Rig(every_s=50.0)

    async def main(recorder: Recorder) -> None:
        record(recorder, 1)
        found = await recorder.report(OutcomeReport("1", accepted=True))
        assert found is not None
        assert found.event.decision_id == "1"
        assert await recorder.report(OutcomeReport("2", accepted=True)) is None
        assert rig.clock.now == 1000.0

    rig.run(main)
    assert [one.decision_id for one in rig.store.reported] == ["1", "1", "2"]


def test_a_decision_written_while_its_outcome_is_looked_up_is_known() -> None:
    """It waited when the lookup began, and is in the store when its answer comes."""
    rig = Rig(every_s=50.0)

    async def main(recorder: Recorder) -> None:
        record(recorder, 1)
        looked_up = rig.store.report

        async def late(report: OutcomeReport) -> RoutingEvent | None:
            found = await looked_up(report)
            await recorder.flush()
            return found

        rig.store.report = late  # type: ignore[method-assign]
        assert await recorder.report(OutcomeReport("1", accepted=True)) is not None

    rig.run(main)


def test_while_it_cannot_be_told_an_outcome_is_to_be_reported_again() -> None:
    rig = Rig(flush_s=2.0)

    async def main(recorder: Recorder) -> None:
        rig.store.gate = asyncio.Event()
        record(recorder, 1)
        with pytest.raises(StoreError, match="report it again") as caught:
            await recorder.report(OutcomeReport("1"))
        assert caught.value.retryable
        rig.store.gate.set()

    rig.run(main)


def test_a_report_goes_to_the_event_log_with_its_endpoint_once_it_is_known() -> None:
    rig = Rig()

    async def main(recorder: Recorder) -> None:
        record(recorder, 1)
        await recorder.report(OutcomeReport("1", accepted=True))
        await recorder.report(OutcomeReport("1", "strong", accepted=False))
        await recorder.report(OutcomeReport("2"))
        await asyncio.sleep(1.0)
        assert rig.log.reports == [
            OutcomeReport("1", "weak", accepted=True),
            OutcomeReport("1", "strong", accepted=False),
        ]
        await recorder.report(OutcomeReport("1", quality=1.0))

    rig.run(main)
    assert rig.log.reports[2:] == [OutcomeReport("1", "weak", quality=1.0)]


def test_closing_writes_what_waits() -> None:
    rig = Rig(every_s=50.0)

    async def main(recorder: Recorder) -> None:
        record(recorder, *range(7))

    assert rig.run(main) == RecorderReading(7, 0, 0, 0, 3, 4)
    assert rig.clock.now == 1000.0


def test_closing_tries_again_within_its_time_and_drops_the_rest() -> None:
    rig = Rig(close_s=5.0, retry_s=1.0, batch=2)

    async def main(recorder: Recorder) -> None:
        rig.store.trouble = [FULL] * 3
        record(recorder, 1)
        await recorder.close()
        assert recorder.read().recorded == 1
        recorder.start()
        rig.store.trouble = [FULL] * 100
        record(recorder, *range(2, 7))
        rig.clock.now = 5000.0

    reading = rig.run(main)
    assert (reading.recorded, reading.dropped, reading.waiting) == (1, 5, 0)
    assert rig.clock.now == 5005.0


def test_closing_ends_the_task_whatever_it_waits_for() -> None:
    rig = Rig(close_s=5.0)
    tasks: list[set[asyncio.Task[Any]]] = []

    async def main(recorder: Recorder) -> None:
        rig.store.gate = asyncio.Event()
        record(recorder, 1)
        await recorder.close()
        tasks.append(asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())})

    assert rig.run(main).dropped == 1
    assert tasks == [set()]

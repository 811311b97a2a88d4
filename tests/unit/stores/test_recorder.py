"""The recorder over a store of its own, in virtual time: writing and removing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from gateway.core.feedback import OutcomeReport
from gateway.core.stores import OutcomeStore, StoreError
from gateway.state.intake import Intake
from gateway.stores.recorder import MAX_PRUNES, Recorder, RecorderReading, RecorderSettings
from tests.fakes.recorder_rig import FULL, Rig, Store, record
from tests.fakes.virtual import VirtualClock, run_virtual


def test_what_comes_within_a_moment_is_written_together() -> None:
    rig = Rig(every_s=0.2)

    async def main(recorder: Recorder) -> None:
        await asyncio.sleep(1.0)
        record(recorder, 1, 2)
        await asyncio.sleep(0.1)
        record(recorder, 3)
        assert rig.store.batches == []
        assert recorder.read().waiting == 3
        await asyncio.sleep(0.11)
        assert rig.store.batches == [3]
        assert recorder.read() == RecorderReading(3, 0, 0, 0, 3, 4)

    rig.run(main)
    assert rig.log.events == ["1", "2", "3"]


def test_recording_neither_waits_nor_writes() -> None:
    rig = Rig()

    async def main(recorder: Recorder) -> None:
        rig.store.gate = asyncio.Event()
        record(recorder, *range(500))
        assert (rig.store.batches, rig.log.events) == ([], [])
        rig.store.gate.set()

    assert rig.run(main).recorded == 500


def test_a_batch_is_bounded() -> None:
    rig = Rig(batch=4)

    async def main(recorder: Recorder) -> None:
        record(recorder, *range(10))
        assert await recorder.flush()
        assert rig.store.batches == [4, 4, 2]

    rig.run(main)


def test_a_full_queue_drops_and_counts_and_holds_up_nobody() -> None:
    """O-08, A-05: bounded, with a drop counter."""
    rig = Rig(limit=5)

    async def main(recorder: Recorder) -> None:
        rig.store.gate = asyncio.Event()
        record(recorder, *range(5))
        await asyncio.sleep(1.0)
        record(recorder, *range(5, 20))
        assert recorder.read().waiting == 10
        assert recorder.read().dropped == 10
        rig.store.gate.set()

    reading = rig.run(main)
    assert (reading.recorded, reading.dropped, reading.waiting) == (10, 10, 0)


def test_what_is_recorded_while_a_batch_is_written_is_written_next() -> None:
    rig = Rig()

    async def main(recorder: Recorder) -> None:
        rig.store.gate = asyncio.Event()
        record(recorder, 1)
        await asyncio.sleep(0.5)
        record(recorder, 2)
        rig.store.gate.set()
        await asyncio.sleep(0.5)
        assert rig.store.batches == [1, 1]

    rig.run(main)


def test_a_batch_that_the_store_could_not_take_is_offered_again() -> None:
    rig = Rig(every_s=0.1, retry_s=1.0)
    rig.store.trouble = [FULL, FULL]

    async def main(recorder: Recorder) -> None:
        record(recorder, 1, 2)
        await asyncio.sleep(0.2)
        record(recorder, 3)
        await asyncio.sleep(1.8)
        assert rig.store.batches == []
        assert (recorder.read().write_errors, recorder.read().waiting) == (2, 3)
        await asyncio.sleep(0.5)
        assert rig.store.batches == [2, 1]

    assert rig.run(main) == RecorderReading(3, 0, 0, 2, 3, 4)
    assert rig.log.events == ["1", "2", "3"], "the log has each line once"


@pytest.mark.parametrize("error", [StoreError("damaged"), ZeroDivisionError()])
def test_a_batch_that_the_store_will_never_take_is_given_up(error: Exception) -> None:
    rig = Rig(batch=2)
    rig.store.trouble = [error]

    async def main(recorder: Recorder) -> None:
        record(recorder, 1, 2, 3)
        assert await recorder.flush()

    assert rig.run(main) == RecorderReading(1, 0, 2, 1, 3, 4)


def test_recording_is_begun_once() -> None:
    async def main(recorder: Recorder) -> None:
        with pytest.raises(RuntimeError, match="already"):
            recorder.start()

    Rig().run(main)


def test_without_an_event_log_only_the_store_is_written() -> None:
    store = Store()

    async def main() -> RecorderReading:
        recorder = Recorder(cast("OutcomeStore", store), Intake(10))
        record(recorder, 1)
        recorder.start()
        await recorder.report(OutcomeReport("1", accepted=True))
        await recorder.close()
        return recorder.read()

    assert run_virtual(VirtualClock(), main()) == RecorderReading(1, 0, 0, 0, 0, 0)


def test_what_is_too_old_or_too_much_is_removed_at_the_start_and_every_minute() -> None:
    rig = Rig(prune_every_s=60.0, max_age_s=100.0, max_events=1000)

    async def main(recorder: Recorder) -> None:
        await asyncio.sleep(1.0)
        assert [keep for _, keep in rig.store.prunes] == [1000]
        assert rig.store.prunes[0][0] == pytest.approx(1e9 + 1000.0 - 100.0, abs=1.0)
        await asyncio.sleep(57.0)
        assert len(rig.store.prunes) == 1
        await asyncio.sleep(3.0)
        assert len(rig.store.prunes) == 2

    rig.run(main)


def test_many_new_decisions_are_followed_by_a_removal_before_its_time() -> None:
    rig = Rig(max_events=1000)

    async def main(recorder: Recorder) -> None:
        await asyncio.sleep(1.0)
        record(recorder, *range(9))
        await asyncio.sleep(1.0)
        assert len(rig.store.prunes) == 1
        record(recorder, 9)
        await asyncio.sleep(1.0)
        assert len(rig.store.prunes) == 2

    rig.run(main)


def test_a_long_removal_lets_decisions_be_written_in_between() -> None:
    rig = Rig(every_s=0.2)
    rig.store.prunable = 200 * MAX_PRUNES * 3

    async def main(recorder: Recorder) -> None:
        await asyncio.sleep(0.3)
        assert len(rig.store.prunes) == MAX_PRUNES
        record(recorder, 1)
        await asyncio.sleep(0.2)
        assert rig.store.batches == [1]
        await asyncio.sleep(2.0)
        assert rig.store.prunable == 0

    rig.run(main)


def test_a_removal_that_fails_is_counted_and_tried_at_its_next_time() -> None:
    rig = Rig(prune_every_s=60.0)
    rig.store.prune_trouble = [FULL]

    async def main(recorder: Recorder) -> None:
        await asyncio.sleep(1.0)
        assert recorder.read().write_errors == 1
        await asyncio.sleep(61.0)
        assert len(rig.store.prunes) == 2

    rig.run(main)


@pytest.mark.parametrize("name", ["batch", "every_s", "flush_s", "max_events", "max_age_s"])
def test_settings_that_cannot_be_followed_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        RecorderSettings(**cast("dict[str, Any]", {name: 0}))

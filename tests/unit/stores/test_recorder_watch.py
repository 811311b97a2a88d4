"""What is recorded is told to whoever watches, once, whether or not it could be written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.stores import OutcomeStore
from gateway.state.intake import Intake
from gateway.stores.recorder import Recorder, RecorderSettings
from tests.fakes.recorder_rig import FULL, Store, record
from tests.fakes.virtual import VirtualClock, run_virtual


class Watch:
    def __init__(self) -> None:
        self.decisions: list[str] = []
        self.rows: list[Reviewed] = []

    def decided(self, events: Sequence[RoutingEvent]) -> None:
        self.decisions += [one.decision_id for one in events]

    def reviewed(self, row: Reviewed) -> None:
        self.rows.append(row)


def test_a_decision_is_told_once_though_its_write_is_tried_again():
    clock, store, watch = VirtualClock(), Store(), Watch()
    store.trouble += [FULL, FULL, ValueError("a bug of the store")]

    async def main() -> None:
        recorder = Recorder(
            cast("OutcomeStore", store), Intake(9), None, RecorderSettings(batch=2), clock, watch
        )
        recorder.start()
        record(recorder, 1, 2, 3)
        await asyncio.sleep(10)
        assert await recorder.report(OutcomeReport("3", accepted=True)) is not None
        assert await recorder.report(OutcomeReport("9", accepted=True)) is None
        await recorder.close()

    run_virtual(clock, main())
    assert watch.decisions == ["1", "2", "3"]
    assert [row.event.decision_id for row in watch.rows] == ["3"]

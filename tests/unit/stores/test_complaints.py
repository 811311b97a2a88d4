from __future__ import annotations

import logging

import pytest

from gateway.core.stores import StoreError
from gateway.stores.complaints import Complaints
from tests.fakes.ticks import Ticks

log = logging.getLogger(__name__)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    return [(one.__dict__["error"], one.__dict__["times"]) for one in caplog.records]


def test_one_a_minute_is_said_with_how_many_there_were(caplog: pytest.LogCaptureFixture) -> None:
    ticks = Ticks()
    complaints = Complaints(log, "it went wrong", ticks)
    for _ in range(4):
        complaints.add(StoreError("full"))
    ticks.move(59.0)
    complaints.add(StoreError("full"))
    ticks.move(1.0)
    complaints.add(OSError("gone"))
    assert told(caplog) == [("StoreError: full", 1), ("OSError: gone", 5)]
    assert {one.getMessage() for one in caplog.records} == {"it went wrong"}


def test_a_clock_that_was_set_back_does_not_silence_them(caplog: pytest.LogCaptureFixture) -> None:
    ticks = Ticks()
    complaints = Complaints(log, "it went wrong", ticks)
    complaints.add(StoreError("full"))
    ticks.move(-3600.0)
    complaints.add(StoreError("full"))
    assert len(told(caplog)) == 2


def test_of_an_unexpected_error_only_the_type_is_said(caplog: pytest.LogCaptureFixture) -> None:
    Complaints(log, "it went wrong", Ticks()).add(ValueError("the text of somebody"))
    assert told(caplog) == [("ValueError", 1)]

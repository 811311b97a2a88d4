from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from gateway.core.features import Features
from gateway.core.feedback import OutcomeReport
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.stores import jsonl
from gateway.stores.jsonl import JsonlLog, read_back
from gateway.stores.segments import SegmentSettings, segments
from tests.fakes.logged import event
from tests.fakes.ticks import Ticks

PATIENCE_S = 20.0
ID = "019ac283-aa00-7d9c-a768-b2a977f73a66"
NAMES = ("small-python", "large-python", "frontier")


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[JsonlLog]:
    log = JsonlLog(SegmentSettings(str(tmp_path)), Ticks(1_764_200_000.0))
    yield log
    await log.close()


def lines(folder: Path) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for path in segments(folder)
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


async def test_decisions_and_reports_are_lines_of_their_own_joined_by_the_id(
    log: JsonlLog, tmp_path: Path
) -> None:
    """O-04: an outcome is no second copy of the event."""
    await log.append([event(decision_id="d1"), event(decision_id="d2")])
    await log.append([], [OutcomeReport("d1", "weak", 5.0, accepted=False)])
    assert [(line["type"], line["decision_id"]) for line in lines(tmp_path)] == [
        ("event", "d1"),
        ("event", "d2"),
        ("outcome", "d1"),
    ]
    assert lines(tmp_path)[2] == {
        "type": "outcome", "decision_id": "d1", "endpoint": "weak", "at": 5.0, "accepted": False
    }  # fmt: skip


async def test_a_typical_event_is_a_line_of_at_most_two_kilobytes(
    log: JsonlLog, tmp_path: Path
) -> None:
    """N-07. Three endpoints, and each layer ran with its details; features are left out."""
    layers = tuple(
        LayerRecord(
            layer,
            LayerStatus.DECLINED,
            0.712345678901234,
            0.85,
            NAMES[0],
            "data-structures",
            "its confidence is below the threshold",
            0.000123456789,
            (("similarity", "0.712346"), ("neighbours", "25")),
        )
        for layer in (LayerName.KEYWORD, LayerName.SIMILARITY, LayerName.KNN, LayerName.HEAD)
    )
    typical = event(
        NAMES[1],
        decision_id=ID,
        at=1764200000.123456,
        request_id=ID,
        task="code_completion",
        chain=NAMES,
        layers=(*layers, LayerRecord(LayerName.CLARIFY, LayerStatus.SKIPPED, reason="decided")),
        propensities=tuple((name, 0.333333333333333) for name in NAMES),
        estimates=tuple((name, 0.612345678901234) for name in NAMES),
        costs=tuple((name, 12345) for name in NAMES),
        arms=(("prompt-length", "control"),),
        threshold_version=12,
        experience_version=345,
        snapshot_version=6,
        elapsed_s=0.00123456789,
        features=Features(np.arange(900, dtype=np.int32), np.ones(900, np.float32), 4000),
    )
    await log.append([typical])
    (path,) = segments(tmp_path)
    assert 1000 < path.stat().st_size <= 2000


async def test_what_was_written_is_read_back_newest_first_with_its_reports(
    log: JsonlLog, tmp_path: Path
) -> None:
    await log.append([event(decision_id=f"d{n}", at=float(n)) for n in range(4)])
    reports = [
        OutcomeReport("d3", "weak", 1.0, accepted=True),
        OutcomeReport("d3", "strong", 2.0, accepted=False),
        OutcomeReport("d3", "weak", 3.0, tests_passed=1),
        OutcomeReport("d0", "weak", 4.0, accepted=True),
        OutcomeReport("never", "weak", 5.0, accepted=True),
    ]
    await log.append([event(decision_id="d3", at=9.0)], reports)
    contents = read_back(tmp_path, 3)
    assert [row.event.decision_id for row in contents.decisions] == ["d3", "d2", "d1"]
    assert contents.decisions[0].event.at == 3.0
    assert contents.decisions[0].reports == {
        "weak": OutcomeReport("d3", "weak", 3.0, accepted=True, tests_passed=1),
        "strong": OutcomeReport("d3", "strong", 2.0, accepted=False),
    }
    assert contents.unreadable == 0


async def test_a_line_that_is_cut_or_none_of_ours_is_left_out_and_counted(
    log: JsonlLog, tmp_path: Path
) -> None:
    await log.append([event(decision_id="d1"), event(decision_id="d2")])
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(b'\nhello\n{"type":"outcome"}\n' + whole[:-20])
    contents = read_back(tmp_path, 10)
    assert [row.event.decision_id for row in contents.decisions] == ["d1"]
    assert contents.unreadable == 3


async def test_an_event_that_is_no_json_is_left_out_and_counted(
    log: JsonlLog, tmp_path: Path
) -> None:
    await log.append([event(decision_id="\ud800"), event(decision_id="d2")])
    await log.append([event(decision_id="\ud800")])
    assert [line["decision_id"] for line in lines(tmp_path)] == ["d2"]
    assert (log.lost, log.write_errors) == (2, 0)


async def test_nothing_to_write_makes_no_segment(log: JsonlLog, tmp_path: Path) -> None:
    await log.append([])
    assert segments(tmp_path) == []


async def test_a_disk_that_is_full_or_forbidden_is_counted_and_said_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ticks = Ticks(1_764_200_000.0)
    log = JsonlLog(SegmentSettings(str(tmp_path)), ticks)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(os, "write", full)
        for _ in range(5):
            await log.append([event()], [OutcomeReport("d", "weak")])
            ticks.move(20.0)
    assert (log.write_errors, log.lost) == (5, 10)
    assert [one.__dict__["times"] for one in caplog.records] == [1, 3]
    assert "No space left" in caplog.records[0].__dict__["error"]
    await log.append([event()])
    assert len(read_back(tmp_path, 10).decisions) == 1
    await log.close()


async def test_a_folder_that_is_a_file_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    log = JsonlLog(SegmentSettings(str(tmp_path / "file")))
    await log.append([event()])
    assert (log.write_errors, log.lost) == (1, 1)
    await log.close()


async def test_a_disk_that_hangs_holds_up_nobody_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    write = os.write

    def hang(file: int, data: bytes) -> int:
        begun.set()
        assert go.wait(PATIENCE_S)
        return write(file, data)

    monkeypatch.setattr(os, "write", hang)
    monkeypatch.setattr(jsonl, "TIMEOUT_S", PATIENCE_S)
    log = JsonlLog(SegmentSettings(str(tmp_path)))
    first = asyncio.create_task(log.append([event()]))
    assert await asyncio.to_thread(begun.wait, PATIENCE_S)
    monkeypatch.setattr(jsonl, "TIMEOUT_S", 0.01)
    for _ in range(20):
        await log.append([event()])
    assert log.write_errors == log.lost == 20
    go.set()
    await first
    monkeypatch.setattr(jsonl, "TIMEOUT_S", PATIENCE_S)
    await log.close()
    # One was given up before its turn, and the rest was not even begun.
    assert len(lines(tmp_path)) == 1


async def test_a_log_that_cannot_be_closed_well_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = JsonlLog(SegmentSettings(str(tmp_path)))
    await log.append([event()])

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    await log.close()
    assert log.write_errors == 1

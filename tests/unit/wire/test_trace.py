"""Traces on the wire and as text."""

from __future__ import annotations

import csv
import json

import pytest
from ensemble.v1 import telemetry_service_pb2 as tp

from gateway.core.trace import (
    Change,
    Stage,
    StageStatus,
    TextPolicy,
    TextRecord,
    Trace,
    TraceFailure,
)
from gateway.wire.trace import trace_to_wire
from gateway.wire.trace_export import MAX_PART_CHARS, exported, safe_cell


def trace(number: int = 1, **fields: object) -> Trace:
    told = (("endpoint", "a"), ("none", None), ("empty", ""), ("no", False), ("list", ["a", 1]))
    stage = Stage(1, 0, "try", StageStatus.FAILED, 0.5, 0.25, 0.125, told)
    given = {"stages": (stage,), **fields}
    return Trace(f"t{number}", "r", 1.5, 2.5, StageStatus.FAILED, **given)  # type: ignore[arg-type]


def test_a_trace_is_written_whole() -> None:
    wire = trace_to_wire(
        trace(
            failure=TraceFailure("deadline", "caller", "DEADLINE_EXCEEDED", "over"),
            changes=(Change("x", "1", "2"),),
        )
    )
    (stage,) = wire.stages
    assert dict(stage.attributes) == {"endpoint": "a", "no": "false", "list": '["a", 1]'}
    assert (stage.started.nanos, stage.elapsed.nanos, stage.self_time.nanos) == (
        500_000_000, 250_000_000, 125_000_000,
    )  # fmt: skip
    assert wire.failure.reason == "DEADLINE_EXCEEDED"
    assert (wire.changes[0].before, wire.changes[0].after) == ("1", "2")
    assert wire.started_at.ToMilliseconds() == 1500
    assert not trace_to_wire(trace(), with_stages=False).stages


def test_text_that_is_no_unicode_is_written_all_the_same() -> None:
    record = TextRecord(TextPolicy.FULL, "f", 1, "\ud800")
    assert trace_to_wire(trace(prompt=record)).prompt.text == "?"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_a_cell_is_no_formula(text: str) -> None:
    """Z-02 ✗: the CSV was not escaped."""
    assert safe_cell(text) == f"'{text}"
    assert safe_cell(f"x{text}") == f"x{text}"


def test_the_export_comes_in_bounded_parts_of_whole_lines() -> None:
    large = TextRecord(TextPolicy.FULL, "f", 1, "x" * 400_000)
    parts = list(exported([trace(number, prompt=large) for number in range(5)], 0))
    assert [part.traces for part in parts] == [2, 2, 1]
    assert all(len(part.text) < MAX_PART_CHARS + 500_000 for part in parts)
    ids = [json.loads(line)["trace_id"] for part in parts for line in part.text.splitlines()]
    assert ids == [f"t{number}" for number in range(5)]


def test_no_traces_are_no_lines_but_the_names() -> None:
    assert list(exported([], tp.TRACE_FORMAT_JSON)) == []
    (part,) = exported([], tp.TRACE_FORMAT_CSV)
    assert part.text.startswith("id,time,prompt,ms,target,score,level,parallel,")


def test_a_line_of_csv_has_the_cells_of_its_names() -> None:
    parts = exported([trace(endpoint="=a", score=0.5)], tp.TRACE_FORMAT_CSV)
    head, row = csv.reader("".join(part.text for part in parts).splitlines())
    cells = dict(zip(head, row, strict=True))
    assert cells["target"] == "'=a"
    assert (cells["ms"], cells["score"], cells["parallel"]) == ("2500.000", "0.5000", "false")
    assert cells["time"] == "1970-01-01T00:00:01.500000+00:00"

"""Traces as text: JSON lines, or CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from ensemble.v1 import telemetry_service_pb2 as pb
from google.protobuf.json_format import MessageToDict

from gateway.core.trace import Trace
from gateway.wire.trace import trace_to_wire

COLUMNS = (
    "id",
    "time",
    "prompt",
    "ms",
    "target",
    "score",
    "level",
    "parallel",
    "status",
    "request_id",
)
PROMPT_CHARS = 100
A_PART = 20
"""Traces of one part: some hundred kilobytes at most, as a rule."""

MAX_PART_CHARS = 1_000_000
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings that spreadsheets take for formulas (OWASP, CSV injection)."""


def exported(traces: Sequence[Trace], form: int) -> Iterator[pb.ExportTracesResponse]:
    """Write traces in parts of whole lines; `form` is a number of `TraceFormat`."""
    if form == pb.TRACE_FORMAT_CSV:
        yield pb.ExportTracesResponse(text=_lines([COLUMNS]))
        for some in _batches(traces):
            yield pb.ExportTracesResponse(text=_lines(map(_row, some)), traces=len(some))
        return
    for some in _batches(traces):
        documents, size = list[str](), 0
        for trace in some:
            line = json_line(trace)
            if documents and size + len(line) > MAX_PART_CHARS:
                yield pb.ExportTracesResponse(text="".join(documents), traces=len(documents))
                documents, size = [], 0
            documents.append(line)
            size += len(line)
        yield pb.ExportTracesResponse(text="".join(documents), traces=len(documents))


def json_line(trace: Trace) -> str:
    """Write one trace as one line of JSON, with the names of the proto."""
    document = MessageToDict(trace_to_wire(trace), preserving_proto_field_name=True)
    return json.dumps(document, ensure_ascii=False) + "\n"


def safe_cell(text: str) -> str:
    """Write a cell that stays text wherever it is opened."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def _batches(traces: Sequence[Trace]) -> Iterator[Sequence[Trace]]:
    return (traces[at : at + A_PART] for at in range(0, len(traces), A_PART))


def _row(trace: Trace) -> tuple[str, ...]:
    cells = (
        trace.trace_id,
        datetime.fromtimestamp(trace.at, UTC).isoformat(),
        trace.prompt.text[:PROMPT_CHARS],
        f"{trace.elapsed_s * 1000:.3f}",
        trace.endpoint,
        f"{trace.score:.4f}",
        trace.level,
        str(trace.parallel).lower(),
        trace.status.value,
        trace.request_id,
    )
    return tuple(map(safe_cell, cells))


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()

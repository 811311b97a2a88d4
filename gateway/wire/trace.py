"""Traces and what they say together, on the wire."""

from __future__ import annotations

import json

from ensemble.v1 import telemetry_service_pb2, trace_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.sanitise import Json
from gateway.core.trace import Stage, TextRecord, Trace
from gateway.state.trace_statistics import Measure, Telemetry
from gateway.state.traces import TraceCounts, TraceFilter
from gateway.wire.enums import STAGE_STATUS, STAGE_STATUS_FROM, SUBJECT
from gateway.wire.metrics import latency_to_wire
from gateway.wire.result import duration

MICROS = 1_000_000


def trace_to_wire(trace: Trace, *, with_stages: bool = True) -> trace_pb2.Trace:
    """Write a trace; `with_stages` is False in a list."""
    failure = trace.failure
    return trace_pb2.Trace(
        trace_version=trace.version,
        trace_id=trace.trace_id,
        request_id=trace.request_id,
        decision_id=trace.decision_id,
        session_id=trace.session_id,
        started_at=_timestamp(trace.at),
        elapsed=duration(trace.elapsed_s),
        status=STAGE_STATUS[trace.status],
        failure=None
        if failure is None
        else trace_pb2.TraceFailure(
            kind=failure.kind,
            origin=failure.origin,
            reason=failure.reason,
            message=failure.message,
        ),
        dry_run=trace.dry_run,
        stages=map(_stage, trace.stages) if with_stages else (),
        dropped_stages=trace.dropped_stages,
        prompt=_text(trace.prompt),
        answer=_text(trace.answer),
        endpoint=trace.endpoint,
        model=trace.model,
        decided_by=trace.decided_by,
        rule=trace.rule,
        confidence=trace.score,
        level=trace.level,
        parallel=trace.parallel,
        snapshot_version=trace.snapshot_version,
        threshold_version=trace.threshold_version,
        experience_version=trace.experience_version,
        changes=[
            trace_pb2.StateChange(name=one.name, before=one.before, after=one.after)
            for one in trace.changes
        ],
        matchers_longest=duration(trace.matchers_longest_s),
        matchers_total=duration(trace.matchers_total_s),
    )


def filter_from_wire(wire: telemetry_service_pb2.ListTracesRequest) -> TraceFilter:
    """Read which traces are wanted."""
    return TraceFilter(
        STAGE_STATUS_FROM.get(wire.status),
        wire.endpoint,
        wire.slower_than.ToMicroseconds() / MICROS if wire.HasField("slower_than") else 0.0,
    )


def telemetry_to_wire(
    found: Telemetry, counts: TraceCounts
) -> telemetry_service_pb2.GetTelemetryResponse:
    """Write what the kept traces say together."""
    return telemetry_service_pb2.GetTelemetryResponse(
        window=found.window,
        since=_timestamp(found.since) if found.requests else None,
        requests=found.requests,
        failed=found.failed,
        fallback_used=found.fallback_used,
        measures=map(_measure, found.measures),
        recorded=counts.recorded,
        evicted=counts.evicted,
        lost=counts.lost,
        running=counts.running,
        bytes=counts.bytes,
        cleared=counts.cleared,
    )


def _measure(one: Measure) -> telemetry_service_pb2.Measure:
    return telemetry_service_pb2.Measure(
        subject=SUBJECT[one.subject],
        name=one.name,
        calls=one.calls,
        errors=one.errors,
        error_rate=one.error_rate,
        latency=latency_to_wire(one.latency),
        mean_confidence=one.mean_confidence,
        hit_rate=one.hit_rate,
        retries=one.retries,
        prompt_tokens=one.prompt_tokens,
        completion_tokens=one.completion_tokens,
        cost_micros=one.cost_micros,
    )


def _stage(stage: Stage) -> trace_pb2.Stage:
    return trace_pb2.Stage(
        id=stage.id,
        parent=stage.parent,
        name=stage.name,
        status=STAGE_STATUS[stage.status],
        started=duration(stage.started_s),
        elapsed=duration(stage.elapsed_s),
        self_time=duration(stage.self_s),
        attributes={name: _words(item) for name, item in stage.attributes if _is_told(item)},
    )


def _is_told(item: Json) -> bool:
    """Leave out what says nothing; a zero or a no says something."""
    return item is not None and item not in ("", [], {})


def _words(item: Json) -> str:
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    # A text of a caller's in-process may hold what protobuf cannot.
    return text.encode("utf-8", "replace").decode()


def _text(record: TextRecord) -> trace_pb2.TextRecord:
    return trace_pb2.TextRecord(
        policy=record.policy,
        sha256=record.sha256,
        chars=record.chars,
        text=record.text.encode("utf-8", "replace").decode(),
    )


def _timestamp(unix_s: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(round(unix_s * MICROS))
    return stamp

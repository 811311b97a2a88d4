"""A trace for people: its stages as a tree, with their times, and why things went as they did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.cli.output import print_facts, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ensemble.v1 import trace_pb2 as pb
    from google.protobuf.duration_pb2 import Duration


def ms_of(span: Duration) -> str:
    """Write a span of time in milliseconds."""
    return f"{span.ToNanoseconds() / 1e6:.3f}"


def status_of(number: pb.StageStatus) -> str:
    """Write how something ended."""
    from ensemble.v1 import trace_pb2

    return trace_pb2.StageStatus.Name(number).removeprefix("STAGE_STATUS_").lower()


def print_trace(trace: pb.Trace) -> None:
    """Print a trace: what came of it, its stages, and what changed."""
    depths = _depths(trace)
    print_table(
        _title(trace),
        ("stage", "status", "from ms", "ms", "self ms", "why"),
        [
            (
                f"{'  ' * depths[stage.id]}{stage.name}",
                status_of(stage.status),
                ms_of(stage.started),
                ms_of(stage.elapsed),
                ms_of(stage.self_time),
                why(stage),
            )
            for stage in trace.stages
        ],
        folded={"why": 100},
    )
    print_facts(_facts(trace))


def why(stage: pb.Stage) -> str:
    """Say of a stage what matters about it."""
    told = stage.attributes
    kind = stage.name.partition("[")[0]
    if told.get("error"):
        return ": ".join(filter(None, (told["error"], told.get("message", ""))))
    match kind:
        case "route":
            words = f"{_joined(told.get('chain', '[]'))}; {told.get('why', '')}"
        case "match":
            words = _proposal(told)
        case "cascade":
            words = _proposal(told) + f", needs {told.get('threshold', '-')}"
        case "try":
            words = _try(told)
        case "attempt":
            words = told.get("endpoint", "")
        case "validate":
            words = _pairs(told.get("verdicts", "[]"))
        case "score":
            words = f"{told.get('confidence', '-')} by {told.get('method', '-')}"
        case _:
            words = ", ".join(f"{name} {told[name]}" for name in sorted(told))
    return words


def _title(trace: pb.Trace) -> str:
    ended = f"trace {trace.trace_id}: {status_of(trace.status)} in {ms_of(trace.elapsed)} ms"
    if trace.dry_run:
        return f"{ended}, without calling any endpoint"
    if trace.HasField("failure"):
        return f"{ended}\n{trace.failure.reason}: {trace.failure.message}"
    model = f" ({trace.model})" if trace.model else ""
    return f"{ended}\n{trace.endpoint}{model}, confidence {trace.confidence:.2f}"


def _depths(trace: pb.Trace) -> Mapping[int, int]:
    depths = {0: -1}
    for stage in trace.stages:
        depths[stage.id] = depths.get(stage.parent, -1) + 1
    return depths


def _facts(trace: pb.Trace) -> list[tuple[str, str]]:
    versions = (
        f"snapshot {trace.snapshot_version}, thresholds {trace.threshold_version}, "
        f"experience {trace.experience_version}"
    )
    facts = [
        ("request", trace.request_id),
        ("decision", trace.decision_id),
        ("decided by", f"{trace.decided_by} ({trace.rule})" if trace.rule else ""),
        ("versions", versions),
        ("prompt", _text(trace.prompt)),
        ("answer", _text(trace.answer)),
        ("dropped stages", str(trace.dropped_stages) if trace.dropped_stages else ""),
    ]
    changes = [(one.name, f"{one.before or '-'} -> {one.after or '-'}") for one in trace.changes]
    return [(name, words) for name, words in (*facts, *changes) if words]


def _text(record: pb.TextRecord) -> str:
    if not record.sha256:
        return ""
    digest = f"{record.chars} characters, sha256 {record.sha256[:12]}"
    return f"{digest}: {record.text!r}" if record.text else digest


def _proposal(told: Mapping[str, str]) -> str:
    words = told.get("outcome", "")
    if told.get("endpoint"):
        words = f"{words} {told['endpoint']} at {float(told.get('confidence', 0)):.2f}"
    return f"{words}: {told['why']}" if told.get("why") else words


def _try(told: Mapping[str, str]) -> str:
    words = f"{told.get('endpoint', '')} try {told.get('try_number', '1')}"
    if told.get("reason"):
        return f"{words}: {told['reason']}: {told.get('detail', '')}"
    tokens, cost = told.get("completion_tokens", "0"), told.get("cost_micros", "0")
    return f"{words}: {tokens} tokens, {cost} micros"


def _joined(listed: str) -> str:
    return " > ".join(json.loads(listed))


def _pairs(listed: str) -> str:
    return ", ".join(f"{name} {word}" for name, word in json.loads(listed))

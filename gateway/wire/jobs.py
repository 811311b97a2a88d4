"""Jobs, commands to them and what came of those, on the wire."""

from __future__ import annotations

from ensemble.v1 import job_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.control import (
    Command,
    ControlOutcome,
    ControlResult,
    Dial,
    Direction,
    Effect,
    JobKind,
    Method,
    Wanted,
)
from gateway.core.jobs import JobState, JobView
from gateway.ensemble.jobs.desk import JobFilter
from gateway.state.control_counts import ControlStatistics
from gateway.wire.enums import from_wire, to_wire
from gateway.wire.result import duration

KIND = to_wire(JobKind, pb.JobKind, "JOB_KIND")
KIND_FROM = from_wire(KIND)
STATE = to_wire(JobState, pb.JobState, "JOB_STATE")
STATE_FROM = from_wire(STATE)
COMMAND = to_wire(Command, pb.Command, "COMMAND")
COMMAND_FROM = from_wire(COMMAND)
DIRECTION = to_wire(Direction, pb.Direction, "DIRECTION")
DIRECTION_FROM = from_wire(DIRECTION)
DIAL = to_wire(Dial, pb.Dial, "DIAL")
DIAL_FROM = from_wire(DIAL)
OUTCOME = to_wire(ControlOutcome, pb.ControlOutcome, "CONTROL_OUTCOME")
METHOD = {
    Method.NONE: pb.RESOLUTION_METHOD_UNSPECIFIED,
    Method.EXPLICIT: pb.RESOLUTION_METHOD_EXPLICIT,
    Method.SINGLE: pb.RESOLUTION_METHOD_SINGLE,
    Method.PRIORITY: pb.RESOLUTION_METHOD_PRIORITY,
    Method.RECENCY: pb.RESOLUTION_METHOD_RECENCY,
    Method.EVERY: pb.RESOLUTION_METHOD_EVERY,
    Method.CONFIRMED: pb.RESOLUTION_METHOD_CONFIRMED,
}


def job_to_wire(job: JobView) -> pb.Job:
    """Write a job without the texts of its candidates."""
    progress = job.progress
    wire = pb.Job(
        id=job.id,
        session_id=job.session_id,
        kind=KIND[job.kind],
        labels=dict(job.labels),
        state=STATE[job.state],
        revision=job.revision,
        progress=pb.JobProgress(
            done=progress.done,
            total=progress.total,
            running=progress.running,
            step=progress.step,
            attempts=progress.attempts,
            cost_micros=progress.cost_micros,
        ),
        created_at=_at(job.created_at),
        active_at=_at(job.active_at),
        idle=duration(job.idle_s),
        lease=duration(job.lease_s),
        request_id=job.request_id,
        detached=job.detached,
        dials=pb.JobDials(
            temperature=job.dials.temperature,
            verbosity=job.dials.verbosity,
            candidates=job.dials.candidates,
        ),
        choices=len(job.candidates),
        selected=job.selected,
    )
    if job.failure is not None:
        wire.failure.reason = job.failure.reason
        wire.failure.message = job.failure.message
    return wire


def candidates_to_wire(job: JobView) -> list[pb.JobCandidate]:
    """Write the candidates that are kept of a job."""
    return [
        pb.JobCandidate(
            index=one.index, endpoint=one.endpoint, text=one.text, confidence=one.confidence
        )
        for one in job.candidates
    ]


def filter_from_wire(wire: pb.ListJobsRequest) -> JobFilter:
    """Read which jobs are asked for."""
    return JobFilter(
        wire.session_id,
        frozenset(KIND_FROM[number] for number in wire.kinds if number),
        frozenset(STATE_FROM[number] for number in wire.states if number),
        tuple(wire.labels.items()),
        wire.live,
    )


def wanted_from_wire(wire: pb.ControlRequest) -> Wanted:
    """Read a checked command that is not given in words."""
    kind = KIND_FROM.get(wire.kind)
    return Wanted(
        COMMAND_FROM[wire.command],
        DIRECTION_FROM.get(wire.direction),
        DIAL_FROM.get(wire.dial, Dial.TEMPERATURE),
        wire.job_id,
        () if kind is None else (kind,),
        wire.all,
        wire.pause_clock,
    )


def result_to_wire(result: ControlResult, text: str = "") -> pb.ControlResponse:
    """Write what came of a command; `text` is what it was given as."""
    found = result.resolution
    resolution = pb.ControlResolution(
        text=text, method=METHOD[found.method], confidence=found.confidence
    )
    if result.wanted is not None:
        resolution.command = COMMAND[result.wanted.command]
        if result.wanted.command is Command.VOLUME and result.wanted.direction is not None:
            resolution.direction = DIRECTION[result.wanted.direction]
            resolution.dial = DIAL[result.wanted.dial]
    if result.recognised is not None:
        resolution.recognised_by = result.recognised.method
        resolution.recognised_confidence = result.recognised.confidence
    return pb.ControlResponse(
        outcome=OUTCOME[result.outcome],
        affected=map(_effect, result.affected),
        skipped=map(_effect, result.skipped),
        reason=result.reason,
        resolution=resolution,
        token=result.token,
        choices=[
            pb.ControlChoice(job_id=one.job, kind=KIND[one.kind], jobs=one.jobs)
            for one in found.choices
        ],
    )


def statistics_to_wire(counts: ControlStatistics) -> pb.ControlStatistics:
    """Write what a tenant's commands came to."""
    return pb.ControlStatistics(
        total=counts.total,
        by_outcome=dict(counts.by_outcome),
        by_command=dict(counts.by_command),
        by_kind=dict(counts.by_kind),
        slow=counts.slow,
        mean_ms=counts.mean_ms,
        max_ms=counts.max_ms,
        confidences=counts.confidences,
        confirmed=[
            pb.ConfirmedControl(command=one.command, offered=one.offered, chosen=one.chosen)
            for one in counts.confirmed
        ],
    )


def _effect(effect: Effect) -> pb.ControlEffect:
    return pb.ControlEffect(
        job_id=effect.job,
        kind=KIND[effect.kind],
        state=STATE[JobState(effect.state)],
        reason=effect.words,
        selected=effect.selected,
    )


def _at(unix_s: float) -> Timestamp:
    seconds, part = divmod(round(unix_s * 1e9), 1_000_000_000)
    return Timestamp(seconds=seconds, nanos=part)

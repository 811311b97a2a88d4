"""How work ends that its caller steers, and commands that name what is not there."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.control import Command
from gateway.core.faults import Fault, Kind, Origin, Reason

GIVEN_UP: Mapping[Command, str] = {
    Command.NEXT: "given up for the next endpoint by a command (next)",
    Command.STOP: "ended with its job by a command (stop)",
    Command.CANCEL: "ended with its job by a command (cancel)",
}
"""What the record of an attempt says that a command ended."""


def stopped() -> Fault:
    """The caller wants what there is; where this is raised, there is nothing."""
    return Fault(
        Kind.CANCELLED,
        Origin.CALLER,
        Reason.JOB_STOPPED,
        "the job was stopped before there was any text; ask again for one",
    )


def cancelled() -> Fault:
    """The caller wants nothing of it any more."""
    return Fault(
        Kind.CANCELLED, Origin.CALLER, Reason.JOB_CANCELLED, "the job was cancelled by a command"
    )


def time_over() -> Fault:
    """The deadline, moved by the pauses, is over."""
    return Fault(
        Kind.DEADLINE,
        Origin.CALLER,
        Reason.DEADLINE_EXCEEDED,
        "the request's deadline was over, although it stood still while the job was paused",
    )


def left_for_next() -> Fault:
    """The caller wants the next endpoint: a reason to go on down the chain, and no endpoint's."""
    return Fault(
        Kind.UNAVAILABLE,
        Origin.US,
        Reason.NOT_NEEDED,
        f"the attempt was {GIVEN_UP[Command.NEXT]}",
    )


def unknown_job(job_id: str) -> Fault:
    """No job of that id is known to this tenant, or no longer."""
    return Fault(
        Kind.NOT_FOUND,
        Origin.CALLER,
        Reason.UNKNOWN_JOB,
        f"job_id: no job {job_id!r} is known; ListJobs names those that are",
    )


def unknown_question() -> Fault:
    """No question waits for that token."""
    return Fault(
        Kind.NOT_FOUND,
        Origin.CALLER,
        Reason.UNKNOWN_CONFIRMATION,
        "token: no question waits for it: it was answered, or too long ago; give the command again",
    )


def refused(words: str) -> Fault:
    """The job that is named cannot follow the command as it stands."""
    return Fault(Kind.INFEASIBLE, Origin.CALLER, Reason.COMMAND_REFUSED, words)


def too_many(what: str, setting: str) -> Fault:
    """There is no room for one more."""
    return Fault(
        Kind.EXHAUSTED,
        Origin.US,
        Reason.GATEWAY_OVERLOADED,
        f"as many {what} as {setting} allows; wait for one to end",
        retry_after_s=1.0,
    )

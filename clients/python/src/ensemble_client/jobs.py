"""Jobs and commands: the messages that both clients send about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict, cast

from ensemble.v1.job_service_pb2 import (
    Command,
    ConfirmControlRequest,
    ControlRequest,
    Dial,
    Direction,
    GetJobRequest,
    JobKind,
    JobState,
    ListJobsRequest,
    WatchJobRequest,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from ensemble_client.call import Call, CallOptions, CallSettings
from ensemble_client.errors import invalid
from ensemble_client.requests import message_of

KindName = Literal["interactive", "pipeline", "batch", "maintenance", "other"]
StateName = Literal[
    "running",
    "paused",
    "stopping",
    "cancelling",
    "succeeded",
    "stopped",
    "cancelled",
    "failed",
]
CommandName = Literal["stop", "cancel", "pause", "resume", "next", "previous", "volume"]
DirectionName = Literal["up", "down"]
DialName = Literal["temperature", "verbosity", "candidates"]

PAGE = 1000


class JobFilter(TypedDict, total=False):
    """Which jobs are listed; what is left out does not matter. `live`: only those that run."""

    session_id: str
    kinds: Iterable[KindName]
    states: Iterable[StateName]
    labels: Mapping[str, str]
    live: bool


class CommandFields(TypedDict, total=False):
    """A command that is not given in words, and what any command may say beside.

    `job_id` or `kind` name the target; `all` means every job that may be meant, not the newest.
    `direction` and `dial` are of `volume`. With `pause_clock` the deadline stands still in a pause.
    """

    command: CommandName
    job_id: str
    kind: KindName
    all: bool
    direction: DirectionName
    dial: DialName
    pause_clock: bool


class CommandOptions(CommandFields, CallOptions, total=False):
    """The keyword arguments of a method that gives a command."""


ENUMS: dict[str, tuple[EnumTypeWrapper, str]] = {
    "kind": (JobKind, "JOB_KIND_"),
    "kinds": (JobKind, "JOB_KIND_"),
    "states": (JobState, "JOB_STATE_"),
    "command": (Command, "COMMAND_"),
    "direction": (Direction, "DIRECTION_"),
    "dial": (Dial, "DIAL_"),
}
REPEATED = frozenset({"kinds", "states"})


def listing_of(wanted: JobFilter, page_token: str) -> ListJobsRequest:
    """Ask for one page of jobs; raises InvalidRequest, naming the field at fault."""
    fields = _plain(cast("Mapping[str, object]", wanted))
    return message_of(ListJobsRequest, "", {**fields, "page_size": PAGE, "page_token": page_token})


def job_of(job_id: str) -> GetJobRequest:
    """Ask for one job; raises InvalidRequest."""
    return message_of(GetJobRequest, "", {"job_id": job_id})


def watching_of(job_id: str) -> WatchJobRequest:
    """Ask to follow one job; raises InvalidRequest."""
    return message_of(WatchJobRequest, "", {"job_id": job_id})


def control_of(
    settings: CallSettings, text: str, session_id: str, options: CommandOptions
) -> tuple[ControlRequest, Call]:
    """Return the command to give and the call to give it with.

    Raises InvalidRequest, naming the field at fault, and TypeError for unknown ones.
    """
    call: CallOptions = {
        "timeout": options.pop("timeout", None),
        "metadata": options.pop("metadata", None),
    }
    unknown = options.keys() - CommandFields.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    plain = _plain(cast("Mapping[str, object]", options))
    fields = {"text": text, "session_id": session_id, **plain}
    return message_of(ControlRequest, "", fields), settings.call(**call)


def confirmation_of(token: str, choice: str) -> ConfirmControlRequest:
    """Answer a question; raises InvalidRequest."""
    return message_of(ConfirmControlRequest, "", {"token": token, "choice": choice})


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, value in fields.items():
        if name in REPEATED:
            words = cast("Iterable[object]", value)
            plain[name] = [_number(name, word) for word in words]
        else:
            plain[name] = _number(name, value) if name in ENUMS else value
    return plain


def _number(field: str, word: object) -> int:
    enum, prefix = ENUMS[field]
    names = [key.removeprefix(prefix).lower() for key in enum.keys()[1:]]
    if word not in names:
        raise invalid(field, f"must be one of {', '.join(names)}")
    return enum.Value(f"{prefix}{word}".upper())

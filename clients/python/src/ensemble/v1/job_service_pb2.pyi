import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_KIND_UNSPECIFIED: _ClassVar[JobKind]
    JOB_KIND_INTERACTIVE: _ClassVar[JobKind]
    JOB_KIND_PIPELINE: _ClassVar[JobKind]
    JOB_KIND_BATCH: _ClassVar[JobKind]
    JOB_KIND_MAINTENANCE: _ClassVar[JobKind]
    JOB_KIND_OTHER: _ClassVar[JobKind]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_PAUSED: _ClassVar[JobState]
    JOB_STATE_STOPPING: _ClassVar[JobState]
    JOB_STATE_CANCELLING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_STOPPED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]

class Command(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_UNSPECIFIED: _ClassVar[Command]
    COMMAND_STOP: _ClassVar[Command]
    COMMAND_CANCEL: _ClassVar[Command]
    COMMAND_PAUSE: _ClassVar[Command]
    COMMAND_RESUME: _ClassVar[Command]
    COMMAND_NEXT: _ClassVar[Command]
    COMMAND_PREVIOUS: _ClassVar[Command]
    COMMAND_VOLUME: _ClassVar[Command]

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_UP: _ClassVar[Direction]
    DIRECTION_DOWN: _ClassVar[Direction]

class Dial(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIAL_UNSPECIFIED: _ClassVar[Dial]
    DIAL_TEMPERATURE: _ClassVar[Dial]
    DIAL_VERBOSITY: _ClassVar[Dial]
    DIAL_CANDIDATES: _ClassVar[Dial]

class ControlOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTROL_OUTCOME_UNSPECIFIED: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_DONE: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_UNCHANGED: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_UNRECOGNIZED: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_NO_ACTIVE_JOBS: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_NO_CAPABLE_JOB: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_AMBIGUOUS_TARGET: _ClassVar[ControlOutcome]
    CONTROL_OUTCOME_CONFIRMATION_REQUIRED: _ClassVar[ControlOutcome]

class ResolutionMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLUTION_METHOD_UNSPECIFIED: _ClassVar[ResolutionMethod]
    RESOLUTION_METHOD_EXPLICIT: _ClassVar[ResolutionMethod]
    RESOLUTION_METHOD_SINGLE: _ClassVar[ResolutionMethod]
    RESOLUTION_METHOD_PRIORITY: _ClassVar[ResolutionMethod]
    RESOLUTION_METHOD_RECENCY: _ClassVar[ResolutionMethod]
    RESOLUTION_METHOD_EVERY: _ClassVar[ResolutionMethod]
    RESOLUTION_METHOD_CONFIRMED: _ClassVar[ResolutionMethod]
JOB_KIND_UNSPECIFIED: JobKind
JOB_KIND_INTERACTIVE: JobKind
JOB_KIND_PIPELINE: JobKind
JOB_KIND_BATCH: JobKind
JOB_KIND_MAINTENANCE: JobKind
JOB_KIND_OTHER: JobKind
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_PAUSED: JobState
JOB_STATE_STOPPING: JobState
JOB_STATE_CANCELLING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_STOPPED: JobState
JOB_STATE_CANCELLED: JobState
JOB_STATE_FAILED: JobState
COMMAND_UNSPECIFIED: Command
COMMAND_STOP: Command
COMMAND_CANCEL: Command
COMMAND_PAUSE: Command
COMMAND_RESUME: Command
COMMAND_NEXT: Command
COMMAND_PREVIOUS: Command
COMMAND_VOLUME: Command
DIRECTION_UNSPECIFIED: Direction
DIRECTION_UP: Direction
DIRECTION_DOWN: Direction
DIAL_UNSPECIFIED: Dial
DIAL_TEMPERATURE: Dial
DIAL_VERBOSITY: Dial
DIAL_CANDIDATES: Dial
CONTROL_OUTCOME_UNSPECIFIED: ControlOutcome
CONTROL_OUTCOME_DONE: ControlOutcome
CONTROL_OUTCOME_UNCHANGED: ControlOutcome
CONTROL_OUTCOME_UNRECOGNIZED: ControlOutcome
CONTROL_OUTCOME_NO_ACTIVE_JOBS: ControlOutcome
CONTROL_OUTCOME_NO_CAPABLE_JOB: ControlOutcome
CONTROL_OUTCOME_AMBIGUOUS_TARGET: ControlOutcome
CONTROL_OUTCOME_CONFIRMATION_REQUIRED: ControlOutcome
RESOLUTION_METHOD_UNSPECIFIED: ResolutionMethod
RESOLUTION_METHOD_EXPLICIT: ResolutionMethod
RESOLUTION_METHOD_SINGLE: ResolutionMethod
RESOLUTION_METHOD_PRIORITY: ResolutionMethod
RESOLUTION_METHOD_RECENCY: ResolutionMethod
RESOLUTION_METHOD_EVERY: ResolutionMethod
RESOLUTION_METHOD_CONFIRMED: ResolutionMethod

class JobProgress(_message.Message):
    __slots__ = ("done", "total", "running", "step", "attempts", "cost_micros")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    running: _containers.RepeatedScalarFieldContainer[str]
    step: str
    attempts: int
    cost_micros: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ..., running: _Optional[_Iterable[str]] = ..., step: _Optional[str] = ..., attempts: _Optional[int] = ..., cost_micros: _Optional[int] = ...) -> None: ...

class JobDials(_message.Message):
    __slots__ = ("temperature", "verbosity", "candidates")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    VERBOSITY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    temperature: int
    verbosity: int
    candidates: int
    def __init__(self, temperature: _Optional[int] = ..., verbosity: _Optional[int] = ..., candidates: _Optional[int] = ...) -> None: ...

class JobCandidate(_message.Message):
    __slots__ = ("index", "endpoint", "text", "confidence")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    index: int
    endpoint: str
    text: str
    confidence: float
    def __init__(self, index: _Optional[int] = ..., endpoint: _Optional[str] = ..., text: _Optional[str] = ..., confidence: _Optional[float] = ...) -> None: ...

class JobFailure(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "session_id", "kind", "labels", "state", "revision", "progress", "created_at", "active_at", "idle", "lease", "request_id", "detached", "dials", "choices", "selected", "failure")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    IDLE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DETACHED_FIELD_NUMBER: _ClassVar[int]
    DIALS_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    SELECTED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    session_id: str
    kind: JobKind
    labels: _containers.ScalarMap[str, str]
    state: JobState
    revision: int
    progress: JobProgress
    created_at: _timestamp_pb2.Timestamp
    active_at: _timestamp_pb2.Timestamp
    idle: _duration_pb2.Duration
    lease: _duration_pb2.Duration
    request_id: str
    detached: bool
    dials: JobDials
    choices: int
    selected: int
    failure: JobFailure
    def __init__(self, id: _Optional[str] = ..., session_id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., labels: _Optional[_Mapping[str, str]] = ..., state: _Optional[_Union[JobState, str]] = ..., revision: _Optional[int] = ..., progress: _Optional[_Union[JobProgress, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., active_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idle: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., detached: bool = ..., dials: _Optional[_Union[JobDials, _Mapping]] = ..., choices: _Optional[int] = ..., selected: _Optional[int] = ..., failure: _Optional[_Union[JobFailure, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("session_id", "kinds", "states", "labels", "live", "page_size", "page_token")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    kinds: _containers.RepeatedScalarFieldContainer[JobKind]
    states: _containers.RepeatedScalarFieldContainer[JobState]
    labels: _containers.ScalarMap[str, str]
    live: bool
    page_size: int
    page_token: str
    def __init__(self, session_id: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[JobKind, str]]] = ..., states: _Optional[_Iterable[_Union[JobState, str]]] = ..., labels: _Optional[_Mapping[str, str]] = ..., live: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token", "control")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    control: ControlStatistics
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., control: _Optional[_Union[ControlStatistics, _Mapping]] = ...) -> None: ...

class ControlStatistics(_message.Message):
    __slots__ = ("total", "by_outcome", "by_command", "by_kind", "slow", "mean_ms", "max_ms", "confidences", "confirmed")
    class ByOutcomeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ByCommandEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ByKindEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BY_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    BY_COMMAND_FIELD_NUMBER: _ClassVar[int]
    BY_KIND_FIELD_NUMBER: _ClassVar[int]
    SLOW_FIELD_NUMBER: _ClassVar[int]
    MEAN_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_MS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCES_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    total: int
    by_outcome: _containers.ScalarMap[str, int]
    by_command: _containers.ScalarMap[str, int]
    by_kind: _containers.ScalarMap[str, int]
    slow: int
    mean_ms: float
    max_ms: float
    confidences: _containers.RepeatedScalarFieldContainer[float]
    confirmed: _containers.RepeatedCompositeFieldContainer[ConfirmedControl]
    def __init__(self, total: _Optional[int] = ..., by_outcome: _Optional[_Mapping[str, int]] = ..., by_command: _Optional[_Mapping[str, int]] = ..., by_kind: _Optional[_Mapping[str, int]] = ..., slow: _Optional[int] = ..., mean_ms: _Optional[float] = ..., max_ms: _Optional[float] = ..., confidences: _Optional[_Iterable[float]] = ..., confirmed: _Optional[_Iterable[_Union[ConfirmedControl, _Mapping]]] = ...) -> None: ...

class ConfirmedControl(_message.Message):
    __slots__ = ("command", "offered", "chosen")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    OFFERED_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    command: str
    offered: _containers.RepeatedScalarFieldContainer[str]
    chosen: str
    def __init__(self, command: _Optional[str] = ..., offered: _Optional[_Iterable[str]] = ..., chosen: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job", "candidates")
    JOB_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    job: Job
    candidates: _containers.RepeatedCompositeFieldContainer[JobCandidate]
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[JobCandidate, _Mapping]]] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class ControlRequest(_message.Message):
    __slots__ = ("session_id", "text", "command", "job_id", "kind", "all", "direction", "dial", "pause_clock")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    DIAL_FIELD_NUMBER: _ClassVar[int]
    PAUSE_CLOCK_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    text: str
    command: Command
    job_id: str
    kind: JobKind
    all: bool
    direction: Direction
    dial: Dial
    pause_clock: bool
    def __init__(self, session_id: _Optional[str] = ..., text: _Optional[str] = ..., command: _Optional[_Union[Command, str]] = ..., job_id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., all: bool = ..., direction: _Optional[_Union[Direction, str]] = ..., dial: _Optional[_Union[Dial, str]] = ..., pause_clock: bool = ...) -> None: ...

class ControlChoice(_message.Message):
    __slots__ = ("job_id", "kind", "jobs")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    kind: JobKind
    jobs: int
    def __init__(self, job_id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., jobs: _Optional[int] = ...) -> None: ...

class ControlResolution(_message.Message):
    __slots__ = ("text", "command", "method", "confidence", "direction", "dial", "recognised_by", "recognised_confidence")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    DIAL_FIELD_NUMBER: _ClassVar[int]
    RECOGNISED_BY_FIELD_NUMBER: _ClassVar[int]
    RECOGNISED_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    text: str
    command: Command
    method: ResolutionMethod
    confidence: float
    direction: Direction
    dial: Dial
    recognised_by: str
    recognised_confidence: float
    def __init__(self, text: _Optional[str] = ..., command: _Optional[_Union[Command, str]] = ..., method: _Optional[_Union[ResolutionMethod, str]] = ..., confidence: _Optional[float] = ..., direction: _Optional[_Union[Direction, str]] = ..., dial: _Optional[_Union[Dial, str]] = ..., recognised_by: _Optional[str] = ..., recognised_confidence: _Optional[float] = ...) -> None: ...

class ControlEffect(_message.Message):
    __slots__ = ("job_id", "kind", "state", "reason", "selected")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SELECTED_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    kind: JobKind
    state: JobState
    reason: str
    selected: int
    def __init__(self, job_id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., state: _Optional[_Union[JobState, str]] = ..., reason: _Optional[str] = ..., selected: _Optional[int] = ...) -> None: ...

class ControlResponse(_message.Message):
    __slots__ = ("outcome", "affected", "skipped", "reason", "resolution", "token", "choices")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    outcome: ControlOutcome
    affected: _containers.RepeatedCompositeFieldContainer[ControlEffect]
    skipped: _containers.RepeatedCompositeFieldContainer[ControlEffect]
    reason: str
    resolution: ControlResolution
    token: str
    choices: _containers.RepeatedCompositeFieldContainer[ControlChoice]
    def __init__(self, outcome: _Optional[_Union[ControlOutcome, str]] = ..., affected: _Optional[_Iterable[_Union[ControlEffect, _Mapping]]] = ..., skipped: _Optional[_Iterable[_Union[ControlEffect, _Mapping]]] = ..., reason: _Optional[str] = ..., resolution: _Optional[_Union[ControlResolution, _Mapping]] = ..., token: _Optional[str] = ..., choices: _Optional[_Iterable[_Union[ControlChoice, _Mapping]]] = ...) -> None: ...

class ConfirmControlRequest(_message.Message):
    __slots__ = ("token", "choice")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    token: str
    choice: str
    def __init__(self, token: _Optional[str] = ..., choice: _Optional[str] = ...) -> None: ...

class ConfirmControlResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: ControlResponse
    def __init__(self, result: _Optional[_Union[ControlResponse, _Mapping]] = ...) -> None: ...

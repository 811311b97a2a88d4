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

class StageStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_STATUS_UNSPECIFIED: _ClassVar[StageStatus]
    STAGE_STATUS_OK: _ClassVar[StageStatus]
    STAGE_STATUS_FAILED: _ClassVar[StageStatus]
    STAGE_STATUS_CANCELLED: _ClassVar[StageStatus]
    STAGE_STATUS_SKIPPED: _ClassVar[StageStatus]
    STAGE_STATUS_UNFINISHED: _ClassVar[StageStatus]
STAGE_STATUS_UNSPECIFIED: StageStatus
STAGE_STATUS_OK: StageStatus
STAGE_STATUS_FAILED: StageStatus
STAGE_STATUS_CANCELLED: StageStatus
STAGE_STATUS_SKIPPED: StageStatus
STAGE_STATUS_UNFINISHED: StageStatus

class Stage(_message.Message):
    __slots__ = ("id", "parent", "name", "status", "started", "elapsed", "self_time", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    SELF_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    parent: int
    name: str
    status: StageStatus
    started: _duration_pb2.Duration
    elapsed: _duration_pb2.Duration
    self_time: _duration_pb2.Duration
    attributes: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[int] = ..., parent: _Optional[int] = ..., name: _Optional[str] = ..., status: _Optional[_Union[StageStatus, str]] = ..., started: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., self_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...

class TextRecord(_message.Message):
    __slots__ = ("policy", "sha256", "chars", "text")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CHARS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    policy: str
    sha256: str
    chars: int
    text: str
    def __init__(self, policy: _Optional[str] = ..., sha256: _Optional[str] = ..., chars: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class StateChange(_message.Message):
    __slots__ = ("name", "before", "after")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    name: str
    before: str
    after: str
    def __init__(self, name: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class TraceFailure(_message.Message):
    __slots__ = ("kind", "origin", "reason", "message")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    origin: str
    reason: str
    message: str
    def __init__(self, kind: _Optional[str] = ..., origin: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Trace(_message.Message):
    __slots__ = ("trace_version", "trace_id", "request_id", "decision_id", "session_id", "started_at", "elapsed", "status", "failure", "dry_run", "stages", "dropped_stages", "prompt", "answer", "endpoint", "model", "decided_by", "rule", "confidence", "level", "parallel", "snapshot_version", "threshold_version", "experience_version", "changes", "matchers_longest", "matchers_total")
    TRACE_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_STAGES_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPERIENCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    MATCHERS_LONGEST_FIELD_NUMBER: _ClassVar[int]
    MATCHERS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    trace_version: int
    trace_id: str
    request_id: str
    decision_id: str
    session_id: str
    started_at: _timestamp_pb2.Timestamp
    elapsed: _duration_pb2.Duration
    status: StageStatus
    failure: TraceFailure
    dry_run: bool
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    dropped_stages: int
    prompt: TextRecord
    answer: TextRecord
    endpoint: str
    model: str
    decided_by: str
    rule: str
    confidence: float
    level: str
    parallel: bool
    snapshot_version: int
    threshold_version: int
    experience_version: int
    changes: _containers.RepeatedCompositeFieldContainer[StateChange]
    matchers_longest: _duration_pb2.Duration
    matchers_total: _duration_pb2.Duration
    def __init__(self, trace_version: _Optional[int] = ..., trace_id: _Optional[str] = ..., request_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., session_id: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., status: _Optional[_Union[StageStatus, str]] = ..., failure: _Optional[_Union[TraceFailure, _Mapping]] = ..., dry_run: bool = ..., stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., dropped_stages: _Optional[int] = ..., prompt: _Optional[_Union[TextRecord, _Mapping]] = ..., answer: _Optional[_Union[TextRecord, _Mapping]] = ..., endpoint: _Optional[str] = ..., model: _Optional[str] = ..., decided_by: _Optional[str] = ..., rule: _Optional[str] = ..., confidence: _Optional[float] = ..., level: _Optional[str] = ..., parallel: bool = ..., snapshot_version: _Optional[int] = ..., threshold_version: _Optional[int] = ..., experience_version: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[StateChange, _Mapping]]] = ..., matchers_longest: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., matchers_total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

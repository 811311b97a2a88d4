import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]
    FINISH_REASON_CONTENT_FILTER: _ClassVar[FinishReason]

class VerdictStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_STATUS_UNSPECIFIED: _ClassVar[VerdictStatus]
    VERDICT_STATUS_PASSED: _ClassVar[VerdictStatus]
    VERDICT_STATUS_FAILED: _ClassVar[VerdictStatus]
    VERDICT_STATUS_UNCHECKED: _ClassVar[VerdictStatus]

class AttemptStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_STATUS_UNSPECIFIED: _ClassVar[AttemptStatus]
    ATTEMPT_STATUS_OK: _ClassVar[AttemptStatus]
    ATTEMPT_STATUS_REJECTED: _ClassVar[AttemptStatus]
    ATTEMPT_STATUS_FAILED: _ClassVar[AttemptStatus]
    ATTEMPT_STATUS_TIMEOUT: _ClassVar[AttemptStatus]
    ATTEMPT_STATUS_CANCELLED: _ClassVar[AttemptStatus]
    ATTEMPT_STATUS_SKIPPED: _ClassVar[AttemptStatus]
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_LENGTH: FinishReason
FINISH_REASON_CONTENT_FILTER: FinishReason
VERDICT_STATUS_UNSPECIFIED: VerdictStatus
VERDICT_STATUS_PASSED: VerdictStatus
VERDICT_STATUS_FAILED: VerdictStatus
VERDICT_STATUS_UNCHECKED: VerdictStatus
ATTEMPT_STATUS_UNSPECIFIED: AttemptStatus
ATTEMPT_STATUS_OK: AttemptStatus
ATTEMPT_STATUS_REJECTED: AttemptStatus
ATTEMPT_STATUS_FAILED: AttemptStatus
ATTEMPT_STATUS_TIMEOUT: AttemptStatus
ATTEMPT_STATUS_CANCELLED: AttemptStatus
ATTEMPT_STATUS_SKIPPED: AttemptStatus

class Verdict(_message.Message):
    __slots__ = ("constraint", "status", "reason", "required")
    CONSTRAINT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    constraint: str
    status: VerdictStatus
    reason: str
    required: bool
    def __init__(self, constraint: _Optional[str] = ..., status: _Optional[_Union[VerdictStatus, str]] = ..., reason: _Optional[str] = ..., required: bool = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("prompt_tokens", "completion_tokens")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: int
    completion_tokens: int
    def __init__(self, prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("endpoint", "try_number", "status", "reason", "detail", "elapsed", "usage", "cost_micros", "candidate", "part")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TRY_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    try_number: int
    status: AttemptStatus
    reason: str
    detail: str
    elapsed: _duration_pb2.Duration
    usage: Usage
    cost_micros: int
    candidate: int
    part: str
    def __init__(self, endpoint: _Optional[str] = ..., try_number: _Optional[int] = ..., status: _Optional[_Union[AttemptStatus, str]] = ..., reason: _Optional[str] = ..., detail: _Optional[str] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_micros: _Optional[int] = ..., candidate: _Optional[int] = ..., part: _Optional[str] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("index", "endpoint", "model", "text", "finish_reason", "confidence", "verdicts", "seed", "temperature", "mean_logprob", "usage", "elapsed", "check_time", "cases_run", "cases_passed", "cluster", "utility")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    MEAN_LOGPROB_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    CHECK_TIME_FIELD_NUMBER: _ClassVar[int]
    CASES_RUN_FIELD_NUMBER: _ClassVar[int]
    CASES_PASSED_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    index: int
    endpoint: str
    model: str
    text: str
    finish_reason: FinishReason
    confidence: float
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    seed: int
    temperature: float
    mean_logprob: float
    usage: Usage
    elapsed: _duration_pb2.Duration
    check_time: _duration_pb2.Duration
    cases_run: int
    cases_passed: int
    cluster: int
    utility: float
    def __init__(self, index: _Optional[int] = ..., endpoint: _Optional[str] = ..., model: _Optional[str] = ..., text: _Optional[str] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ..., confidence: _Optional[float] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., seed: _Optional[int] = ..., temperature: _Optional[float] = ..., mean_logprob: _Optional[float] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., check_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cases_run: _Optional[int] = ..., cases_passed: _Optional[int] = ..., cluster: _Optional[int] = ..., utility: _Optional[float] = ...) -> None: ...

import datetime

from ensemble.v1 import decision_pb2 as _decision_pb2
from ensemble.v1 import hole_pb2 as _hole_pb2
from ensemble.v1 import result_pb2 as _result_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Strategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRATEGY_UNSPECIFIED: _ClassVar[Strategy]
    STRATEGY_SEQUENTIAL: _ClassVar[Strategy]
    STRATEGY_BEST_OF_N: _ClassVar[Strategy]
    STRATEGY_PIPELINE: _ClassVar[Strategy]

class CachePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CACHE_POLICY_UNSPECIFIED: _ClassVar[CachePolicy]
    CACHE_POLICY_DEFAULT: _ClassVar[CachePolicy]
    CACHE_POLICY_BYPASS: _ClassVar[CachePolicy]
    CACHE_POLICY_ALLOW_SAMPLED: _ClassVar[CachePolicy]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_INTERACTIVE: _ClassVar[Priority]
    PRIORITY_STANDARD: _ClassVar[Priority]
    PRIORITY_BATCH: _ClassVar[Priority]
STRATEGY_UNSPECIFIED: Strategy
STRATEGY_SEQUENTIAL: Strategy
STRATEGY_BEST_OF_N: Strategy
STRATEGY_PIPELINE: Strategy
CACHE_POLICY_UNSPECIFIED: CachePolicy
CACHE_POLICY_DEFAULT: CachePolicy
CACHE_POLICY_BYPASS: CachePolicy
CACHE_POLICY_ALLOW_SAMPLED: CachePolicy
PRIORITY_UNSPECIFIED: Priority
PRIORITY_INTERACTIVE: Priority
PRIORITY_STANDARD: Priority
PRIORITY_BATCH: Priority

class Budget(_message.Message):
    __slots__ = ("max_cost_micros", "max_attempts", "max_tokens", "max_wall_time")
    MAX_COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    max_cost_micros: int
    max_attempts: int
    max_tokens: int
    max_wall_time: _duration_pb2.Duration
    def __init__(self, max_cost_micros: _Optional[int] = ..., max_attempts: _Optional[int] = ..., max_tokens: _Optional[int] = ..., max_wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("prompt", "suffix", "hole", "constraints", "sampling", "strategy", "n", "routing_mode", "objective", "budget", "cache_policy", "endpoint_filter", "session_id", "labels", "request_id", "trace", "return_candidates", "priority")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    SUFFIX_FIELD_NUMBER: _ClassVar[int]
    HOLE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    ROUTING_MODE_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    CACHE_POLICY_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FILTER_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    RETURN_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    suffix: str
    hole: _hole_pb2.HoleSpec
    constraints: _containers.RepeatedCompositeFieldContainer[_hole_pb2.Constraint]
    sampling: _hole_pb2.Sampling
    strategy: Strategy
    n: int
    routing_mode: _decision_pb2.RoutingMode
    objective: _decision_pb2.Objective
    budget: Budget
    cache_policy: CachePolicy
    endpoint_filter: _decision_pb2.EndpointFilter
    session_id: str
    labels: _containers.ScalarMap[str, str]
    request_id: str
    trace: bool
    return_candidates: bool
    priority: Priority
    def __init__(self, prompt: _Optional[str] = ..., suffix: _Optional[str] = ..., hole: _Optional[_Union[_hole_pb2.HoleSpec, _Mapping]] = ..., constraints: _Optional[_Iterable[_Union[_hole_pb2.Constraint, _Mapping]]] = ..., sampling: _Optional[_Union[_hole_pb2.Sampling, _Mapping]] = ..., strategy: _Optional[_Union[Strategy, str]] = ..., n: _Optional[int] = ..., routing_mode: _Optional[_Union[_decision_pb2.RoutingMode, str]] = ..., objective: _Optional[_Union[_decision_pb2.Objective, str]] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., cache_policy: _Optional[_Union[CachePolicy, str]] = ..., endpoint_filter: _Optional[_Union[_decision_pb2.EndpointFilter, _Mapping]] = ..., session_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., trace: bool = ..., return_candidates: bool = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("text", "finish_reason", "endpoint", "model", "usage", "cost_micros", "confidence", "confidence_method", "verdicts", "candidates", "decision", "attempts", "request_id", "trace_id", "hole_id", "elapsed", "cached", "cache_age", "job_id")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_METHOD_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    HOLE_ID_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    CACHE_AGE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    text: str
    finish_reason: _result_pb2.FinishReason
    endpoint: str
    model: str
    usage: _result_pb2.Usage
    cost_micros: int
    confidence: float
    confidence_method: str
    verdicts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Verdict]
    candidates: _containers.RepeatedCompositeFieldContainer[_result_pb2.Candidate]
    decision: _decision_pb2.RoutingDecision
    attempts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Attempt]
    request_id: str
    trace_id: str
    hole_id: int
    elapsed: _duration_pb2.Duration
    cached: bool
    cache_age: _duration_pb2.Duration
    job_id: str
    def __init__(self, text: _Optional[str] = ..., finish_reason: _Optional[_Union[_result_pb2.FinishReason, str]] = ..., endpoint: _Optional[str] = ..., model: _Optional[str] = ..., usage: _Optional[_Union[_result_pb2.Usage, _Mapping]] = ..., cost_micros: _Optional[int] = ..., confidence: _Optional[float] = ..., confidence_method: _Optional[str] = ..., verdicts: _Optional[_Iterable[_Union[_result_pb2.Verdict, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[_result_pb2.Candidate, _Mapping]]] = ..., decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., attempts: _Optional[_Iterable[_Union[_result_pb2.Attempt, _Mapping]]] = ..., request_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., hole_id: _Optional[int] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cached: bool = ..., cache_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., job_id: _Optional[str] = ...) -> None: ...

class GenerateStreamRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: GenerateRequest
    def __init__(self, request: _Optional[_Union[GenerateRequest, _Mapping]] = ...) -> None: ...

class StreamStarted(_message.Message):
    __slots__ = ("decision", "request_id")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.RoutingDecision
    request_id: str
    def __init__(self, decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StreamDelta(_message.Message):
    __slots__ = ("text", "candidate", "endpoint")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    text: str
    candidate: int
    endpoint: str
    def __init__(self, text: _Optional[str] = ..., candidate: _Optional[int] = ..., endpoint: _Optional[str] = ...) -> None: ...

class StreamAttemptFailed(_message.Message):
    __slots__ = ("attempt",)
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    attempt: _result_pb2.Attempt
    def __init__(self, attempt: _Optional[_Union[_result_pb2.Attempt, _Mapping]] = ...) -> None: ...

class StreamFailover(_message.Message):
    __slots__ = ("from_endpoint", "to_endpoint", "resumed_at")
    FROM_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TO_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    RESUMED_AT_FIELD_NUMBER: _ClassVar[int]
    from_endpoint: str
    to_endpoint: str
    resumed_at: int
    def __init__(self, from_endpoint: _Optional[str] = ..., to_endpoint: _Optional[str] = ..., resumed_at: _Optional[int] = ...) -> None: ...

class GenerateStreamResponse(_message.Message):
    __slots__ = ("sequence", "started", "delta", "attempt_failed", "failover", "verdict", "done")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FAILED_FIELD_NUMBER: _ClassVar[int]
    FAILOVER_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    started: StreamStarted
    delta: StreamDelta
    attempt_failed: StreamAttemptFailed
    failover: StreamFailover
    verdict: _result_pb2.Verdict
    done: GenerateResponse
    def __init__(self, sequence: _Optional[int] = ..., started: _Optional[_Union[StreamStarted, _Mapping]] = ..., delta: _Optional[_Union[StreamDelta, _Mapping]] = ..., attempt_failed: _Optional[_Union[StreamAttemptFailed, _Mapping]] = ..., failover: _Optional[_Union[StreamFailover, _Mapping]] = ..., verdict: _Optional[_Union[_result_pb2.Verdict, _Mapping]] = ..., done: _Optional[_Union[GenerateResponse, _Mapping]] = ...) -> None: ...

class BatchGenerateRequest(_message.Message):
    __slots__ = ("index", "request")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    index: int
    request: GenerateRequest
    def __init__(self, index: _Optional[int] = ..., request: _Optional[_Union[GenerateRequest, _Mapping]] = ...) -> None: ...

class BatchGenerateResponse(_message.Message):
    __slots__ = ("index", "response", "failure")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    index: int
    response: GenerateResponse
    failure: BatchFailure
    def __init__(self, index: _Optional[int] = ..., response: _Optional[_Union[GenerateResponse, _Mapping]] = ..., failure: _Optional[_Union[BatchFailure, _Mapping]] = ...) -> None: ...

class BatchFailure(_message.Message):
    __slots__ = ("code", "message", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    detail: FailureDetail
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., detail: _Optional[_Union[FailureDetail, _Mapping]] = ...) -> None: ...

class FailureDetail(_message.Message):
    __slots__ = ("reason", "attempts", "best_candidate", "decision", "streamed_chars", "violations", "retry_after", "request_id")
    REASON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    BEST_CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    STREAMED_CHARS_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    reason: str
    attempts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Attempt]
    best_candidate: _result_pb2.Candidate
    decision: _decision_pb2.RoutingDecision
    streamed_chars: int
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_after: _duration_pb2.Duration
    request_id: str
    def __init__(self, reason: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[_result_pb2.Attempt, _Mapping]]] = ..., best_candidate: _Optional[_Union[_result_pb2.Candidate, _Mapping]] = ..., decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., streamed_chars: _Optional[int] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class RouteRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: GenerateRequest
    def __init__(self, request: _Optional[_Union[GenerateRequest, _Mapping]] = ...) -> None: ...

class RouteResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.RoutingDecision
    def __init__(self, decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ...) -> None: ...

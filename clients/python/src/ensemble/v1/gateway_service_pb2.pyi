import datetime

from ensemble.v1 import decision_pb2 as _decision_pb2
from ensemble.v1 import hole_pb2 as _hole_pb2
from ensemble.v1 import result_pb2 as _result_pb2
from ensemble.v1 import trace_pb2 as _trace_pb2
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
    CACHE_POLICY_REFRESH: _ClassVar[CachePolicy]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_INTERACTIVE: _ClassVar[Priority]
    PRIORITY_STANDARD: _ClassVar[Priority]
    PRIORITY_BATCH: _ClassVar[Priority]

class FailureStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_STRATEGY_UNSPECIFIED: _ClassVar[FailureStrategy]
    FAILURE_STRATEGY_RETRY_ALTERNATE: _ClassVar[FailureStrategy]
    FAILURE_STRATEGY_DECOMPOSE: _ClassVar[FailureStrategy]
    FAILURE_STRATEGY_HUMAN_REVIEW: _ClassVar[FailureStrategy]
    FAILURE_STRATEGY_SKIP: _ClassVar[FailureStrategy]

class HoleStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLE_STATUS_UNSPECIFIED: _ClassVar[HoleStatus]
    HOLE_STATUS_PENDING: _ClassVar[HoleStatus]
    HOLE_STATUS_IN_PROGRESS: _ClassVar[HoleStatus]
    HOLE_STATUS_FILLED: _ClassVar[HoleStatus]
    HOLE_STATUS_FAILED: _ClassVar[HoleStatus]
    HOLE_STATUS_SKIPPED: _ClassVar[HoleStatus]
    HOLE_STATUS_NEEDS_HUMAN: _ClassVar[HoleStatus]
    HOLE_STATUS_PENDING_CHILDREN: _ClassVar[HoleStatus]
    HOLE_STATUS_BLOCKED: _ClassVar[HoleStatus]

class StepKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_KIND_UNSPECIFIED: _ClassVar[StepKind]
    STEP_KIND_DRAFT: _ClassVar[StepKind]
    STEP_KIND_CRITIQUE: _ClassVar[StepKind]
    STEP_KIND_REPAIR: _ClassVar[StepKind]
    STEP_KIND_VALIDATE: _ClassVar[StepKind]
    STEP_KIND_SELECT: _ClassVar[StepKind]

class StepStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATUS_UNSPECIFIED: _ClassVar[StepStatus]
    STEP_STATUS_OK: _ClassVar[StepStatus]
    STEP_STATUS_FAILED: _ClassVar[StepStatus]
    STEP_STATUS_SKIPPED: _ClassVar[StepStatus]
    STEP_STATUS_FELL_BACK: _ClassVar[StepStatus]
    STEP_STATUS_NOT_NEEDED: _ClassVar[StepStatus]
STRATEGY_UNSPECIFIED: Strategy
STRATEGY_SEQUENTIAL: Strategy
STRATEGY_BEST_OF_N: Strategy
STRATEGY_PIPELINE: Strategy
CACHE_POLICY_UNSPECIFIED: CachePolicy
CACHE_POLICY_DEFAULT: CachePolicy
CACHE_POLICY_BYPASS: CachePolicy
CACHE_POLICY_ALLOW_SAMPLED: CachePolicy
CACHE_POLICY_REFRESH: CachePolicy
PRIORITY_UNSPECIFIED: Priority
PRIORITY_INTERACTIVE: Priority
PRIORITY_STANDARD: Priority
PRIORITY_BATCH: Priority
FAILURE_STRATEGY_UNSPECIFIED: FailureStrategy
FAILURE_STRATEGY_RETRY_ALTERNATE: FailureStrategy
FAILURE_STRATEGY_DECOMPOSE: FailureStrategy
FAILURE_STRATEGY_HUMAN_REVIEW: FailureStrategy
FAILURE_STRATEGY_SKIP: FailureStrategy
HOLE_STATUS_UNSPECIFIED: HoleStatus
HOLE_STATUS_PENDING: HoleStatus
HOLE_STATUS_IN_PROGRESS: HoleStatus
HOLE_STATUS_FILLED: HoleStatus
HOLE_STATUS_FAILED: HoleStatus
HOLE_STATUS_SKIPPED: HoleStatus
HOLE_STATUS_NEEDS_HUMAN: HoleStatus
HOLE_STATUS_PENDING_CHILDREN: HoleStatus
HOLE_STATUS_BLOCKED: HoleStatus
STEP_KIND_UNSPECIFIED: StepKind
STEP_KIND_DRAFT: StepKind
STEP_KIND_CRITIQUE: StepKind
STEP_KIND_REPAIR: StepKind
STEP_KIND_VALIDATE: StepKind
STEP_KIND_SELECT: StepKind
STEP_STATUS_UNSPECIFIED: StepStatus
STEP_STATUS_OK: StepStatus
STEP_STATUS_FAILED: StepStatus
STEP_STATUS_SKIPPED: StepStatus
STEP_STATUS_FELL_BACK: StepStatus
STEP_STATUS_NOT_NEEDED: StepStatus

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
    __slots__ = ("prompt", "suffix", "hole", "constraints", "sampling", "strategy", "n", "routing_mode", "objective", "budget", "cache_policy", "endpoint_filter", "session_id", "labels", "request_id", "trace", "return_candidates", "priority", "repair", "pipeline", "detached")
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
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    DETACHED_FIELD_NUMBER: _ClassVar[int]
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
    repair: bool
    pipeline: str
    detached: bool
    def __init__(self, prompt: _Optional[str] = ..., suffix: _Optional[str] = ..., hole: _Optional[_Union[_hole_pb2.HoleSpec, _Mapping]] = ..., constraints: _Optional[_Iterable[_Union[_hole_pb2.Constraint, _Mapping]]] = ..., sampling: _Optional[_Union[_hole_pb2.Sampling, _Mapping]] = ..., strategy: _Optional[_Union[Strategy, str]] = ..., n: _Optional[int] = ..., routing_mode: _Optional[_Union[_decision_pb2.RoutingMode, str]] = ..., objective: _Optional[_Union[_decision_pb2.Objective, str]] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., cache_policy: _Optional[_Union[CachePolicy, str]] = ..., endpoint_filter: _Optional[_Union[_decision_pb2.EndpointFilter, _Mapping]] = ..., session_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., trace: bool = ..., return_candidates: bool = ..., priority: _Optional[_Union[Priority, str]] = ..., repair: bool = ..., pipeline: _Optional[str] = ..., detached: bool = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("text", "finish_reason", "endpoint", "model", "usage", "cost_micros", "confidence", "confidence_method", "verdicts", "candidates", "decision", "attempts", "request_id", "trace_id", "hole_id", "elapsed", "cached", "cache_age", "job_id", "decision_id", "partial")
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
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
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
    decision_id: str
    partial: bool
    def __init__(self, text: _Optional[str] = ..., finish_reason: _Optional[_Union[_result_pb2.FinishReason, str]] = ..., endpoint: _Optional[str] = ..., model: _Optional[str] = ..., usage: _Optional[_Union[_result_pb2.Usage, _Mapping]] = ..., cost_micros: _Optional[int] = ..., confidence: _Optional[float] = ..., confidence_method: _Optional[str] = ..., verdicts: _Optional[_Iterable[_Union[_result_pb2.Verdict, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[_result_pb2.Candidate, _Mapping]]] = ..., decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., attempts: _Optional[_Iterable[_Union[_result_pb2.Attempt, _Mapping]]] = ..., request_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., hole_id: _Optional[int] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cached: bool = ..., cache_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., job_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., partial: bool = ...) -> None: ...

class GenerateStreamRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: GenerateRequest
    def __init__(self, request: _Optional[_Union[GenerateRequest, _Mapping]] = ...) -> None: ...

class StreamStarted(_message.Message):
    __slots__ = ("decision", "request_id", "decision_id")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.RoutingDecision
    request_id: str
    decision_id: str
    def __init__(self, decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., request_id: _Optional[str] = ..., decision_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("reason", "attempts", "best_candidate", "decision", "streamed_chars", "violations", "retry_after", "request_id", "decision_id", "clarification", "trace_id")
    REASON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    BEST_CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    STREAMED_CHARS_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    CLARIFICATION_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    reason: str
    attempts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Attempt]
    best_candidate: _result_pb2.Candidate
    decision: _decision_pb2.RoutingDecision
    streamed_chars: int
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_after: _duration_pb2.Duration
    request_id: str
    decision_id: str
    clarification: _decision_pb2.Clarification
    trace_id: str
    def __init__(self, reason: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[_result_pb2.Attempt, _Mapping]]] = ..., best_candidate: _Optional[_Union[_result_pb2.Candidate, _Mapping]] = ..., decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., streamed_chars: _Optional[int] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., clarification: _Optional[_Union[_decision_pb2.Clarification, _Mapping]] = ..., trace_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("decision", "decision_id", "clarification")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    CLARIFICATION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.RoutingDecision
    decision_id: str
    clarification: _decision_pb2.Clarification
    def __init__(self, decision: _Optional[_Union[_decision_pb2.RoutingDecision, _Mapping]] = ..., decision_id: _Optional[str] = ..., clarification: _Optional[_Union[_decision_pb2.Clarification, _Mapping]] = ...) -> None: ...

class RefineHole(_message.Message):
    __slots__ = ("id", "marker", "hole", "constraints", "depends_on", "on_failure")
    ID_FIELD_NUMBER: _ClassVar[int]
    MARKER_FIELD_NUMBER: _ClassVar[int]
    HOLE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    marker: str
    hole: _hole_pb2.HoleSpec
    constraints: _containers.RepeatedCompositeFieldContainer[_hole_pb2.Constraint]
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    on_failure: FailureStrategy
    def __init__(self, id: _Optional[str] = ..., marker: _Optional[str] = ..., hole: _Optional[_Union[_hole_pb2.HoleSpec, _Mapping]] = ..., constraints: _Optional[_Iterable[_Union[_hole_pb2.Constraint, _Mapping]]] = ..., depends_on: _Optional[_Iterable[str]] = ..., on_failure: _Optional[_Union[FailureStrategy, str]] = ...) -> None: ...

class RefineOptions(_message.Message):
    __slots__ = ("max_iterations", "min_confidence", "parallel", "temperatures", "on_failure")
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURES_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    max_iterations: int
    min_confidence: float
    parallel: bool
    temperatures: _containers.RepeatedScalarFieldContainer[float]
    on_failure: FailureStrategy
    def __init__(self, max_iterations: _Optional[int] = ..., min_confidence: _Optional[float] = ..., parallel: bool = ..., temperatures: _Optional[_Iterable[float]] = ..., on_failure: _Optional[_Union[FailureStrategy, str]] = ...) -> None: ...

class RefineRequest(_message.Message):
    __slots__ = ("request", "holes", "options")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    HOLES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    request: GenerateRequest
    holes: _containers.RepeatedCompositeFieldContainer[RefineHole]
    options: RefineOptions
    def __init__(self, request: _Optional[_Union[GenerateRequest, _Mapping]] = ..., holes: _Optional[_Iterable[_Union[RefineHole, _Mapping]]] = ..., options: _Optional[_Union[RefineOptions, _Mapping]] = ...) -> None: ...

class RefineStarted(_message.Message):
    __slots__ = ("waves", "request_id")
    WAVES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    waves: _containers.RepeatedCompositeFieldContainer[RefineWave]
    request_id: str
    def __init__(self, waves: _Optional[_Iterable[_Union[RefineWave, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RefineWave(_message.Message):
    __slots__ = ("holes",)
    HOLES_FIELD_NUMBER: _ClassVar[int]
    holes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, holes: _Optional[_Iterable[str]] = ...) -> None: ...

class HoleProgress(_message.Message):
    __slots__ = ("hole", "filled", "total", "iteration")
    HOLE_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    hole: RefinedHole
    filled: int
    total: int
    iteration: int
    def __init__(self, hole: _Optional[_Union[RefinedHole, _Mapping]] = ..., filled: _Optional[int] = ..., total: _Optional[int] = ..., iteration: _Optional[int] = ...) -> None: ...

class RefinedHole(_message.Message):
    __slots__ = ("id", "status", "fill", "confidence", "confidence_method", "endpoint", "model", "tries", "temperature", "verdicts", "reason", "parent", "children")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_METHOD_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: HoleStatus
    fill: str
    confidence: float
    confidence_method: str
    endpoint: str
    model: str
    tries: int
    temperature: float
    verdicts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Verdict]
    reason: str
    parent: str
    children: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., status: _Optional[_Union[HoleStatus, str]] = ..., fill: _Optional[str] = ..., confidence: _Optional[float] = ..., confidence_method: _Optional[str] = ..., endpoint: _Optional[str] = ..., model: _Optional[str] = ..., tries: _Optional[int] = ..., temperature: _Optional[float] = ..., verdicts: _Optional[_Iterable[_Union[_result_pb2.Verdict, _Mapping]]] = ..., reason: _Optional[str] = ..., parent: _Optional[str] = ..., children: _Optional[_Iterable[str]] = ...) -> None: ...

class RefineResult(_message.Message):
    __slots__ = ("text", "holes", "complete", "needs_review", "iterations", "verdicts", "filled", "failed", "skipped", "blocked", "mean_confidence", "model_usage", "usage", "cost_micros", "attempts", "elapsed", "request_id", "trace_id")
    class ModelUsageEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HOLES_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    NEEDS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    MEAN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_USAGE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    text: str
    holes: _containers.RepeatedCompositeFieldContainer[RefinedHole]
    complete: bool
    needs_review: _containers.RepeatedScalarFieldContainer[str]
    iterations: int
    verdicts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Verdict]
    filled: int
    failed: int
    skipped: int
    blocked: int
    mean_confidence: float
    model_usage: _containers.ScalarMap[str, int]
    usage: _result_pb2.Usage
    cost_micros: int
    attempts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Attempt]
    elapsed: _duration_pb2.Duration
    request_id: str
    trace_id: str
    def __init__(self, text: _Optional[str] = ..., holes: _Optional[_Iterable[_Union[RefinedHole, _Mapping]]] = ..., complete: bool = ..., needs_review: _Optional[_Iterable[str]] = ..., iterations: _Optional[int] = ..., verdicts: _Optional[_Iterable[_Union[_result_pb2.Verdict, _Mapping]]] = ..., filled: _Optional[int] = ..., failed: _Optional[int] = ..., skipped: _Optional[int] = ..., blocked: _Optional[int] = ..., mean_confidence: _Optional[float] = ..., model_usage: _Optional[_Mapping[str, int]] = ..., usage: _Optional[_Union[_result_pb2.Usage, _Mapping]] = ..., cost_micros: _Optional[int] = ..., attempts: _Optional[_Iterable[_Union[_result_pb2.Attempt, _Mapping]]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., trace_id: _Optional[str] = ...) -> None: ...

class RefineResponse(_message.Message):
    __slots__ = ("sequence", "started", "progress", "done")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    started: RefineStarted
    progress: HoleProgress
    done: RefineResult
    def __init__(self, sequence: _Optional[int] = ..., started: _Optional[_Union[RefineStarted, _Mapping]] = ..., progress: _Optional[_Union[HoleProgress, _Mapping]] = ..., done: _Optional[_Union[RefineResult, _Mapping]] = ...) -> None: ...

class RunPipelineRequest(_message.Message):
    __slots__ = ("pipeline", "request", "parameters")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    pipeline: str
    request: GenerateRequest
    parameters: _containers.ScalarMap[str, str]
    def __init__(self, pipeline: _Optional[str] = ..., request: _Optional[_Union[GenerateRequest, _Mapping]] = ..., parameters: _Optional[_Mapping[str, str]] = ...) -> None: ...

class PipelineStarted(_message.Message):
    __slots__ = ("pipeline", "steps", "request_id")
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    pipeline: str
    steps: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, pipeline: _Optional[str] = ..., steps: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StepNode(_message.Message):
    __slots__ = ("step", "kind", "status", "round", "text", "issues", "verdicts", "confidence", "endpoint", "attempts", "usage", "cost_micros", "error", "inputs", "elapsed")
    STEP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ISSUES_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    step: str
    kind: StepKind
    status: StepStatus
    round: int
    text: str
    issues: _containers.RepeatedScalarFieldContainer[str]
    verdicts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Verdict]
    confidence: float
    endpoint: str
    attempts: _containers.RepeatedCompositeFieldContainer[_result_pb2.Attempt]
    usage: _result_pb2.Usage
    cost_micros: int
    error: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    elapsed: _duration_pb2.Duration
    def __init__(self, step: _Optional[str] = ..., kind: _Optional[_Union[StepKind, str]] = ..., status: _Optional[_Union[StepStatus, str]] = ..., round: _Optional[int] = ..., text: _Optional[str] = ..., issues: _Optional[_Iterable[str]] = ..., verdicts: _Optional[_Iterable[_Union[_result_pb2.Verdict, _Mapping]]] = ..., confidence: _Optional[float] = ..., endpoint: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[_result_pb2.Attempt, _Mapping]]] = ..., usage: _Optional[_Union[_result_pb2.Usage, _Mapping]] = ..., cost_micros: _Optional[int] = ..., error: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PipelineResult(_message.Message):
    __slots__ = ("response", "steps", "completed", "pipeline")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    response: GenerateResponse
    steps: _containers.RepeatedCompositeFieldContainer[StepNode]
    completed: int
    pipeline: str
    def __init__(self, response: _Optional[_Union[GenerateResponse, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[StepNode, _Mapping]]] = ..., completed: _Optional[int] = ..., pipeline: _Optional[str] = ...) -> None: ...

class RunPipelineResponse(_message.Message):
    __slots__ = ("sequence", "started", "step", "done")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    started: PipelineStarted
    step: StepNode
    done: PipelineResult
    def __init__(self, sequence: _Optional[int] = ..., started: _Optional[_Union[PipelineStarted, _Mapping]] = ..., step: _Optional[_Union[StepNode, _Mapping]] = ..., done: _Optional[_Union[PipelineResult, _Mapping]] = ...) -> None: ...

class ListPipelinesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPipelinesResponse(_message.Message):
    __slots__ = ("pipelines",)
    PIPELINES_FIELD_NUMBER: _ClassVar[int]
    pipelines: _containers.RepeatedCompositeFieldContainer[Pipeline]
    def __init__(self, pipelines: _Optional[_Iterable[_Union[Pipeline, _Mapping]]] = ...) -> None: ...

class Pipeline(_message.Message):
    __slots__ = ("name", "description", "steps", "output", "parameters")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    steps: _containers.RepeatedCompositeFieldContainer[PipelineStep]
    output: str
    parameters: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[PipelineStep, _Mapping]]] = ..., output: _Optional[str] = ..., parameters: _Optional[_Mapping[str, str]] = ...) -> None: ...

class PipelineStep(_message.Message):
    __slots__ = ("id", "kind", "inputs", "on_error")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: StepKind
    inputs: _containers.ScalarMap[str, str]
    on_error: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[StepKind, str]] = ..., inputs: _Optional[_Mapping[str, str]] = ..., on_error: _Optional[str] = ...) -> None: ...

class TraceRequest(_message.Message):
    __slots__ = ("generate", "dry_run")
    GENERATE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    generate: GenerateRequest
    dry_run: bool
    def __init__(self, generate: _Optional[_Union[GenerateRequest, _Mapping]] = ..., dry_run: bool = ...) -> None: ...

class TraceResponse(_message.Message):
    __slots__ = ("response", "failure", "trace")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    response: GenerateResponse
    failure: BatchFailure
    trace: _trace_pb2.Trace
    def __init__(self, response: _Optional[_Union[GenerateResponse, _Mapping]] = ..., failure: _Optional[_Union[BatchFailure, _Mapping]] = ..., trace: _Optional[_Union[_trace_pb2.Trace, _Mapping]] = ...) -> None: ...

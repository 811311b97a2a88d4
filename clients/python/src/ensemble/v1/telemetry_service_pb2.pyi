import datetime

from ensemble.v1 import trace_pb2 as _trace_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Subject(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBJECT_UNSPECIFIED: _ClassVar[Subject]
    SUBJECT_OPERATION: _ClassVar[Subject]
    SUBJECT_MATCHER: _ClassVar[Subject]
    SUBJECT_MODEL: _ClassVar[Subject]

class Grade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRADE_UNSPECIFIED: _ClassVar[Grade]
    GRADE_UNKNOWN: _ClassVar[Grade]
    GRADE_GOOD: _ClassVar[Grade]
    GRADE_WARN: _ClassVar[Grade]
    GRADE_BAD: _ClassVar[Grade]

class TraceFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRACE_FORMAT_UNSPECIFIED: _ClassVar[TraceFormat]
    TRACE_FORMAT_JSON: _ClassVar[TraceFormat]
    TRACE_FORMAT_CSV: _ClassVar[TraceFormat]
SUBJECT_UNSPECIFIED: Subject
SUBJECT_OPERATION: Subject
SUBJECT_MATCHER: Subject
SUBJECT_MODEL: Subject
GRADE_UNSPECIFIED: Grade
GRADE_UNKNOWN: Grade
GRADE_GOOD: Grade
GRADE_WARN: Grade
GRADE_BAD: Grade
TRACE_FORMAT_UNSPECIFIED: TraceFormat
TRACE_FORMAT_JSON: TraceFormat
TRACE_FORMAT_CSV: TraceFormat

class GetMetricsRequest(_message.Message):
    __slots__ = ("endpoint",)
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    def __init__(self, endpoint: _Optional[str] = ...) -> None: ...

class LatencyStats(_message.Message):
    __slots__ = ("count", "sum", "mean", "p50", "p95", "p99")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    count: int
    sum: _duration_pb2.Duration
    mean: _duration_pb2.Duration
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    p99: _duration_pb2.Duration
    def __init__(self, count: _Optional[int] = ..., sum: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mean: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class EndpointCounters(_message.Message):
    __slots__ = ("span", "attempts", "successes", "failures", "not_counted", "success_rate", "success_latency", "failure_latency", "mean_confidence", "judged")
    SPAN_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSES_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    NOT_COUNTED_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_LATENCY_FIELD_NUMBER: _ClassVar[int]
    FAILURE_LATENCY_FIELD_NUMBER: _ClassVar[int]
    MEAN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    JUDGED_FIELD_NUMBER: _ClassVar[int]
    span: str
    attempts: int
    successes: int
    failures: int
    not_counted: int
    success_rate: float
    success_latency: LatencyStats
    failure_latency: LatencyStats
    mean_confidence: float
    judged: int
    def __init__(self, span: _Optional[str] = ..., attempts: _Optional[int] = ..., successes: _Optional[int] = ..., failures: _Optional[int] = ..., not_counted: _Optional[int] = ..., success_rate: _Optional[float] = ..., success_latency: _Optional[_Union[LatencyStats, _Mapping]] = ..., failure_latency: _Optional[_Union[LatencyStats, _Mapping]] = ..., mean_confidence: _Optional[float] = ..., judged: _Optional[int] = ...) -> None: ...

class EndpointMetrics(_message.Message):
    __slots__ = ("endpoint", "lifetime", "window", "in_flight")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    LIFETIME_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    lifetime: EndpointCounters
    window: EndpointCounters
    in_flight: int
    def __init__(self, endpoint: _Optional[str] = ..., lifetime: _Optional[_Union[EndpointCounters, _Mapping]] = ..., window: _Optional[_Union[EndpointCounters, _Mapping]] = ..., in_flight: _Optional[int] = ...) -> None: ...

class EnsembleCounters(_message.Message):
    __slots__ = ("requests", "succeeded", "failed", "attempts", "fallback_used", "fallback_exhausted", "non_finite_scores", "retries", "hedges", "hedge_wins", "shed", "queued", "replayed")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_USED_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    NON_FINITE_SCORES_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    HEDGES_FIELD_NUMBER: _ClassVar[int]
    HEDGE_WINS_FIELD_NUMBER: _ClassVar[int]
    SHED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    requests: int
    succeeded: int
    failed: int
    attempts: int
    fallback_used: int
    fallback_exhausted: int
    non_finite_scores: int
    retries: int
    hedges: int
    hedge_wins: int
    shed: int
    queued: int
    replayed: int
    def __init__(self, requests: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., attempts: _Optional[int] = ..., fallback_used: _Optional[int] = ..., fallback_exhausted: _Optional[int] = ..., non_finite_scores: _Optional[int] = ..., retries: _Optional[int] = ..., hedges: _Optional[int] = ..., hedge_wins: _Optional[int] = ..., shed: _Optional[int] = ..., queued: _Optional[int] = ..., replayed: _Optional[int] = ...) -> None: ...

class GetMetricsResponse(_message.Message):
    __slots__ = ("ensemble", "endpoints", "uptime")
    ENSEMBLE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    ensemble: EnsembleCounters
    endpoints: _containers.RepeatedCompositeFieldContainer[EndpointMetrics]
    uptime: _duration_pb2.Duration
    def __init__(self, ensemble: _Optional[_Union[EnsembleCounters, _Mapping]] = ..., endpoints: _Optional[_Iterable[_Union[EndpointMetrics, _Mapping]]] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetTelemetryRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Measure(_message.Message):
    __slots__ = ("subject", "name", "calls", "errors", "error_rate", "latency", "mean_confidence", "hit_rate", "retries", "prompt_tokens", "completion_tokens", "cost_micros")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    MEAN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    HIT_RATE_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    subject: Subject
    name: str
    calls: int
    errors: int
    error_rate: float
    latency: LatencyStats
    mean_confidence: float
    hit_rate: float
    retries: int
    prompt_tokens: int
    completion_tokens: int
    cost_micros: int
    def __init__(self, subject: _Optional[_Union[Subject, str]] = ..., name: _Optional[str] = ..., calls: _Optional[int] = ..., errors: _Optional[int] = ..., error_rate: _Optional[float] = ..., latency: _Optional[_Union[LatencyStats, _Mapping]] = ..., mean_confidence: _Optional[float] = ..., hit_rate: _Optional[float] = ..., retries: _Optional[int] = ..., prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ..., cost_micros: _Optional[int] = ...) -> None: ...

class GetTelemetryResponse(_message.Message):
    __slots__ = ("window", "since", "requests", "failed", "fallback_used", "measures", "recorded", "evicted", "lost", "running", "bytes", "cleared")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_USED_FIELD_NUMBER: _ClassVar[int]
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    EVICTED_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CLEARED_FIELD_NUMBER: _ClassVar[int]
    window: str
    since: _timestamp_pb2.Timestamp
    requests: int
    failed: int
    fallback_used: int
    measures: _containers.RepeatedCompositeFieldContainer[Measure]
    recorded: int
    evicted: int
    lost: int
    running: int
    bytes: int
    cleared: int
    def __init__(self, window: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requests: _Optional[int] = ..., failed: _Optional[int] = ..., fallback_used: _Optional[int] = ..., measures: _Optional[_Iterable[_Union[Measure, _Mapping]]] = ..., recorded: _Optional[int] = ..., evicted: _Optional[int] = ..., lost: _Optional[int] = ..., running: _Optional[int] = ..., bytes: _Optional[int] = ..., cleared: _Optional[int] = ...) -> None: ...

class GetDashboardRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: _duration_pb2.Duration
    def __init__(self, window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DashboardMinute(_message.Message):
    __slots__ = ("start", "requests", "failed", "fallbacks", "p50", "p95")
    START_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FALLBACKS_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    requests: int
    failed: int
    fallbacks: int
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requests: _Optional[int] = ..., failed: _Optional[int] = ..., fallbacks: _Optional[int] = ..., p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DashboardEndpoint(_message.Message):
    __slots__ = ("name", "attempts", "failures", "success_rate", "p50", "p95", "p99", "cost_micros", "breaker", "health", "in_flight", "limit", "waiting", "drained", "ejected")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    EJECTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    attempts: int
    failures: int
    success_rate: float
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    p99: _duration_pb2.Duration
    cost_micros: int
    breaker: str
    health: str
    in_flight: int
    limit: int
    waiting: int
    drained: bool
    ejected: bool
    def __init__(self, name: _Optional[str] = ..., attempts: _Optional[int] = ..., failures: _Optional[int] = ..., success_rate: _Optional[float] = ..., p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cost_micros: _Optional[int] = ..., breaker: _Optional[str] = ..., health: _Optional[str] = ..., in_flight: _Optional[int] = ..., limit: _Optional[int] = ..., waiting: _Optional[int] = ..., drained: bool = ..., ejected: bool = ...) -> None: ...

class DashboardHandover(_message.Message):
    __slots__ = ("source", "target", "reason", "count")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    source: str
    target: str
    reason: str
    count: int
    def __init__(self, source: _Optional[str] = ..., target: _Optional[str] = ..., reason: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class DashboardLayer(_message.Message):
    __slots__ = ("name", "attempts", "captured", "share", "confidence", "mean", "accuracy", "judged", "share_grade", "accuracy_grade")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    JUDGED_FIELD_NUMBER: _ClassVar[int]
    SHARE_GRADE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_GRADE_FIELD_NUMBER: _ClassVar[int]
    name: str
    attempts: int
    captured: int
    share: float
    confidence: float
    mean: _duration_pb2.Duration
    accuracy: float
    judged: int
    share_grade: Grade
    accuracy_grade: Grade
    def __init__(self, name: _Optional[str] = ..., attempts: _Optional[int] = ..., captured: _Optional[int] = ..., share: _Optional[float] = ..., confidence: _Optional[float] = ..., mean: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., accuracy: _Optional[float] = ..., judged: _Optional[int] = ..., share_grade: _Optional[_Union[Grade, str]] = ..., accuracy_grade: _Optional[_Union[Grade, str]] = ...) -> None: ...

class DashboardDecision(_message.Message):
    __slots__ = ("at", "request_id", "decision_id", "endpoint", "layer", "confidence", "elapsed")
    AT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    request_id: str
    decision_id: str
    endpoint: str
    layer: str
    confidence: float
    elapsed: _duration_pb2.Duration
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., endpoint: _Optional[str] = ..., layer: _Optional[str] = ..., confidence: _Optional[float] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DashboardArm(_message.Message):
    __slots__ = ("name", "exposures", "judged", "quality")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPOSURES_FIELD_NUMBER: _ClassVar[int]
    JUDGED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    exposures: int
    judged: int
    quality: float
    def __init__(self, name: _Optional[str] = ..., exposures: _Optional[int] = ..., judged: _Optional[int] = ..., quality: _Optional[float] = ...) -> None: ...

class DashboardExperiment(_message.Message):
    __slots__ = ("name", "stopped", "arms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    stopped: str
    arms: _containers.RepeatedCompositeFieldContainer[DashboardArm]
    def __init__(self, name: _Optional[str] = ..., stopped: _Optional[str] = ..., arms: _Optional[_Iterable[_Union[DashboardArm, _Mapping]]] = ...) -> None: ...

class DashboardTarget(_message.Message):
    __slots__ = ("name", "text", "target", "grade")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    target: str
    grade: Grade
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., target: _Optional[str] = ..., grade: _Optional[_Union[Grade, str]] = ...) -> None: ...

class DashboardGuard(_message.Message):
    __slots__ = ("name", "value", "now")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: int
    now: bool
    def __init__(self, name: _Optional[str] = ..., value: _Optional[int] = ..., now: bool = ...) -> None: ...

class GetDashboardResponse(_message.Message):
    __slots__ = ("at", "window", "uptime", "requests", "succeeded", "failed", "fallback_used", "decisions", "cost_micros", "p50", "p95", "p99", "traffic", "endpoints", "handovers", "layers", "recent", "experiments", "targets", "guards", "refresh")
    AT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_USED_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    HANDOVERS_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENTS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    window: _duration_pb2.Duration
    uptime: _duration_pb2.Duration
    requests: int
    succeeded: int
    failed: int
    fallback_used: int
    decisions: int
    cost_micros: int
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    p99: _duration_pb2.Duration
    traffic: _containers.RepeatedCompositeFieldContainer[DashboardMinute]
    endpoints: _containers.RepeatedCompositeFieldContainer[DashboardEndpoint]
    handovers: _containers.RepeatedCompositeFieldContainer[DashboardHandover]
    layers: _containers.RepeatedCompositeFieldContainer[DashboardLayer]
    recent: _containers.RepeatedCompositeFieldContainer[DashboardDecision]
    experiments: _containers.RepeatedCompositeFieldContainer[DashboardExperiment]
    targets: _containers.RepeatedCompositeFieldContainer[DashboardTarget]
    guards: _containers.RepeatedCompositeFieldContainer[DashboardGuard]
    refresh: _duration_pb2.Duration
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., requests: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., fallback_used: _Optional[int] = ..., decisions: _Optional[int] = ..., cost_micros: _Optional[int] = ..., p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., traffic: _Optional[_Iterable[_Union[DashboardMinute, _Mapping]]] = ..., endpoints: _Optional[_Iterable[_Union[DashboardEndpoint, _Mapping]]] = ..., handovers: _Optional[_Iterable[_Union[DashboardHandover, _Mapping]]] = ..., layers: _Optional[_Iterable[_Union[DashboardLayer, _Mapping]]] = ..., recent: _Optional[_Iterable[_Union[DashboardDecision, _Mapping]]] = ..., experiments: _Optional[_Iterable[_Union[DashboardExperiment, _Mapping]]] = ..., targets: _Optional[_Iterable[_Union[DashboardTarget, _Mapping]]] = ..., guards: _Optional[_Iterable[_Union[DashboardGuard, _Mapping]]] = ..., refresh: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ListTracesRequest(_message.Message):
    __slots__ = ("count", "skip", "status", "endpoint", "slower_than")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    SLOWER_THAN_FIELD_NUMBER: _ClassVar[int]
    count: int
    skip: int
    status: _trace_pb2.StageStatus
    endpoint: str
    slower_than: _duration_pb2.Duration
    def __init__(self, count: _Optional[int] = ..., skip: _Optional[int] = ..., status: _Optional[_Union[_trace_pb2.StageStatus, str]] = ..., endpoint: _Optional[str] = ..., slower_than: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ListTracesResponse(_message.Message):
    __slots__ = ("traces",)
    TRACES_FIELD_NUMBER: _ClassVar[int]
    traces: _containers.RepeatedCompositeFieldContainer[_trace_pb2.Trace]
    def __init__(self, traces: _Optional[_Iterable[_Union[_trace_pb2.Trace, _Mapping]]] = ...) -> None: ...

class GetTraceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetTraceResponse(_message.Message):
    __slots__ = ("trace",)
    TRACE_FIELD_NUMBER: _ClassVar[int]
    trace: _trace_pb2.Trace
    def __init__(self, trace: _Optional[_Union[_trace_pb2.Trace, _Mapping]] = ...) -> None: ...

class ClearTracesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClearTracesResponse(_message.Message):
    __slots__ = ("cleared",)
    CLEARED_FIELD_NUMBER: _ClassVar[int]
    cleared: int
    def __init__(self, cleared: _Optional[int] = ...) -> None: ...

class ExportTracesRequest(_message.Message):
    __slots__ = ("format",)
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    format: TraceFormat
    def __init__(self, format: _Optional[_Union[TraceFormat, str]] = ...) -> None: ...

class ExportTracesResponse(_message.Message):
    __slots__ = ("text", "traces")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TRACES_FIELD_NUMBER: _ClassVar[int]
    text: str
    traces: int
    def __init__(self, text: _Optional[str] = ..., traces: _Optional[int] = ...) -> None: ...

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

class TraceFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRACE_FORMAT_UNSPECIFIED: _ClassVar[TraceFormat]
    TRACE_FORMAT_JSON: _ClassVar[TraceFormat]
    TRACE_FORMAT_CSV: _ClassVar[TraceFormat]
SUBJECT_UNSPECIFIED: Subject
SUBJECT_OPERATION: Subject
SUBJECT_MATCHER: Subject
SUBJECT_MODEL: Subject
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
    __slots__ = ("window", "since", "requests", "failed", "fallback_used", "measures", "recorded", "evicted", "lost", "running", "bytes")
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
    def __init__(self, window: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requests: _Optional[int] = ..., failed: _Optional[int] = ..., fallback_used: _Optional[int] = ..., measures: _Optional[_Iterable[_Union[Measure, _Mapping]]] = ..., recorded: _Optional[int] = ..., evicted: _Optional[int] = ..., lost: _Optional[int] = ..., running: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

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

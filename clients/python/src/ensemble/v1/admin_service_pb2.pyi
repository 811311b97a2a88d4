import datetime

from ensemble.v1 import decision_pb2 as _decision_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BreakerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BREAKER_STATE_UNSPECIFIED: _ClassVar[BreakerState]
    BREAKER_STATE_CLOSED: _ClassVar[BreakerState]
    BREAKER_STATE_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_HALF_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_DISABLED: _ClassVar[BreakerState]
    BREAKER_STATE_METRICS_ONLY: _ClassVar[BreakerState]
    BREAKER_STATE_FORCED_OPEN: _ClassVar[BreakerState]

class EndpointHealth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENDPOINT_HEALTH_UNSPECIFIED: _ClassVar[EndpointHealth]
    ENDPOINT_HEALTH_SERVING: _ClassVar[EndpointHealth]
    ENDPOINT_HEALTH_NOT_SERVING: _ClassVar[EndpointHealth]
BREAKER_STATE_UNSPECIFIED: BreakerState
BREAKER_STATE_CLOSED: BreakerState
BREAKER_STATE_OPEN: BreakerState
BREAKER_STATE_HALF_OPEN: BreakerState
BREAKER_STATE_DISABLED: BreakerState
BREAKER_STATE_METRICS_ONLY: BreakerState
BREAKER_STATE_FORCED_OPEN: BreakerState
ENDPOINT_HEALTH_UNSPECIFIED: EndpointHealth
ENDPOINT_HEALTH_SERVING: EndpointHealth
ENDPOINT_HEALTH_NOT_SERVING: EndpointHealth

class ListEndpointsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class EndpointState(_message.Message):
    __slots__ = ("breaker", "failure_rate", "slow_rate", "not_permitted", "health", "ejected", "warming_up", "in_flight", "concurrency_limit", "waiting", "saturated")
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    FAILURE_RATE_FIELD_NUMBER: _ClassVar[int]
    SLOW_RATE_FIELD_NUMBER: _ClassVar[int]
    NOT_PERMITTED_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    EJECTED_FIELD_NUMBER: _ClassVar[int]
    WARMING_UP_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    SATURATED_FIELD_NUMBER: _ClassVar[int]
    breaker: BreakerState
    failure_rate: float
    slow_rate: float
    not_permitted: int
    health: EndpointHealth
    ejected: bool
    warming_up: bool
    in_flight: int
    concurrency_limit: int
    waiting: int
    saturated: int
    def __init__(self, breaker: _Optional[_Union[BreakerState, str]] = ..., failure_rate: _Optional[float] = ..., slow_rate: _Optional[float] = ..., not_permitted: _Optional[int] = ..., health: _Optional[_Union[EndpointHealth, str]] = ..., ejected: bool = ..., warming_up: bool = ..., in_flight: _Optional[int] = ..., concurrency_limit: _Optional[int] = ..., waiting: _Optional[int] = ..., saturated: _Optional[int] = ...) -> None: ...

class Endpoint(_message.Message):
    __slots__ = ("name", "protocol", "url", "model", "capabilities", "priority", "cost_micros_per_1k_tokens", "timeout", "max_context_tokens", "tags", "drained", "is_default", "group", "weight", "max_concurrency", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_PER_1K_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    protocol: str
    url: str
    model: str
    capabilities: _containers.RepeatedScalarFieldContainer[_decision_pb2.Capability]
    priority: int
    cost_micros_per_1k_tokens: int
    timeout: _duration_pb2.Duration
    max_context_tokens: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    drained: bool
    is_default: bool
    group: str
    weight: float
    max_concurrency: int
    state: EndpointState
    def __init__(self, name: _Optional[str] = ..., protocol: _Optional[str] = ..., url: _Optional[str] = ..., model: _Optional[str] = ..., capabilities: _Optional[_Iterable[_Union[_decision_pb2.Capability, str]]] = ..., priority: _Optional[int] = ..., cost_micros_per_1k_tokens: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_context_tokens: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., drained: bool = ..., is_default: bool = ..., group: _Optional[str] = ..., weight: _Optional[float] = ..., max_concurrency: _Optional[int] = ..., state: _Optional[_Union[EndpointState, _Mapping]] = ...) -> None: ...

class ListEndpointsResponse(_message.Message):
    __slots__ = ("endpoints", "next_page_token")
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    next_page_token: str
    def __init__(self, endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DrainEndpointRequest(_message.Message):
    __slots__ = ("endpoint",)
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    def __init__(self, endpoint: _Optional[str] = ...) -> None: ...

class DrainEndpointResponse(_message.Message):
    __slots__ = ("endpoints",)
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    def __init__(self, endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ...) -> None: ...

class UndrainEndpointRequest(_message.Message):
    __slots__ = ("endpoint",)
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    def __init__(self, endpoint: _Optional[str] = ...) -> None: ...

class UndrainEndpointResponse(_message.Message):
    __slots__ = ("endpoints",)
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    def __init__(self, endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ...) -> None: ...

class DescribeRouterRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RoutingRule(_message.Message):
    __slots__ = ("name", "condition", "capability", "chain_policy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    CHAIN_POLICY_FIELD_NUMBER: _ClassVar[int]
    name: str
    condition: str
    capability: _decision_pb2.Capability
    chain_policy: _decision_pb2.ChainPolicy
    def __init__(self, name: _Optional[str] = ..., condition: _Optional[str] = ..., capability: _Optional[_Union[_decision_pb2.Capability, str]] = ..., chain_policy: _Optional[_Union[_decision_pb2.ChainPolicy, str]] = ...) -> None: ...

class DescribeRouterResponse(_message.Message):
    __slots__ = ("snapshot_version", "estimator", "rules", "default_endpoint", "layers", "threshold_version", "observations")
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    ESTIMATOR_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    snapshot_version: int
    estimator: str
    rules: _containers.RepeatedCompositeFieldContainer[RoutingRule]
    default_endpoint: str
    layers: _containers.RepeatedCompositeFieldContainer[LayerDescription]
    threshold_version: int
    observations: int
    def __init__(self, snapshot_version: _Optional[int] = ..., estimator: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[RoutingRule, _Mapping]]] = ..., default_endpoint: _Optional[str] = ..., layers: _Optional[_Iterable[_Union[LayerDescription, _Mapping]]] = ..., threshold_version: _Optional[int] = ..., observations: _Optional[int] = ...) -> None: ...

class LayerDescription(_message.Message):
    __slots__ = ("layer", "weight", "runs", "threshold", "calls", "errors", "late", "mean_s")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    MEAN_S_FIELD_NUMBER: _ClassVar[int]
    layer: str
    weight: float
    runs: str
    threshold: float
    calls: int
    errors: int
    late: int
    mean_s: float
    def __init__(self, layer: _Optional[str] = ..., weight: _Optional[float] = ..., runs: _Optional[str] = ..., threshold: _Optional[float] = ..., calls: _Optional[int] = ..., errors: _Optional[int] = ..., late: _Optional[int] = ..., mean_s: _Optional[float] = ...) -> None: ...

class DescribeConfigRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeConfigResponse(_message.Message):
    __slots__ = ("config_json", "sources")
    CONFIG_JSON_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    config_json: str
    sources: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, config_json: _Optional[str] = ..., sources: _Optional[_Iterable[str]] = ...) -> None: ...

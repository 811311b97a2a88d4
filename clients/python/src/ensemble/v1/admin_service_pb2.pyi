import datetime

from ensemble.v1 import decision_pb2 as _decision_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListEndpointsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Endpoint(_message.Message):
    __slots__ = ("name", "protocol", "url", "model", "capabilities", "priority", "cost_micros_per_1k_tokens", "timeout", "max_context_tokens", "tags", "drained", "is_default")
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
    def __init__(self, name: _Optional[str] = ..., protocol: _Optional[str] = ..., url: _Optional[str] = ..., model: _Optional[str] = ..., capabilities: _Optional[_Iterable[_Union[_decision_pb2.Capability, str]]] = ..., priority: _Optional[int] = ..., cost_micros_per_1k_tokens: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_context_tokens: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., drained: bool = ..., is_default: bool = ...) -> None: ...

class ListEndpointsResponse(_message.Message):
    __slots__ = ("endpoints", "next_page_token")
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    next_page_token: str
    def __init__(self, endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("snapshot_version", "estimator", "rules", "default_endpoint")
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    ESTIMATOR_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    snapshot_version: int
    estimator: str
    rules: _containers.RepeatedCompositeFieldContainer[RoutingRule]
    default_endpoint: str
    def __init__(self, snapshot_version: _Optional[int] = ..., estimator: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[RoutingRule, _Mapping]]] = ..., default_endpoint: _Optional[str] = ...) -> None: ...

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

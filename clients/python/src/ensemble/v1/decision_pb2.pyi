from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Capability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPABILITY_UNSPECIFIED: _ClassVar[Capability]
    CAPABILITY_CODE_COMPLETION: _ClassVar[Capability]
    CAPABILITY_LONG_CONTEXT: _ClassVar[Capability]
    CAPABILITY_CONSTRAINED_GENERATION: _ClassVar[Capability]
    CAPABILITY_FAST_INFERENCE: _ClassVar[Capability]
    CAPABILITY_HIGH_QUALITY: _ClassVar[Capability]
    CAPABILITY_SECURITY_AWARE: _ClassVar[Capability]

class RoutingReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUTING_REASON_UNSPECIFIED: _ClassVar[RoutingReason]
    ROUTING_REASON_SECURITY_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_SECURITY_NO_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_CONSTRAINED_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_CONSTRAINED_NO_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_FAST_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_FAST_NO_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_QUALITY_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_QUALITY_NO_MATCH: _ClassVar[RoutingReason]
    ROUTING_REASON_MEDIUM_DEFAULT: _ClassVar[RoutingReason]

class ChainPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHAIN_POLICY_UNSPECIFIED: _ClassVar[ChainPolicy]
    CHAIN_POLICY_STRICT: _ClassVar[ChainPolicy]
    CHAIN_POLICY_PREFER: _ClassVar[ChainPolicy]

class RoutingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUTING_MODE_UNSPECIFIED: _ClassVar[RoutingMode]
    ROUTING_MODE_AUTO: _ClassVar[RoutingMode]
    ROUTING_MODE_RULES: _ClassVar[RoutingMode]
    ROUTING_MODE_LEARNED: _ClassVar[RoutingMode]

class Objective(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBJECTIVE_UNSPECIFIED: _ClassVar[Objective]
    OBJECTIVE_BALANCED: _ClassVar[Objective]
    OBJECTIVE_FASTEST: _ClassVar[Objective]
    OBJECTIVE_CHEAPEST: _ClassVar[Objective]
    OBJECTIVE_ACCURATE: _ClassVar[Objective]
    OBJECTIVE_COMPLETE: _ClassVar[Objective]
    OBJECTIVE_LEAST_LOAD: _ClassVar[Objective]
CAPABILITY_UNSPECIFIED: Capability
CAPABILITY_CODE_COMPLETION: Capability
CAPABILITY_LONG_CONTEXT: Capability
CAPABILITY_CONSTRAINED_GENERATION: Capability
CAPABILITY_FAST_INFERENCE: Capability
CAPABILITY_HIGH_QUALITY: Capability
CAPABILITY_SECURITY_AWARE: Capability
ROUTING_REASON_UNSPECIFIED: RoutingReason
ROUTING_REASON_SECURITY_MATCH: RoutingReason
ROUTING_REASON_SECURITY_NO_MATCH: RoutingReason
ROUTING_REASON_CONSTRAINED_MATCH: RoutingReason
ROUTING_REASON_CONSTRAINED_NO_MATCH: RoutingReason
ROUTING_REASON_FAST_MATCH: RoutingReason
ROUTING_REASON_FAST_NO_MATCH: RoutingReason
ROUTING_REASON_QUALITY_MATCH: RoutingReason
ROUTING_REASON_QUALITY_NO_MATCH: RoutingReason
ROUTING_REASON_MEDIUM_DEFAULT: RoutingReason
CHAIN_POLICY_UNSPECIFIED: ChainPolicy
CHAIN_POLICY_STRICT: ChainPolicy
CHAIN_POLICY_PREFER: ChainPolicy
ROUTING_MODE_UNSPECIFIED: RoutingMode
ROUTING_MODE_AUTO: RoutingMode
ROUTING_MODE_RULES: RoutingMode
ROUTING_MODE_LEARNED: RoutingMode
OBJECTIVE_UNSPECIFIED: Objective
OBJECTIVE_BALANCED: Objective
OBJECTIVE_FASTEST: Objective
OBJECTIVE_CHEAPEST: Objective
OBJECTIVE_ACCURATE: Objective
OBJECTIVE_COMPLETE: Objective
OBJECTIVE_LEAST_LOAD: Objective

class ExcludedEndpoint(_message.Message):
    __slots__ = ("endpoint", "reason", "detail")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    reason: str
    detail: str
    def __init__(self, endpoint: _Optional[str] = ..., reason: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class RoutingDecision(_message.Message):
    __slots__ = ("primary", "fallbacks", "reason", "detail", "capability", "complexity", "estimator", "chain_policy", "excluded", "snapshot_version")
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    FALLBACKS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    COMPLEXITY_FIELD_NUMBER: _ClassVar[int]
    ESTIMATOR_FIELD_NUMBER: _ClassVar[int]
    CHAIN_POLICY_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    primary: str
    fallbacks: _containers.RepeatedScalarFieldContainer[str]
    reason: RoutingReason
    detail: str
    capability: Capability
    complexity: float
    estimator: str
    chain_policy: ChainPolicy
    excluded: _containers.RepeatedCompositeFieldContainer[ExcludedEndpoint]
    snapshot_version: int
    def __init__(self, primary: _Optional[str] = ..., fallbacks: _Optional[_Iterable[str]] = ..., reason: _Optional[_Union[RoutingReason, str]] = ..., detail: _Optional[str] = ..., capability: _Optional[_Union[Capability, str]] = ..., complexity: _Optional[float] = ..., estimator: _Optional[str] = ..., chain_policy: _Optional[_Union[ChainPolicy, str]] = ..., excluded: _Optional[_Iterable[_Union[ExcludedEndpoint, _Mapping]]] = ..., snapshot_version: _Optional[int] = ...) -> None: ...

class EndpointFilter(_message.Message):
    __slots__ = ("required_tags", "forbidden_tags", "required_capabilities")
    REQUIRED_TAGS_FIELD_NUMBER: _ClassVar[int]
    FORBIDDEN_TAGS_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    required_tags: _containers.RepeatedScalarFieldContainer[str]
    forbidden_tags: _containers.RepeatedScalarFieldContainer[str]
    required_capabilities: _containers.RepeatedScalarFieldContainer[Capability]
    def __init__(self, required_tags: _Optional[_Iterable[str]] = ..., forbidden_tags: _Optional[_Iterable[str]] = ..., required_capabilities: _Optional[_Iterable[_Union[Capability, str]]] = ...) -> None: ...

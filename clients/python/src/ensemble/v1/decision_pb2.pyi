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
    ROUTING_REASON_LEARNED: _ClassVar[RoutingReason]
    ROUTING_REASON_OBJECTIVE: _ClassVar[RoutingReason]
    ROUTING_REASON_ADAPTIVE: _ClassVar[RoutingReason]
    ROUTING_REASON_EXPERIMENT: _ClassVar[RoutingReason]

class ChainPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHAIN_POLICY_UNSPECIFIED: _ClassVar[ChainPolicy]
    CHAIN_POLICY_STRICT: _ClassVar[ChainPolicy]
    CHAIN_POLICY_PREFER: _ClassVar[ChainPolicy]

class LayerStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAYER_STATUS_UNSPECIFIED: _ClassVar[LayerStatus]
    LAYER_STATUS_DECIDED: _ClassVar[LayerStatus]
    LAYER_STATUS_DECLINED: _ClassVar[LayerStatus]
    LAYER_STATUS_ABSTAINED: _ClassVar[LayerStatus]
    LAYER_STATUS_UNAVAILABLE: _ClassVar[LayerStatus]
    LAYER_STATUS_LATE: _ClassVar[LayerStatus]
    LAYER_STATUS_FAILED: _ClassVar[LayerStatus]
    LAYER_STATUS_SKIPPED: _ClassVar[LayerStatus]

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
ROUTING_REASON_LEARNED: RoutingReason
ROUTING_REASON_OBJECTIVE: RoutingReason
ROUTING_REASON_ADAPTIVE: RoutingReason
ROUTING_REASON_EXPERIMENT: RoutingReason
CHAIN_POLICY_UNSPECIFIED: ChainPolicy
CHAIN_POLICY_STRICT: ChainPolicy
CHAIN_POLICY_PREFER: ChainPolicy
LAYER_STATUS_UNSPECIFIED: LayerStatus
LAYER_STATUS_DECIDED: LayerStatus
LAYER_STATUS_DECLINED: LayerStatus
LAYER_STATUS_ABSTAINED: LayerStatus
LAYER_STATUS_UNAVAILABLE: LayerStatus
LAYER_STATUS_LATE: LayerStatus
LAYER_STATUS_FAILED: LayerStatus
LAYER_STATUS_SKIPPED: LayerStatus
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
    __slots__ = ("primary", "fallbacks", "reason", "detail", "capability", "complexity", "estimator", "chain_policy", "excluded", "snapshot_version", "learned")
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
    LEARNED_FIELD_NUMBER: _ClassVar[int]
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
    learned: LearnedDecision
    def __init__(self, primary: _Optional[str] = ..., fallbacks: _Optional[_Iterable[str]] = ..., reason: _Optional[_Union[RoutingReason, str]] = ..., detail: _Optional[str] = ..., capability: _Optional[_Union[Capability, str]] = ..., complexity: _Optional[float] = ..., estimator: _Optional[str] = ..., chain_policy: _Optional[_Union[ChainPolicy, str]] = ..., excluded: _Optional[_Iterable[_Union[ExcludedEndpoint, _Mapping]]] = ..., snapshot_version: _Optional[int] = ..., learned: _Optional[_Union[LearnedDecision, _Mapping]] = ...) -> None: ...

class RoutingLayer(_message.Message):
    __slots__ = ("layer", "status", "confidence", "threshold", "endpoint", "topic", "reason", "elapsed_s", "details", "shadow")
    class DetailsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LAYER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_S_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    layer: str
    status: LayerStatus
    confidence: float
    threshold: float
    endpoint: str
    topic: str
    reason: str
    elapsed_s: float
    details: _containers.ScalarMap[str, str]
    shadow: bool
    def __init__(self, layer: _Optional[str] = ..., status: _Optional[_Union[LayerStatus, str]] = ..., confidence: _Optional[float] = ..., threshold: _Optional[float] = ..., endpoint: _Optional[str] = ..., topic: _Optional[str] = ..., reason: _Optional[str] = ..., elapsed_s: _Optional[float] = ..., details: _Optional[_Mapping[str, str]] = ..., shadow: bool = ...) -> None: ...

class EndpointScore(_message.Message):
    __slots__ = ("endpoint", "utility", "factors", "quality", "gain", "propensity")
    class FactorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    FACTORS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    utility: float
    factors: _containers.ScalarMap[str, float]
    quality: float
    gain: float
    propensity: float
    def __init__(self, endpoint: _Optional[str] = ..., utility: _Optional[float] = ..., factors: _Optional[_Mapping[str, float]] = ..., quality: _Optional[float] = ..., gain: _Optional[float] = ..., propensity: _Optional[float] = ...) -> None: ...

class Clarification(_message.Message):
    __slots__ = ("questions", "candidates")
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    questions: _containers.RepeatedScalarFieldContainer[str]
    candidates: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, questions: _Optional[_Iterable[str]] = ..., candidates: _Optional[_Iterable[str]] = ...) -> None: ...

class LearnedDecision(_message.Message):
    __slots__ = ("decided_by", "confidence", "layers", "scores", "support", "similarity", "effective_n", "observations", "evidence", "coverage", "level", "ambiguous", "hints", "lite", "arms", "threshold_version", "features", "predictions", "elapsed_s")
    class HintsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ArmsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_N_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    HINTS_FIELD_NUMBER: _ClassVar[int]
    LITE_FIELD_NUMBER: _ClassVar[int]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_S_FIELD_NUMBER: _ClassVar[int]
    decided_by: str
    confidence: float
    layers: _containers.RepeatedCompositeFieldContainer[RoutingLayer]
    scores: _containers.RepeatedCompositeFieldContainer[EndpointScore]
    support: float
    similarity: float
    effective_n: float
    observations: int
    evidence: float
    coverage: float
    level: str
    ambiguous: bool
    hints: _containers.ScalarMap[str, str]
    lite: bool
    arms: _containers.ScalarMap[str, str]
    threshold_version: int
    features: _containers.ScalarMap[str, str]
    predictions: _containers.RepeatedScalarFieldContainer[str]
    elapsed_s: float
    def __init__(self, decided_by: _Optional[str] = ..., confidence: _Optional[float] = ..., layers: _Optional[_Iterable[_Union[RoutingLayer, _Mapping]]] = ..., scores: _Optional[_Iterable[_Union[EndpointScore, _Mapping]]] = ..., support: _Optional[float] = ..., similarity: _Optional[float] = ..., effective_n: _Optional[float] = ..., observations: _Optional[int] = ..., evidence: _Optional[float] = ..., coverage: _Optional[float] = ..., level: _Optional[str] = ..., ambiguous: bool = ..., hints: _Optional[_Mapping[str, str]] = ..., lite: bool = ..., arms: _Optional[_Mapping[str, str]] = ..., threshold_version: _Optional[int] = ..., features: _Optional[_Mapping[str, str]] = ..., predictions: _Optional[_Iterable[str]] = ..., elapsed_s: _Optional[float] = ...) -> None: ...

class EndpointFilter(_message.Message):
    __slots__ = ("required_tags", "forbidden_tags", "required_capabilities", "names")
    REQUIRED_TAGS_FIELD_NUMBER: _ClassVar[int]
    FORBIDDEN_TAGS_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    required_tags: _containers.RepeatedScalarFieldContainer[str]
    forbidden_tags: _containers.RepeatedScalarFieldContainer[str]
    required_capabilities: _containers.RepeatedScalarFieldContainer[Capability]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, required_tags: _Optional[_Iterable[str]] = ..., forbidden_tags: _Optional[_Iterable[str]] = ..., required_capabilities: _Optional[_Iterable[_Union[Capability, str]]] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

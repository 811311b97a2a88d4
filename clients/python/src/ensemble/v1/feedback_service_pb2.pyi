import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordOutcomeRequest(_message.Message):
    __slots__ = ("decision_id", "endpoint", "compiled", "tests_passed", "tests_total", "accepted", "edit_distance", "reverted", "quality", "corrected_endpoint", "latency", "cost_micros")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    COMPILED_FIELD_NUMBER: _ClassVar[int]
    TESTS_PASSED_FIELD_NUMBER: _ClassVar[int]
    TESTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    EDIT_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    REVERTED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    endpoint: str
    compiled: bool
    tests_passed: int
    tests_total: int
    accepted: bool
    edit_distance: float
    reverted: bool
    quality: float
    corrected_endpoint: str
    latency: _duration_pb2.Duration
    cost_micros: int
    def __init__(self, decision_id: _Optional[str] = ..., endpoint: _Optional[str] = ..., compiled: bool = ..., tests_passed: _Optional[int] = ..., tests_total: _Optional[int] = ..., accepted: bool = ..., edit_distance: _Optional[float] = ..., reverted: bool = ..., quality: _Optional[float] = ..., corrected_endpoint: _Optional[str] = ..., latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cost_micros: _Optional[int] = ...) -> None: ...

class RecordOutcomeResponse(_message.Message):
    __slots__ = ("endpoint", "quality")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    quality: float
    def __init__(self, endpoint: _Optional[str] = ..., quality: _Optional[float] = ...) -> None: ...

class LayerThreshold(_message.Message):
    __slots__ = ("layer", "threshold")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    layer: str
    threshold: float
    def __init__(self, layer: _Optional[str] = ..., threshold: _Optional[float] = ...) -> None: ...

class ThresholdSet(_message.Message):
    __slots__ = ("version", "thresholds", "created_at", "note", "head_observations", "in_force")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    HEAD_OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    version: int
    thresholds: _containers.RepeatedCompositeFieldContainer[LayerThreshold]
    created_at: _timestamp_pb2.Timestamp
    note: str
    head_observations: int
    in_force: bool
    def __init__(self, version: _Optional[int] = ..., thresholds: _Optional[_Iterable[_Union[LayerThreshold, _Mapping]]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., note: _Optional[str] = ..., head_observations: _Optional[int] = ..., in_force: bool = ...) -> None: ...

class GetThresholdsRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class GetThresholdsResponse(_message.Message):
    __slots__ = ("set", "history", "changes")
    SET_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    set: ThresholdSet
    history: _containers.RepeatedCompositeFieldContainer[ThresholdSet]
    changes: _containers.RepeatedCompositeFieldContainer[ThresholdChange]
    def __init__(self, set: _Optional[_Union[ThresholdSet, _Mapping]] = ..., history: _Optional[_Iterable[_Union[ThresholdSet, _Mapping]]] = ..., changes: _Optional[_Iterable[_Union[ThresholdChange, _Mapping]]] = ...) -> None: ...

class ThresholdChange(_message.Message):
    __slots__ = ("at", "action", "version", "actor")
    AT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    action: str
    version: int
    actor: str
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., action: _Optional[str] = ..., version: _Optional[int] = ..., actor: _Optional[str] = ...) -> None: ...

class ProposeThresholdsRequest(_message.Message):
    __slots__ = ("window", "step", "train_head")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TRAIN_HEAD_FIELD_NUMBER: _ClassVar[int]
    window: _duration_pb2.Duration
    step: float
    train_head: bool
    def __init__(self, window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., step: _Optional[float] = ..., train_head: bool = ...) -> None: ...

class LayerTuning(_message.Message):
    __slots__ = ("layer", "current", "proposed", "optimum", "precision", "precision_bound", "coverage", "labelled", "reason")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_FIELD_NUMBER: _ClassVar[int]
    OPTIMUM_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    PRECISION_BOUND_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    layer: str
    current: float
    proposed: float
    optimum: float
    precision: float
    precision_bound: float
    coverage: float
    labelled: int
    reason: str
    def __init__(self, layer: _Optional[str] = ..., current: _Optional[float] = ..., proposed: _Optional[float] = ..., optimum: _Optional[float] = ..., precision: _Optional[float] = ..., precision_bound: _Optional[float] = ..., coverage: _Optional[float] = ..., labelled: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ProposeThresholdsResponse(_message.Message):
    __slots__ = ("set", "layers", "changed", "head")
    SET_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    set: ThresholdSet
    layers: _containers.RepeatedCompositeFieldContainer[LayerTuning]
    changed: bool
    head: str
    def __init__(self, set: _Optional[_Union[ThresholdSet, _Mapping]] = ..., layers: _Optional[_Iterable[_Union[LayerTuning, _Mapping]]] = ..., changed: bool = ..., head: _Optional[str] = ...) -> None: ...

class ApplyThresholdsRequest(_message.Message):
    __slots__ = ("version", "validate_only")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    version: int
    validate_only: bool
    def __init__(self, version: _Optional[int] = ..., validate_only: bool = ...) -> None: ...

class ApplyThresholdsResponse(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: ThresholdSet
    after: ThresholdSet
    def __init__(self, before: _Optional[_Union[ThresholdSet, _Mapping]] = ..., after: _Optional[_Union[ThresholdSet, _Mapping]] = ...) -> None: ...

class RollbackThresholdsRequest(_message.Message):
    __slots__ = ("validate_only",)
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    validate_only: bool
    def __init__(self, validate_only: bool = ...) -> None: ...

class RollbackThresholdsResponse(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: ThresholdSet
    after: ThresholdSet
    def __init__(self, before: _Optional[_Union[ThresholdSet, _Mapping]] = ..., after: _Optional[_Union[ThresholdSet, _Mapping]] = ...) -> None: ...

class ListExperimentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ArmReport(_message.Message):
    __slots__ = ("arm", "weight", "control", "shadow", "exposures", "labelled", "mean_quality", "harm_evidence", "agreement")
    ARM_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    EXPOSURES_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    MEAN_QUALITY_FIELD_NUMBER: _ClassVar[int]
    HARM_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    arm: str
    weight: float
    control: bool
    shadow: bool
    exposures: int
    labelled: int
    mean_quality: float
    harm_evidence: float
    agreement: float
    def __init__(self, arm: _Optional[str] = ..., weight: _Optional[float] = ..., control: bool = ..., shadow: bool = ..., exposures: _Optional[int] = ..., labelled: _Optional[int] = ..., mean_quality: _Optional[float] = ..., harm_evidence: _Optional[float] = ..., agreement: _Optional[float] = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("name", "status", "reason", "share", "unit", "arms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    reason: str
    share: float
    unit: str
    arms: _containers.RepeatedCompositeFieldContainer[ArmReport]
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ..., share: _Optional[float] = ..., unit: _Optional[str] = ..., arms: _Optional[_Iterable[_Union[ArmReport, _Mapping]]] = ...) -> None: ...

class ListExperimentsResponse(_message.Message):
    __slots__ = ("experiments",)
    EXPERIMENTS_FIELD_NUMBER: _ClassVar[int]
    experiments: _containers.RepeatedCompositeFieldContainer[Experiment]
    def __init__(self, experiments: _Optional[_Iterable[_Union[Experiment, _Mapping]]] = ...) -> None: ...

class EvaluatePolicyRequest(_message.Message):
    __slots__ = ("policy", "window")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    policy: str
    window: _duration_pb2.Duration
    def __init__(self, policy: _Optional[str] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PolicyEstimate(_message.Message):
    __slots__ = ("method", "value", "low", "high")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    method: str
    value: float
    low: float
    high: float
    def __init__(self, method: _Optional[str] = ..., value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class EvaluatePolicyResponse(_message.Message):
    __slots__ = ("estimates", "decisions", "effective_sample_size", "support", "logged_value", "supported", "verdict", "gain", "clipped", "known_share", "cost_micros_per_1k", "logged_cost_micros_per_1k")
    ESTIMATES_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_SAMPLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    LOGGED_VALUE_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    CLIPPED_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SHARE_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_PER_1K_FIELD_NUMBER: _ClassVar[int]
    LOGGED_COST_MICROS_PER_1K_FIELD_NUMBER: _ClassVar[int]
    estimates: _containers.RepeatedCompositeFieldContainer[PolicyEstimate]
    decisions: int
    effective_sample_size: float
    support: float
    logged_value: float
    supported: bool
    verdict: str
    gain: PolicyEstimate
    clipped: int
    known_share: float
    cost_micros_per_1k: float
    logged_cost_micros_per_1k: float
    def __init__(self, estimates: _Optional[_Iterable[_Union[PolicyEstimate, _Mapping]]] = ..., decisions: _Optional[int] = ..., effective_sample_size: _Optional[float] = ..., support: _Optional[float] = ..., logged_value: _Optional[float] = ..., supported: bool = ..., verdict: _Optional[str] = ..., gain: _Optional[_Union[PolicyEstimate, _Mapping]] = ..., clipped: _Optional[int] = ..., known_share: _Optional[float] = ..., cost_micros_per_1k: _Optional[float] = ..., logged_cost_micros_per_1k: _Optional[float] = ...) -> None: ...

class AnalyzeRoutingRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: _duration_pb2.Duration
    def __init__(self, window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LayerReport(_message.Message):
    __slots__ = ("layer", "attempts", "decided", "capture", "mean_confidence", "mean_elapsed", "accuracy", "labelled", "missed", "false_positives")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FIELD_NUMBER: _ClassVar[int]
    MEAN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MEAN_ELAPSED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    FALSE_POSITIVES_FIELD_NUMBER: _ClassVar[int]
    layer: str
    attempts: int
    decided: int
    capture: float
    mean_confidence: float
    mean_elapsed: _duration_pb2.Duration
    accuracy: float
    labelled: int
    missed: int
    false_positives: int
    def __init__(self, layer: _Optional[str] = ..., attempts: _Optional[int] = ..., decided: _Optional[int] = ..., capture: _Optional[float] = ..., mean_confidence: _Optional[float] = ..., mean_elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., accuracy: _Optional[float] = ..., labelled: _Optional[int] = ..., missed: _Optional[int] = ..., false_positives: _Optional[int] = ...) -> None: ...

class EndpointReport(_message.Message):
    __slots__ = ("endpoint", "chosen", "labelled", "mean_quality", "low", "high")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    MEAN_QUALITY_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    chosen: int
    labelled: int
    mean_quality: float
    low: float
    high: float
    def __init__(self, endpoint: _Optional[str] = ..., chosen: _Optional[int] = ..., labelled: _Optional[int] = ..., mean_quality: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class AnalyzeRoutingResponse(_message.Message):
    __slots__ = ("decisions", "labelled", "accuracy", "corrected", "clarified", "layers", "endpoints", "alerts", "recommendations", "threshold_version", "observations", "events_dropped")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_FIELD_NUMBER: _ClassVar[int]
    CLARIFIED_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATIONS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    decisions: int
    labelled: int
    accuracy: float
    corrected: float
    clarified: float
    layers: _containers.RepeatedCompositeFieldContainer[LayerReport]
    endpoints: _containers.RepeatedCompositeFieldContainer[EndpointReport]
    alerts: _containers.RepeatedScalarFieldContainer[str]
    recommendations: _containers.RepeatedScalarFieldContainer[str]
    threshold_version: int
    observations: int
    events_dropped: int
    def __init__(self, decisions: _Optional[int] = ..., labelled: _Optional[int] = ..., accuracy: _Optional[float] = ..., corrected: _Optional[float] = ..., clarified: _Optional[float] = ..., layers: _Optional[_Iterable[_Union[LayerReport, _Mapping]]] = ..., endpoints: _Optional[_Iterable[_Union[EndpointReport, _Mapping]]] = ..., alerts: _Optional[_Iterable[str]] = ..., recommendations: _Optional[_Iterable[str]] = ..., threshold_version: _Optional[int] = ..., observations: _Optional[int] = ..., events_dropped: _Optional[int] = ...) -> None: ...

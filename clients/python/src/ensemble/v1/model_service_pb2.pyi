from ensemble.v1 import hole_pb2 as _hole_pb2
from ensemble.v1 import result_pb2 as _result_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_UNSPECIFIED: _ClassVar[Operation]
    OPERATION_GENERATE: _ClassVar[Operation]
    OPERATION_CRITIQUE: _ClassVar[Operation]
    OPERATION_REPAIR: _ClassVar[Operation]
OPERATION_UNSPECIFIED: Operation
OPERATION_GENERATE: Operation
OPERATION_CRITIQUE: Operation
OPERATION_REPAIR: Operation

class Draft(_message.Message):
    __slots__ = ("text", "issues")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ISSUES_FIELD_NUMBER: _ClassVar[int]
    text: str
    issues: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, text: _Optional[str] = ..., issues: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelServiceGenerateRequest(_message.Message):
    __slots__ = ("model", "prompt", "suffix", "sampling", "constraints", "language", "request_id", "candidate", "hole", "operation", "draft")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    SUFFIX_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    HOLE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: str
    suffix: str
    sampling: _hole_pb2.Sampling
    constraints: _containers.RepeatedCompositeFieldContainer[_hole_pb2.Constraint]
    language: str
    request_id: str
    candidate: int
    hole: _hole_pb2.HoleSpec
    operation: Operation
    draft: Draft
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[str] = ..., suffix: _Optional[str] = ..., sampling: _Optional[_Union[_hole_pb2.Sampling, _Mapping]] = ..., constraints: _Optional[_Iterable[_Union[_hole_pb2.Constraint, _Mapping]]] = ..., language: _Optional[str] = ..., request_id: _Optional[str] = ..., candidate: _Optional[int] = ..., hole: _Optional[_Union[_hole_pb2.HoleSpec, _Mapping]] = ..., operation: _Optional[_Union[Operation, str]] = ..., draft: _Optional[_Union[Draft, _Mapping]] = ...) -> None: ...

class ModelServiceGenerateResponse(_message.Message):
    __slots__ = ("text", "finish_reason", "model", "usage", "token_logprobs")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    text: str
    finish_reason: _result_pb2.FinishReason
    model: str
    usage: _result_pb2.Usage
    token_logprobs: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, text: _Optional[str] = ..., finish_reason: _Optional[_Union[_result_pb2.FinishReason, str]] = ..., model: _Optional[str] = ..., usage: _Optional[_Union[_result_pb2.Usage, _Mapping]] = ..., token_logprobs: _Optional[_Iterable[float]] = ...) -> None: ...

class ModelServiceGenerateStreamRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: ModelServiceGenerateRequest
    def __init__(self, request: _Optional[_Union[ModelServiceGenerateRequest, _Mapping]] = ...) -> None: ...

class ModelServiceGenerateStreamResponse(_message.Message):
    __slots__ = ("text", "token_logprobs", "done")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    text: str
    token_logprobs: _containers.RepeatedScalarFieldContainer[float]
    done: ModelServiceGenerateResponse
    def __init__(self, text: _Optional[str] = ..., token_logprobs: _Optional[_Iterable[float]] = ..., done: _Optional[_Union[ModelServiceGenerateResponse, _Mapping]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "max_context_tokens", "fills_suffix", "revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FILLS_SUFFIX_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    max_context_tokens: int
    fills_suffix: bool
    revision: str
    def __init__(self, name: _Optional[str] = ..., max_context_tokens: _Optional[int] = ..., fills_suffix: bool = ..., revision: _Optional[str] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

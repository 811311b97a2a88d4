from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HoleKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLE_KIND_UNSPECIFIED: _ClassVar[HoleKind]
    HOLE_KIND_EXPRESSION: _ClassVar[HoleKind]
    HOLE_KIND_STATEMENT: _ClassVar[HoleKind]
    HOLE_KIND_BLOCK: _ClassVar[HoleKind]
    HOLE_KIND_FUNCTION: _ClassVar[HoleKind]
    HOLE_KIND_MODULE: _ClassVar[HoleKind]
    HOLE_KIND_SPECIFICATION: _ClassVar[HoleKind]

class GrammarSyntax(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRAMMAR_SYNTAX_UNSPECIFIED: _ClassVar[GrammarSyntax]
    GRAMMAR_SYNTAX_LARK: _ClassVar[GrammarSyntax]
    GRAMMAR_SYNTAX_GBNF: _ClassVar[GrammarSyntax]
HOLE_KIND_UNSPECIFIED: HoleKind
HOLE_KIND_EXPRESSION: HoleKind
HOLE_KIND_STATEMENT: HoleKind
HOLE_KIND_BLOCK: HoleKind
HOLE_KIND_FUNCTION: HoleKind
HOLE_KIND_MODULE: HoleKind
HOLE_KIND_SPECIFICATION: HoleKind
GRAMMAR_SYNTAX_UNSPECIFIED: GrammarSyntax
GRAMMAR_SYNTAX_LARK: GrammarSyntax
GRAMMAR_SYNTAX_GBNF: GrammarSyntax

class FillConstraint(_message.Message):
    __slots__ = ("kind", "value", "error_message")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    value: str
    error_message: str
    def __init__(self, kind: _Optional[str] = ..., value: _Optional[str] = ..., error_message: _Optional[str] = ...) -> None: ...

class HoleOrigin(_message.Message):
    __slots__ = ("file", "line", "project_root", "intent")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ROOT_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    project_root: str
    intent: str
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ..., project_root: _Optional[str] = ..., intent: _Optional[str] = ...) -> None: ...

class HoleSpec(_message.Message):
    __slots__ = ("hole_id", "kind", "language", "expected_type", "json_schema", "grammar", "grammar_ref", "fill_constraints", "origin")
    HOLE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_TYPE_FIELD_NUMBER: _ClassVar[int]
    JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    GRAMMAR_FIELD_NUMBER: _ClassVar[int]
    GRAMMAR_REF_FIELD_NUMBER: _ClassVar[int]
    FILL_CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    hole_id: int
    kind: HoleKind
    language: str
    expected_type: str
    json_schema: JsonSchema
    grammar: Grammar
    grammar_ref: str
    fill_constraints: _containers.RepeatedCompositeFieldContainer[FillConstraint]
    origin: HoleOrigin
    def __init__(self, hole_id: _Optional[int] = ..., kind: _Optional[_Union[HoleKind, str]] = ..., language: _Optional[str] = ..., expected_type: _Optional[str] = ..., json_schema: _Optional[_Union[JsonSchema, _Mapping]] = ..., grammar: _Optional[_Union[Grammar, _Mapping]] = ..., grammar_ref: _Optional[str] = ..., fill_constraints: _Optional[_Iterable[_Union[FillConstraint, _Mapping]]] = ..., origin: _Optional[_Union[HoleOrigin, _Mapping]] = ...) -> None: ...

class JsonSchema(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    schema: str
    def __init__(self, schema: _Optional[str] = ...) -> None: ...

class GrammarRule(_message.Message):
    __slots__ = ("lhs", "rhs")
    LHS_FIELD_NUMBER: _ClassVar[int]
    RHS_FIELD_NUMBER: _ClassVar[int]
    lhs: str
    rhs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lhs: _Optional[str] = ..., rhs: _Optional[_Iterable[str]] = ...) -> None: ...

class Grammar(_message.Message):
    __slots__ = ("syntax", "text", "rules", "start")
    SYNTAX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    syntax: GrammarSyntax
    text: str
    rules: _containers.RepeatedCompositeFieldContainer[GrammarRule]
    start: str
    def __init__(self, syntax: _Optional[_Union[GrammarSyntax, str]] = ..., text: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[GrammarRule, _Mapping]]] = ..., start: _Optional[str] = ...) -> None: ...

class RegexPattern(_message.Message):
    __slots__ = ("pattern", "flags")
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    flags: str
    def __init__(self, pattern: _Optional[str] = ..., flags: _Optional[str] = ...) -> None: ...

class TokenMask(_message.Message):
    __slots__ = ("allowed_ids", "forbidden_ids")
    ALLOWED_IDS_FIELD_NUMBER: _ClassVar[int]
    FORBIDDEN_IDS_FIELD_NUMBER: _ClassVar[int]
    allowed_ids: _containers.RepeatedScalarFieldContainer[int]
    forbidden_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, allowed_ids: _Optional[_Iterable[int]] = ..., forbidden_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ForbiddenText(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class TypeGoal(_message.Message):
    __slots__ = ("goal", "current", "bindings", "language", "mask")
    class BindingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GOAL_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    BINDINGS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    goal: str
    current: str
    bindings: _containers.ScalarMap[str, str]
    language: str
    mask: TokenMask
    def __init__(self, goal: _Optional[str] = ..., current: _Optional[str] = ..., bindings: _Optional[_Mapping[str, str]] = ..., language: _Optional[str] = ..., mask: _Optional[_Union[TokenMask, _Mapping]] = ...) -> None: ...

class UnitTests(_message.Message):
    __slots__ = ("code", "entry_point", "cases")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_POINT_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    code: str
    entry_point: str
    cases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[str] = ..., entry_point: _Optional[str] = ..., cases: _Optional[_Iterable[str]] = ...) -> None: ...

class Constraint(_message.Message):
    __slots__ = ("name", "json_schema", "grammar", "regex", "token_mask", "forbidden_text", "type", "unit_tests", "priority", "advisory", "security", "rich_context", "feasible", "feasibility_score")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    GRAMMAR_FIELD_NUMBER: _ClassVar[int]
    REGEX_FIELD_NUMBER: _ClassVar[int]
    TOKEN_MASK_FIELD_NUMBER: _ClassVar[int]
    FORBIDDEN_TEXT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    UNIT_TESTS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ADVISORY_FIELD_NUMBER: _ClassVar[int]
    SECURITY_FIELD_NUMBER: _ClassVar[int]
    RICH_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FEASIBLE_FIELD_NUMBER: _ClassVar[int]
    FEASIBILITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    name: str
    json_schema: JsonSchema
    grammar: Grammar
    regex: RegexPattern
    token_mask: TokenMask
    forbidden_text: ForbiddenText
    type: TypeGoal
    unit_tests: UnitTests
    priority: int
    advisory: bool
    security: bool
    rich_context: str
    feasible: bool
    feasibility_score: float
    def __init__(self, name: _Optional[str] = ..., json_schema: _Optional[_Union[JsonSchema, _Mapping]] = ..., grammar: _Optional[_Union[Grammar, _Mapping]] = ..., regex: _Optional[_Union[RegexPattern, _Mapping]] = ..., token_mask: _Optional[_Union[TokenMask, _Mapping]] = ..., forbidden_text: _Optional[_Union[ForbiddenText, _Mapping]] = ..., type: _Optional[_Union[TypeGoal, _Mapping]] = ..., unit_tests: _Optional[_Union[UnitTests, _Mapping]] = ..., priority: _Optional[int] = ..., advisory: bool = ..., security: bool = ..., rich_context: _Optional[str] = ..., feasible: bool = ..., feasibility_score: _Optional[float] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("max_tokens", "temperature", "top_p", "top_k", "seed", "stop")
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_k: _Optional[int] = ..., seed: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ...) -> None: ...

"""The parameters of an inference as the fields of a GenerateRequest, which has the rules for them.

A parameter has one value: a list stands in a JSON array, an enum's member is its last word in small
letters. Numbers may also be texts, since older definitions of the protocol have no other form for
one with decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ensemble.v1 import gateway_service_pb2 as pb
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.core.faults import Fault, FieldViolation, invalid
from gateway.core.hole import Priority
from gateway.wire.oip.parameters import EMPTY_FINAL, Value, stops_from_text

PATHS: Mapping[str, str] = {
    "max_tokens": "sampling.max_tokens",
    "temperature": "sampling.temperature",
    "top_p": "sampling.top_p",
    "top_k": "sampling.top_k",
    "seed": "sampling.seed",
    "stop": "sampling.stop",
    "strategy": "strategy",
    "n": "n",
    "repair": "repair",
    "language": "hole.language",
    "kind": "hole.kind",
    "expected_type": "hole.expected_type",
    "json_schema": "hole.json_schema.schema",
    "objective": "objective",
    "routing_mode": "routing_mode",
    "cache_policy": "cache_policy",
    "priority": "priority",
    "session_id": "session_id",
    "required_tags": "endpoint_filter.required_tags",
    "forbidden_tags": "endpoint_filter.forbidden_tags",
    "max_cost_micros": "budget.max_cost_micros",
    "max_attempts": "budget.max_attempts",
    "trace": "trace",
}
"""Where each parameter stands in a GenerateRequest."""

NAMES = {path: f"parameters.{name}" for name, path in PATHS.items()}

TIMEOUT = "timeout"
SEQUENCE = "sequence_id"
WITHOUT_EFFECT = frozenset({"sequence_start", "sequence_end", EMPTY_FINAL})
"""What Triton's client adds by itself. The last answer of a stream always comes here."""

PRIORITIES = (Priority.INTERACTIVE, Priority.STANDARD, Priority.BATCH)
"""Triton's priority levels from 1 on; the last one is that of all higher numbers."""

WHOLE = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
DECIMAL = frozenset({FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT})


def apply(message: pb.GenerateRequest, values: Mapping[str, Value]) -> float | None:
    """Write parameters into a request; return the seconds that it may take, None when not said.

    Raises Fault for a name that is not known, with those that are, and for a value of a wrong form.
    """
    timeout_s = None
    for name, value in values.items():
        if name in WITHOUT_EFFECT:
            continue
        if name == TIMEOUT:
            timeout_s = _seconds(value)
        elif name == SEQUENCE:
            message.session_id = str(value)
        elif name in PATHS:
            _write(message, name, value)
        else:
            known = ", ".join(sorted({*PATHS, TIMEOUT, SEQUENCE}))
            raise invalid(f"parameters.{name[:100]}", f"is not known; known are {known}")
    return timeout_s


def renamed(fault: Fault) -> Fault:
    """Name the fields of a fault as the caller of this protocol does."""
    found = tuple(
        FieldViolation(NAMES.get(item.field.partition("[")[0], item.field), item.description)
        for item in fault.violations
    )
    if found == fault.violations:
        return fault
    words = "; ".join(f"{item.field}: {item.description}" for item in found)
    return Fault(fault.kind, fault.origin, fault.reason, words, violations=found)


def _write(message: pb.GenerateRequest, name: str, value: Value) -> None:
    *folders, last = PATHS[name].split(".")
    target: Message = message
    for folder in folders:
        target = cast("Message", getattr(target, folder))
    field = cast("FieldDescriptor", target.DESCRIPTOR.fields_by_name[last])
    if name == "priority" and isinstance(value, int):
        # Triton's number for the server's own default.
        if not value:
            return
        value = PRIORITIES[min(max(value, 1), len(PRIORITIES)) - 1]
    try:
        converted = _converted(field, value)
        if field.is_repeated:
            getattr(target, last).extend(converted)
        else:
            setattr(target, last, converted)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise invalid(f"parameters.{name}", f"must be {_wanted(field)}") from None


def _converted(field: FieldDescriptor, value: Value) -> object:
    """Make a value of a field's type. Raises ValueError."""
    kind = field.cpp_type
    if field.is_repeated:
        return stops_from_text(_text(value))
    if field.enum_type is not None:
        return _members(field.enum_type)[_text(value)]
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return _text(value)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "false": False}[str(value).lower()]
    # A yes or no is no number here, though it is one in Python.
    words = str(value).lower() if isinstance(value, bool) else value
    return float(words) if kind in DECIMAL else _whole(words)


def _whole(value: Value) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - as every value of a wrong form
    return value


def _members(kind: EnumDescriptor) -> Mapping[str, int]:
    """Map each member's last word to its number, without the one that says nothing."""
    nothing, *members = kind.values
    prefix = nothing.name.removesuffix("UNSPECIFIED")
    return {member.name.removeprefix(prefix).lower(): member.number for member in members}


def _wanted(field: FieldDescriptor) -> str:
    if field.enum_type is not None:
        return f"one of {', '.join(_members(field.enum_type))}"
    if field.is_repeated:
        return "a text, or a JSON array of texts"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true or false"
    if field.cpp_type in DECIMAL:
        return "a number"
    return "a whole number, not below 0" if field.cpp_type in WHOLE else "a text"


def _seconds(value: Value) -> float | None:
    """Read Triton's timeout, in microseconds; 0 is none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid(f"parameters.{TIMEOUT}", "must be microseconds, a whole number")
    return value / 1e6 or None

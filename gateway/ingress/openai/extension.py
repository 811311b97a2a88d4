"""The object `ensemble` of a request: a GenerateRequest in JSON, with the same checks.

Beside the names of the proto it knows what is handier in JSON: enum values in lower case without
their prefix, seconds as numbers, `language` and `kind` of the hole, `cache` for `cache_policy`, and
`timeout_s`.
"""

from __future__ import annotations

import re
from typing import Any, cast

from ensemble.v1 import gateway_service_pb2 as pb
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.core.faults import Fault, FieldViolation, invalid
from gateway.core.value import value
from gateway.ingress.messages import POOL
from gateway.ingress.openai.fields import Json, list_of, number_of, object_of, text_of, unknown

NAME = "ensemble"
MAX_ITEMS = 4096
SECONDS_A_DAY = 86_400
FIRST_PARTS = {"prompt", "sampling"}
"""Their fields stand beside `ensemble`, as that API names them."""

_GENERATE = POOL.FindMessageTypeByName(pb.GenerateRequest.DESCRIPTOR.full_name)
_MESSAGE = cast("type[pb.GenerateRequest]", message_factory.GetMessageClass(_GENERATE))
_DURATION = "google.protobuf.Duration"
_OF_HOLE = ("language", "kind")
_KNOWN = (
    *(each.name for each in _GENERATE.fields if each.name not in FIRST_PARTS),
    *_OF_HOLE,
    "top_k",
    "cache",
    "timeout_s",
)
_NUMBERS = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}


@value
class Extension:
    """`message` has everything but the prompt; `timeout_s` is None where it is not stated."""

    message: pb.GenerateRequest
    timeout_s: float | None = None


def extension_of(fields: Json) -> Extension:
    """Read the object. Raises Fault(INVALID) naming the field at fault."""
    given = {name: one for name, one in fields.items() if one is not None}
    for name in given:
        if name not in _KNOWN:
            raise unknown(f"{NAME}.{name[:64]}", _KNOWN)
    timeout = given.pop("timeout_s", None)
    _shorten(given)
    translated = cast("dict[str, Any]", _message(NAME, given, _GENERATE))
    message = _MESSAGE()
    try:
        json_format.ParseDict(translated, message)
    except json_format.ParseError as error:
        raise invalid(NAME, _words(error)) from None
    return Extension(
        message,
        None if timeout is None else number_of(f"{NAME}.timeout_s", timeout, 0.001, SECONDS_A_DAY),
    )


def renamed(fault: Fault, prompt: str) -> Fault:
    """Name the fields of a fault about the message in the caller's terms.

    `prompt` is what the prompt is called by the caller.
    """
    found = tuple(
        FieldViolation(
            prompt if item.field == "prompt" else f"{NAME}.{item.field}".removesuffix("."),
            item.description,
        )
        for item in fault.violations
    )
    words = "; ".join(f"{item.field}: {item.description}" for item in found)
    return Fault(fault.kind, fault.origin, fault.reason, words, violations=found)


def _shorten(given: dict[str, object]) -> None:
    """Put what has a handier name in JSON in its place."""
    if "cache" in given:
        given["cache_policy"] = given.pop("cache")
    if "top_k" in given:
        given["sampling"] = {"top_k": given.pop("top_k")}
    of_hole = {name: given.pop(name) for name in _OF_HOLE if name in given}
    if of_hole:
        given["hole"] = {**object_of(f"{NAME}.hole", given.get("hole", {})), **of_hole}


def _message(path: str, fields: Json, kind: Descriptor) -> dict[str, object]:
    known = kind.fields_by_name
    for name in fields:
        if name not in known:
            raise unknown(f"{path}.{name[:64]}", tuple(known))
    return {
        name: _field(f"{path}.{name}", one, known[name])
        for name, one in fields.items()
        if one is not None
    }


def _field(path: str, given: object, field: FieldDescriptor) -> object:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        pairs = object_of(path, given)
        return {key: _one(f"{path}.{key[:64]}", one, kind.fields[1]) for key, one in pairs.items()}
    if field.is_repeated:
        items = list_of(path, given, MAX_ITEMS)
        return [_one(f"{path}[{place}]", item, field) for place, item in enumerate(items)]
    return _one(path, given, field)


def _one(path: str, given: object, field: FieldDescriptor) -> object:
    kind = field.message_type
    if kind is not None and kind.full_name == _DURATION:
        return f"{number_of(path, given, 0, SECONDS_A_DAY):.6f}s"
    if kind is not None:
        return _message(path, object_of(path, given), kind)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return text_of(path, given)
    if field.enum_type is not None:
        return _word(path, given, field.enum_type)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if not isinstance(given, bool):
            raise invalid(path, "must be true or false")
    elif isinstance(given, bool) or not isinstance(
        given, (int, float) if field.cpp_type in _NUMBERS else int
    ):
        raise invalid(path, "must be a number")
    return given


def _word(path: str, given: object, kind: EnumDescriptor) -> str:
    """Write `best_of_n` as STRATEGY_BEST_OF_N; the whole name is taken too."""
    names = [each.name for each in kind.values]
    prefix = names[0].removesuffix("UNSPECIFIED")
    words = {name.removeprefix(prefix).lower(): name for name in names[1:]}
    asked = given if isinstance(given, str) else ""
    if asked not in names[1:] and asked not in words:
        raise invalid(path, f"must be one of: {', '.join(words)}")
    return words.get(asked, asked)


_FAILED = re.compile(r"Failed to parse \w+ field: ")


def _words(error: json_format.ParseError) -> str:
    """Return what is wrong, without the runtime's own preamble."""
    return _FAILED.sub("", str(error))[:300]

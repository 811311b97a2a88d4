"""Raw bytes to checked messages.

The messages come from a descriptor pool of our own, built from the same protos *with* their
protovalidate rules, which the thin client's stubs leave out. They are read like the stubs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Generic, TypeVar, cast

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    message_factory,
    timestamp_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from protovalidate import Validator, Violation
from protovalidate._gen.buf.validate import validate_pb

from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason
from gateway.ingress.utf8 import broken_text

WireMessage = TypeVar("WireMessage", bound=Message)

WELL_KNOWN = (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2)
MAX_VIOLATIONS = 16


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for module in WELL_KNOWN:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    # The wheel embeds the rules' own descriptor under a private name; tests/house watches it.
    pool.AddSerializedFile(validate_pb._DESC.proto.to_binary())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    rules = files("gateway.ingress").joinpath("rules.binpb").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(rules).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


POOL = _pool()
VALIDATOR = Validator()


class Reader(Generic[WireMessage]):
    """Parses and checks one kind of message; every violation is reported at once."""

    def __init__(self, kind: type[WireMessage], *, ours: bool = True) -> None:
        """`kind` is the stub whose fields the message has; one that is not `ours` has no rules."""
        name = kind.DESCRIPTOR.full_name
        own = cast("Descriptor", kind.DESCRIPTOR)
        descriptor = POOL.FindMessageTypeByName(name) if ours else own
        checked = cast("type[WireMessage]", message_factory.GetMessageClass(descriptor))
        self._parse: Callable[[bytes], WireMessage] = checked.FromString
        self._descriptor = descriptor

    def __call__(self, raw: bytes) -> WireMessage:
        """Read and check a message. Raises Fault(INVALID) naming each field at fault."""
        message = self.parse(raw)
        check(message)
        return message

    def parse(self, raw: bytes) -> WireMessage:
        """Read a message without checking it. Raises Fault(INVALID) when the bytes are none."""
        try:
            return self._parse(raw)
        except DecodeError:
            raise self._unreadable(raw) from None

    def _unreadable(self, raw: bytes) -> Fault:
        field = broken_text(raw, self._descriptor)
        words = (
            "is not valid UTF-8; send text, not arbitrary bytes"
            if field
            else f"the bytes are no {self._descriptor.full_name}"
        )
        return Fault(
            Kind.INVALID,
            Origin.CALLER,
            Reason.UNREADABLE_MESSAGE,
            f"{field}: {words}" if field else words,
            violations=(FieldViolation(field, words),) if field else (),
        )


def check(message: Message) -> None:
    """Raise Fault(INVALID) with every rule that a parsed message breaks."""
    violations = VALIDATOR.collect_violations(message)
    if violations:
        raise _invalid(violations)


def _invalid(violations: list[Violation]) -> Fault:
    found = tuple(
        FieldViolation(_path(violation), violation.proto.message)
        for violation in violations[:MAX_VIOLATIONS]
    )
    return Fault(
        Kind.INVALID,
        Origin.CALLER,
        Reason.INVALID_FIELD,
        # A rule of the whole message names its fields itself.
        "; ".join(f"{item.field}: {item.description}".removeprefix(": ") for item in found),
        violations=found,
    )


def _path(violation: Violation) -> str:
    """Write the path of a field the way a caller would: `constraints[2].regex.pattern`."""
    parts: list[str] = []
    field = violation.proto.field
    for element in field.elements if field else ():
        subscript = element.subscript
        place = "" if subscript is None else f"[{subscript.value}]"
        parts.append(f"{element.field_name}{place}")
    return ".".join(parts)

"""Find the text field that made a message unreadable, so that the caller can be told."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_DEPTH = 16


def broken_text(raw: bytes, descriptor: Descriptor, depth: int = 0) -> str:
    """Return the path of the first string field that is not UTF-8; empty when there is none.

    Walks the wire format (https://protobuf.dev/programming-guides/encoding/); used only after the
    parser refused the message. Stops at anything it cannot read.
    """
    if depth > MAX_DEPTH:
        return ""
    counts: dict[int, int] = {}
    for number, value in _fields(raw):
        field = descriptor.fields_by_number.get(number)
        if field is None:
            continue
        place = counts[number] = counts.get(number, -1) + 1
        name = f"{field.name}[{place}]" if field.is_repeated else field.name
        if field.type == FieldDescriptor.TYPE_STRING and not _is_text(value):
            return name
        if field.message_type is not None:
            inner = broken_text(value, field.message_type, depth + 1)
            if inner:
                return f"{name}.{inner}"
    return ""


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and value of each length-delimited field, as far as the bytes make sense."""
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        kind = tag & 7
        if kind == VARINT:
            _, at = _varint(raw, at)
        elif kind == FIXED64:
            at += 8
        elif kind == FIXED32:
            at += 4
        elif kind == BYTES:
            size, at = _varint(raw, at)
            yield tag >> 3, raw[at : at + size]
            at += size
        else:
            return


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Read a varint of at most ten bytes; returns it and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(raw):
            break
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            break
    return value, at

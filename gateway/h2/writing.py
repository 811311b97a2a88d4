"""Fields into header blocks (RFC 7541), without any state: nothing is ever put into a table.

The first block of a connection begins with a change of the table's size to 0, which holds for any
size that the peer allows. The same fields are the same bytes, which their sender may keep.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from gateway.h2.static_table import BY_FIELD, BY_NAME

NO_TABLE = b"\x20"
"""Begins the first block of a connection."""

_INDEXED, _NEVER = 0x80, 0x10
_NAME_BITS, _LENGTH_BITS = 0x0F, 0x7F
KEPT_FIELDS, KEPT_BYTES = 4096, 256


def block(fields: Iterable[tuple[bytes, bytes]], secret: frozenset[bytes] = frozenset()) -> bytes:
    """Write a header block; the values of `secret` names are never to be indexed by anybody."""
    return b"".join(
        field(name, value, never=True) if name in secret else _kept(name, value)
        for name, value in fields
    )


def field(name: bytes, value: bytes, *, never: bool = False) -> bytes:
    """Write one field, by the static table where it stands there."""
    if not never:
        index = BY_FIELD.get((name, value))
        if index is not None:
            return bytes((_INDEXED | index,))
    flag = _NEVER if never else 0
    index = BY_NAME.get(name)
    if index is None:
        return bytes((flag,)) + _text(name) + _text(value)
    return _number(index, _NAME_BITS, flag) + _text(value)


@lru_cache(maxsize=KEPT_FIELDS)
def _remembered(name: bytes, value: bytes) -> bytes:
    return field(name, value)


def _kept(name: bytes, value: bytes) -> bytes:
    return field(name, value) if len(value) > KEPT_BYTES else _remembered(name, value)


def _text(text: bytes) -> bytes:
    # Not Huffman-coded: that saves a few bytes and costs more time than all of the rest.
    length = len(text)
    if length < _LENGTH_BITS:
        return bytes((length,)) + text
    return _number(length, _LENGTH_BITS, 0) + text


def _number(number: int, most: int, flags: int) -> bytes:
    """Write a number behind flags (RFC 7541 §5.1)."""
    if number < most:
        return bytes((flags | number,))
    out = bytearray((flags | most,))
    number -= most
    while number > _LENGTH_BITS:
        out.append(0x80 | number & _LENGTH_BITS)
        number >>= 7
    out.append(number)
    return bytes(out)

"""Canonical bytes of a value: two values have the same bytes exactly when they are the same.

Every part carries its type and its length, so that no two parts can run together. Fields of a
`value` that have their default are left out: that is quicker, and a field that is added to a class
changes nothing for those who do not set it. What has no one way to be written (a list that may
change, a set in no order, any object that is no `value`) is refused: `str()` of such a thing
differs from run to run, or is the same for different things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from math import isnan
from operator import attrgetter
from struct import Struct
from typing import Any

_DOUBLE = Struct(">cd").pack
_LENGTH = Struct(">cQ").pack
"""A tag and a number; packed, because formatting bytes costs more."""

Writer = Callable[[Any, list[bytes]], None]


class NotCanonicalError(TypeError):
    """A part of a value has no canonical bytes; the message names its type, never its content."""


def canonical(value: object) -> bytes:
    """Write None, bool, int, float, str, bytes, StrEnum, tuples, frozensets and `value`s of those.

    Two numbers of different types differ, 0.0 and -0.0 do not. Raises NotCanonicalError for
    anything else, and for NaN, which is not the same as itself.
    """
    out: list[bytes] = []
    _WRITERS[type(value)](value, out)
    return b"".join(out)


def _write_text(value: str, out: list[bytes]) -> None:
    raw = value.encode("utf-8", "surrogatepass")
    out.append(_LENGTH(b"s", len(raw)))
    out.append(raw)


def _write_bytes(value: bytes, out: list[bytes]) -> None:
    out.append(_LENGTH(b"b", len(value)))
    out.append(value)


def _write_int(value: int, out: list[bytes]) -> None:
    out.append(b"i%d;" % value)


def _write_float(value: float, out: list[bytes]) -> None:
    if isnan(value):
        raise NotCanonicalError("float: NaN is not the same as itself")
    # Adding 0.0 makes 0.0 of -0.0.
    out.append(_DOUBLE(b"d", value + 0.0))


def _write_bool(value: bool, out: list[bytes]) -> None:  # noqa: FBT001 - a writer's shape
    out.append(b"t" if value else b"f")


def _write_none(_: None, out: list[bytes]) -> None:
    out.append(b"n")


def _write_tuple(value: tuple[object, ...], out: list[bytes]) -> None:
    out.append(b"(%d:" % len(value))
    for item in value:
        _WRITERS[type(item)](item, out)


def _write_set(value: frozenset[object], out: list[bytes]) -> None:
    out.append(b"{%d:" % len(value))
    out += sorted(map(canonical, value))


def _writer_of(kind: type[Any]) -> Writer:
    if issubclass(kind, StrEnum):
        return _members_writer(kind)
    # What may change has no hash.
    if is_dataclass(kind) and kind.__hash__ is not None:
        return fields_writer(kind, tuple(field.name for field in fields(kind)))
    raise NotCanonicalError(f"{kind.__name__} has no canonical bytes")


def _members_writer(kind: type[StrEnum]) -> Writer:
    names = [(member, f"{kind.__qualname__}.{member}".encode()) for member in kind]
    # By identity: an Enum's hash is computed in Python.
    written = {id(member): b"e%d:%b" % (len(name), name) for member, name in names}

    def write(value: StrEnum, out: list[bytes]) -> None:
        out.append(written[id(value)])

    return write


def fields_writer(kind: type[Any], names: tuple[str, ...]) -> Writer:
    """Make what writes these fields of a class of values, behind its name.

    Other classes may have the same fields.
    """
    name = kind.__qualname__.encode()
    head = b"v%d:%b" % (len(name), name)
    by_name = {field.name: field.default for field in fields(kind)}
    defaults = tuple(by_name[each] for each in names)
    places = tuple(b".%d" % place for place in range(len(names)))
    # The class twice, for attrgetter of one name gives no tuple.
    every = attrgetter(*names, "__class__", "__class__")

    def write(value: object, out: list[bytes]) -> None:
        out.append(head)
        for item, default, place in zip(every(value), defaults, places, strict=False):
            if item is default or (type(item) is type(default) and item == default):
                continue
            out.append(place)
            _WRITERS[type(item)](item, out)
        out.append(b";")

    return write


class _Writers(dict[type[object], Writer]):
    """How each type is written; classes of the product are added as they are met."""

    def __missing__(self, kind: type[object]) -> Writer:
        writer = self[kind] = _writer_of(kind)
        return writer


_WRITERS = _Writers(
    {
        str: _write_text,
        bytes: _write_bytes,
        int: _write_int,
        float: _write_float,
        bool: _write_bool,
        type(None): _write_none,
        tuple: _write_tuple,
        frozenset: _write_set,
    }
)

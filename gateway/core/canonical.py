"""Canonical bytes of a value: two values have the same bytes exactly when they are the same.

A value is brought into a form of plain parts, which `marshal` writes: each part with its type and
its length, so that no two parts can run together, and with no reference to another part, so that
the bytes depend on nothing but the value (version 2 of that format; later ones mark what is shared
or interned). Fields that have their default are left out: that is quicker, and a field that is
added to a class changes nothing for those who do not set it. A tuple becomes a list; the tuples of
a form begin with what they stand for. What has no one way to be written (a list that may change,
any object that is no `value`) is refused: `str()` of such a thing differs from run to run, or is
the same for different things.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from itertools import compress
from math import isnan
from operator import attrgetter, is_not
from types import MappingProxyType
from typing import Any

Form = Callable[[Any], object]
"""Brings a part of one type into its form."""

_VERSION = 2
_PLAIN = frozenset({str, bytes, int, bool, type(None)})
"""What `marshal` writes in one way only, as it is."""

NO_PARTS: Mapping[str, type[Any]] = MappingProxyType({})
_MEMBER, _SET = 0, 1
"""What a tuple of a form stands for, beside the values of a class, which begin with its name."""


class NotCanonicalError(TypeError):
    """A part of a value has no canonical bytes; the message names its type, never its content."""


def canonical(value: object) -> bytes:
    """Write None, bool, int, float, str, bytes, StrEnum, tuples, frozensets and `value`s of those.

    Two numbers of different types differ, 0.0 and -0.0 do not. Raises NotCanonicalError for
    anything else, and for NaN, which is not the same as itself.
    """
    return written(form_of(value))


def form_of(value: object) -> object:
    """Bring a value into the form that `written` takes. Raises NotCanonicalError."""
    kind = type(value)
    return value if kind in _PLAIN else _FORMS[kind](value)


def written(form: Any) -> bytes:
    """Write a form; tuples, lists and bytes of forms are forms too."""
    return marshal.dumps(form, _VERSION)


def fields_form(
    kind: type[Any], names: tuple[str, ...], inlined: Mapping[str, type[Any]] = NO_PARTS
) -> Form:
    """Make what brings these fields of a class of values into a form, behind its name.

    `inlined` names fields, `a` or `a.b`, that always hold a value of the class given: theirs stand
    in their place, and all are fetched at once. Other classes may have the same fields.
    """
    name = kind.__qualname__
    leaves = tuple(_leaves(kind, names, inlined))
    names, defaults = tuple(path for path, _ in leaves), tuple(default for _, default in leaves)
    plain = [None if default is MISSING else form_of(default) for default in defaults]
    # The class twice, for attrgetter of one name gives no tuple.
    every = attrgetter(*names, "__class__", "__class__")
    places = tuple(range(len(names)))

    def form(value: object) -> object:
        parts = every(value)
        out: list[object] = [name]
        for place in compress(places, map(is_not, parts, defaults)):
            part = parts[place]
            if type(part) not in _PLAIN:
                part = _FORMS[type(part)](part)
            # 1, 1.0 and True are equal, and not the same.
            if part != plain[place] or written(part) != written(plain[place]):
                out.append(names[place])
                out.append(part)
        return tuple(out)

    return form


def _leaves(
    kind: type[Any], names: Collection[str], inlined: Mapping[str, type[Any]], within: str = ""
) -> Iterator[tuple[str, object]]:
    """List the fields that are written with their defaults, those of inlined values among them."""
    for field in fields(kind):
        path = within + field.name
        if field.name not in names:
            continue
        if path in inlined:
            inner = inlined[path]
            every = [one.name for one in fields(inner)]
            yield from _leaves(inner, every, inlined, f"{path}.")
        else:
            yield path, field.default


def _float_form(value: float) -> object:
    if isnan(value):
        raise NotCanonicalError("float: NaN is not the same as itself")
    # Adding 0.0 makes 0.0 of -0.0.
    return value + 0.0


def _tuple_form(value: tuple[object, ...]) -> object:
    return [it if type(it) in _PLAIN else _FORMS[type(it)](it) for it in value]


def _set_form(value: frozenset[object]) -> object:
    return (_SET, sorted(map(canonical, value)))


def _form_of_kind(kind: type[Any]) -> Form:
    if issubclass(kind, StrEnum):
        return _members_form(kind)
    # What may change has no hash.
    if is_dataclass(kind) and kind.__hash__ is not None:
        return fields_form(kind, tuple(field.name for field in fields(kind)))
    raise NotCanonicalError(f"{kind.__name__} has no canonical bytes")


def _members_form(kind: type[StrEnum]) -> Form:
    # By identity: an Enum's hash is computed in Python.
    forms = {id(member): (_MEMBER, f"{kind.__qualname__}.{member}") for member in kind}

    def form(value: StrEnum) -> object:
        return forms[id(value)]

    return form


class _Forms(dict[type[object], Form]):
    """How each type is brought into a form; classes of the product are added as they are met."""

    def __missing__(self, kind: type[object]) -> Form:
        form = self[kind] = _form_of_kind(kind)
        return form


_FORMS = _Forms({float: _float_form, tuple: _tuple_form, frozenset: _set_form})

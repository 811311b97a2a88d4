"""How much memory a value takes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from sys import getsizeof
from typing import Any, cast

NUMBERS = frozenset({int, float})


def size_of(value: object) -> int:
    """Count the bytes of a value with all that it holds, each part once.

    What other values share with it, such as names of endpoints, is counted as if it were its own.
    Members of enums and what is made only once take nothing.
    """
    return _size(value, set())


def _size(value: object, seen: set[int]) -> int:
    if value is None or isinstance(value, bool | Enum) or id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, tuple | frozenset):
        items = cast("Collection[object]", value)
        if NUMBERS.issuperset(map(type, items)):
            # A long answer has a number for each token.
            return getsizeof(items) + sum(map(getsizeof, items))
        return getsizeof(items) + sum(_size(item, seen) for item in items)
    if is_dataclass(value):
        parts = (getattr(value, name) for name in _names(type(value)))
        return getsizeof(value) + sum(_size(part, seen) for part in parts)
    return getsizeof(value)


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))

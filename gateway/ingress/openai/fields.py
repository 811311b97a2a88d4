"""Reading the fields of a JSON body: each reader takes the field's path and what stands there.

All of them raise Fault(INVALID) with the path, in the caller's own terms. What is null was left
out before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from gateway.core.faults import Fault, invalid

Json = Mapping[str, object]


def text_of(field: str, value: object) -> str:
    """Take a text."""
    if not isinstance(value, str):
        raise invalid(field, "must be a string")
    return value


def flag_of(field: str, value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise invalid(field, "must be true or false")
    return value


def integer_of(field: str, value: object, least: int, most: int) -> int:
    """Take a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(field, f"must be a whole number from {least} to {most}")
    return value


def number_of(field: str, value: object, least: float, most: float) -> float:
    """Take a number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise invalid(field, f"must be a number from {least:g} to {most:g}")
    return float(value)


def object_of(field: str, value: object) -> Json:
    """Take an object."""
    if not isinstance(value, dict):
        raise invalid(field, "must be an object")
    return cast("dict[str, object]", value)


def list_of(field: str, value: object, most: int) -> list[object]:
    """Take a list of at most so many items."""
    if not isinstance(value, list):
        raise invalid(field, "must be a list")
    items = cast("list[object]", value)
    if len(items) > most:
        raise invalid(field, f"must have at most {most} items")
    return items


def word_of(field: str, value: object, words: Collection[str]) -> str:
    """Take one of these words."""
    if not isinstance(value, str) or value not in words:
        raise invalid(field, f"must be one of: {', '.join(words)}")
    return value


def known_only(field: str, value: Json, names: Collection[str]) -> None:
    """Refuse an object with a field that nobody would read."""
    for name in value:
        if name not in names:
            raise unknown(f"{field}.{name}", names)


def unknown(field: str, names: Collection[str]) -> Fault:
    """Say that a field is none of those that are known."""
    return invalid(field, f"is not known here; known are: {', '.join(names)}")


def unsupported(field: str, why: str) -> Fault:
    """Say that a field of that API would change the answer and cannot be honoured."""
    return invalid(field, f"is not supported: {why}")

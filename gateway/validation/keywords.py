"""JSON schema keywords whose cost is bounded, in place of the library's own.

The library matches `pattern` with Python's backtracking expressions, downloads a `$ref` that is an
address, and spends exponential time on nested references. Here expressions are RE2's, nothing is
downloaded, and every evaluation of a keyword counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast

from gateway.validation.regex import Pattern, compile_pattern

MAX_STEPS = 100_000
"""Evaluations of keywords, each weighted by the size of its value, spent on one candidate."""

Keyword = Callable[[Any, Any, Any, Any], Iterable[Any] | None]
"""Takes validator, the keyword's value, the instance and the schema around; gives errors."""


class StepsSpentError(Exception):
    """The check of one candidate used up its steps."""


@dataclass(slots=True)
class _Steps:
    left: int


_steps: ContextVar[_Steps] = ContextVar("_steps")


def first_error(validator: Any, value: object, max_steps: int) -> Any:
    """Return the first error of a value, or None.

    Raises StepsSpentError, and RecursionError or ArithmeticError from the library.
    """
    token = _steps.set(_Steps(max_steps))
    try:
        return next(validator.iter_errors(value), None)
    finally:
        _steps.reset(token)


def _spend(count: int) -> None:
    steps = _steps.get()
    steps.left -= count
    if steps.left < 0:
        raise StepsSpentError


def _counted(keyword: Keyword) -> Keyword:
    def evaluate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[Any] | None:
        size = len(cast("list[Any]", value)) if isinstance(value, list | dict) else 0
        _spend(1 + size)
        return keyword(validator, value, instance, schema)

    return evaluate


@lru_cache(maxsize=256)
def pattern_of(source: str) -> Pattern:
    """Compile an expression of a schema once. Raises RegexError."""
    return compile_pattern(source)


def _matches(source: str, text: str) -> bool:
    return pattern_of(source).occurs(text.encode(errors="replace"))


def _broken(keyword: str) -> Any:
    from jsonschema import ValidationError  # noqa: PLC0415 - an idle gateway does not load it

    return ValidationError(keyword)


def _pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    del validator, schema
    if isinstance(instance, str) and not _matches(value, instance):
        yield _broken("pattern")


def _pattern_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    del schema
    if isinstance(instance, dict):
        for name, item in cast("dict[str, Any]", instance).items():
            for source, subschema in value.items():
                if _matches(source, name):
                    yield from validator.descend(item, subschema, path=name, schema_path=source)


def _additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    sources = schema.get("patternProperties", {})
    for name, item in cast("dict[str, Any]", instance).items():
        if name in known or any(_matches(source, name) for source in sources):
            continue
        if value is False:
            yield _broken("additionalProperties")
        else:
            yield from validator.descend(item, value, path=name)


def _unique_items(library: Keyword) -> Keyword:
    def evaluate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[Any] | None:
        if isinstance(instance, list):
            items = cast("list[object]", instance)
            # The library compares objects and arrays pair by pair.
            if any(isinstance(item, list | dict) for item in items):
                _spend(len(items) ** 2 // 8)
        return library(validator, value, instance, schema)

    return evaluate


@cache
def validator_class() -> Any:
    """The library's validator of draft 2020-12 with the keywords of this module."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - idle memory

    library = cast("dict[str, Keyword]", Draft202012Validator.VALIDATORS)
    ours = library | {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items(library["uniqueItems"]),
    }
    extend = cast("Callable[..., Any]", validators.extend)
    return extend(Draft202012Validator, {name: _counted(ours[name]) for name in ours})

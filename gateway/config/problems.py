"""Everything that is wrong with a configuration, at once: where, why, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

MENDS: Mapping[str, str] = {
    "missing": "add the key",
    "extra_forbidden": "remove it or correct its spelling",
    "string_pattern_mismatch": "start with a letter or digit; letters, digits, . _ - may follow",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `path` is written as in the file: `endpoint[2].timeout_s`."""

    path: str
    why: str
    mend: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}. To mend it: {self.mend}"


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` has every mistake found."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__(f"{source}: {count} in the configuration:{lines}")
        self.source = source
        self.problems = problems


def problems_of(error: ValidationError, schema: type[BaseModel]) -> tuple[Problem, ...]:
    """Translate what pydantic found; values are not repeated, they might be secret."""
    return tuple(_problem(details, schema) for details in error.errors(include_url=False))


def _problem(details: ErrorDetails, schema: type[BaseModel]) -> Problem:
    kind = details["type"]
    location = details["loc"]
    why = details["msg"].removeprefix("Value error, ")
    mend = MENDS.get(kind, "")
    if kind == "extra_forbidden":
        why = "no such key"
        near = difflib.get_close_matches(str(location[-1]), _keys(schema, location[:-1]), n=1)
        if near:
            mend = f"did you mean {near[0]!r}?"
    if not mend:
        mend = _expected(details)
    return Problem(path_of(location), why, mend)


def _expected(details: ErrorDetails) -> str:
    context = cast("Mapping[str, Any]", details.get("ctx", {}))
    if "expected" in context:
        return f"use one of {context['expected']}"
    return "change the value as the message says"


def path_of(location: Iterable[int | str]) -> str:
    """Write a location as a path: names joined by dots, places in brackets."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _keys(schema: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """List the keys that are known at a location."""
    current: type[BaseModel] = schema
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        inner = _model_in(field.annotation if field else None)
        if inner is None:
            return []
        current = inner
    return list(current.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Find the table that a field holds, alone or in an array."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None

"""Requirements that no text can meet, as far as that is plain to see (HS-06)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import cast

from gateway.core.constraint import TokenMask, VerdictStatus
from gateway.core.faults import FieldViolation
from gateway.core.value import value
from gateway.validation.finding import Check
from gateway.validation.forbidden import Forbidden
from gateway.validation.schema import SchemaCheck

MAX_VALUES = 256
"""Most listed values of a schema that are tried."""

MAX_STEPS = 1_000
"""Steps spent on one value; what takes longer is left to the check of the candidates."""


@value
class Requirement:
    """A required check with the path of its constraint and the name of its verdict."""

    path: str
    name: str
    check: Check


def contradictions(requirements: Sequence[Requirement]) -> Iterator[FieldViolation]:
    """Name every schema that no value meets, alone or together with the other requirements."""
    for requirement in requirements:
        if isinstance(requirement.check, SchemaCheck):
            why = _why_impossible(requirement.check, requirements)
            if why:
                yield FieldViolation(requirement.path, f"{requirement.name!r} {why}")


def _why_impossible(check: SchemaCheck, requirements: Sequence[Requirement]) -> str:
    if check.schema is False or _negates_everything(check.schema):
        return "allows no value at all; loosen the schema"
    values = _listed(check.schema)
    if values is None:
        return ""
    if not values:
        return "lists no value; add one"
    if len(values) > MAX_VALUES or any(_possible(value, requirements) for value in values):
        return ""
    return "lists only values that the schemas and forbidden texts rule out; loosen one of them"


def _negates_everything(schema: object) -> bool:
    return isinstance(schema, dict) and cast("dict[str, object]", schema).get("not") in (True, {})


def _listed(schema: object) -> list[object] | None:
    """The only values that the schema can allow, or None when it does not list them."""
    if not isinstance(schema, dict):
        return None
    keywords = cast("dict[str, object]", schema)
    if "const" in keywords:
        return [keywords["const"]]
    values = keywords.get("enum")
    return cast("list[object]", values) if isinstance(values, list) else None


def _possible(value: object, requirements: Sequence[Requirement]) -> bool:
    """Say whether nothing rules the value out; what cannot be checked rules nothing out."""
    return not any(_rules_out(requirement.check, value) for requirement in requirements)


def _rules_out(check: Check, value: object) -> bool:
    if isinstance(check, SchemaCheck):
        return check.judge(value, MAX_STEPS).status is VerdictStatus.FAILED
    if isinstance(check, Forbidden):
        # With and without spaces, with and without escapes: a text that shows in all spellings.
        spellings = (
            json.dumps(value, ensure_ascii=ascii_only, separators=separators)
            for ascii_only in (False, True)
            for separators in ((",", ":"), (", ", ": "))
        )
        return all(check.find(text).status is VerdictStatus.FAILED for text in spellings)
    return False


def mask_is_impossible(mask: TokenMask) -> bool:
    """Say whether every allowed token is forbidden too."""
    return bool(mask.allowed) and set(mask.allowed) <= set(mask.forbidden)

"""The small language of a pipeline's table: references, conditions, names of parameters."""

from __future__ import annotations

import re

REFERENCE = re.compile(r"\$([a-z][a-z0-9_]*)\.([a-z]+)")
CONDITION = re.compile(r"(!?)\$([a-z][a-z0-9_]*)\.([a-z]+)")
PARAMETER = re.compile(r"\$([a-z][a-z0-9_]*)")


def reference(text: str) -> tuple[str, str] | None:
    """Read `$step.field`; None when it is something else."""
    found = REFERENCE.fullmatch(text)
    return None if found is None else (found[1], found[2])


def condition(text: str) -> tuple[str, str, bool] | None:
    """Read `$step.field` or `!$step.field`, which is negated; None when it is something else."""
    found = CONDITION.fullmatch(text)
    return None if found is None else (found[2], found[3], bool(found[1]))


def parameter(value: object) -> str | None:
    """Return the name in `$name`; None for every other value."""
    found = PARAMETER.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else found[1]

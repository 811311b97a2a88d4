"""How the values of the product are declared: frozen for the type checker, cheap to make.

A frozen dataclass sets each field through `object.__setattr__`, five times the cost of a plain
assignment, and a request makes some hundred fields. The type checker refuses every assignment to
a `value` anyway; `python -X dev` also refuses it at run time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Class = TypeVar("Class")

FROZEN = sys.flags.dev_mode


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[Class]) -> type[Class]:
    """Make a class an immutable value with slots, compared and hashed by its fields."""
    if FROZEN:
        return dataclass(frozen=True, slots=True)(cls)
    return dataclass(slots=True, unsafe_hash=True)(cls)

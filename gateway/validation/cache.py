"""Compiled constraints, kept by what they say (HS-13, HS-14)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.constraint import Grammar, JsonSchema, Regex
from gateway.validation.finding import Check
from gateway.validation.json_text import JsonTextError, canonical, read_json

MAX_ENTRIES = 1_000
MAX_WEIGHT = 8 * 1024 * 1024

Compilable = JsonSchema | Grammar | Regex
"""Bodies that are worth keeping once compiled."""


def canonical_text(body: Compilable) -> str:
    """One spelling for bodies that mean the same: the order of names in a schema does not count."""
    match body:
        case JsonSchema(text):
            try:
                return canonical(["json_schema", read_json(text)])
            except (JsonTextError, ValueError, RecursionError):
                return canonical(["unreadable", text])
        case Regex(pattern, flags):
            return canonical(["regex", pattern, sorted(set(flags))])
        case _:
            rules = [[rule.lhs, list(rule.rhs)] for rule in body.rules]
            return canonical(["grammar", body.syntax.value, body.text, rules, body.start])


@dataclass(slots=True)
class CompiledCache:
    """The constraints used last, at most `max_entries` of them and `max_weight` characters.

    Used by one event loop only, so it has no lock.
    """

    max_entries: int = MAX_ENTRIES
    max_weight: int = MAX_WEIGHT
    weight: int = 0
    entries: OrderedDict[bytes, tuple[Check, int]] = field(
        default_factory=OrderedDict[bytes, tuple[Check, int]]
    )

    def get(self, body: Compilable, build: Callable[[], Check]) -> Check:
        """Return the compiled body, building it when it is new. What `build` raises is not kept."""
        text = canonical_text(body)
        # 256 bits of a cryptographic hash: no caller can make two bodies collide.
        key = hashlib.sha256(text.encode()).digest()
        kept = self.entries.get(key)
        if kept is not None:
            self.entries.move_to_end(key)
            return kept[0]
        check = build()
        self.entries[key] = (check, len(text))
        self.weight += len(text)
        while len(self.entries) > self.max_entries or self.weight > self.max_weight:
            _, (_, weight) = self.entries.popitem(last=False)
            self.weight -= weight
        return check

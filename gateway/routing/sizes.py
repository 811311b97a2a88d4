"""How large a JSON schema or a grammar is, in the numbers that the complexity estimators weigh."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import cast

from gateway.core.constraint import Grammar
from gateway.core.value import value

_CACHED_TEXTS = 64
"""Parsed texts kept. A text on the wire has at most 256 KiB, which bounds what they hold."""

_PRODUCTION = re.compile(r"^[ \t]*[?!]*[A-Za-z_][\w.\-]*(?:\{[^}\n]*\})?[ \t]*:", re.MULTILINE)
"""A line that starts a production: `name:`, `?name.2:`, `name{x}:` (Lark) or `name ::=` (GBNF)."""

_NESTING_TYPES = frozenset({"object", "array"})


@value
class SchemaSize:
    """Counts of a schema's top level.

    `objects`: properties whose schema is a JSON object, which is nearly every one. `nested`:
    properties whose type is, or may be, object or array.
    """

    properties: int
    required: int
    objects: int
    nested: int

    def plus(self, other: SchemaSize) -> SchemaSize:
        """Both as if they were one schema."""
        return SchemaSize(
            self.properties + other.properties,
            self.required + other.required,
            self.objects + other.objects,
            self.nested + other.nested,
        )


@value
class GrammarSize:
    """Rules, alternatives of all rules together, and the most alternatives of one rule."""

    rules: int
    alternatives: int
    longest: int

    @property
    def divisor(self) -> int:
        """Rules, at least 1: divides sums into means."""
        return max(self.rules, 1)

    def plus(self, other: GrammarSize) -> GrammarSize:
        """Both as if they were one grammar."""
        return GrammarSize(
            self.rules + other.rules,
            self.alternatives + other.alternatives,
            max(self.longest, other.longest),
        )


NO_SCHEMA = SchemaSize(0, 0, 0, 0)
NO_GRAMMAR = GrammarSize(0, 0, 0)


@lru_cache(maxsize=_CACHED_TEXTS)
def schema_size(text: str) -> SchemaSize | None:
    """Counts of a schema's JSON text; None when it is not JSON, which validation refuses."""
    try:
        schema = cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return None
    if not isinstance(schema, dict):
        return NO_SCHEMA
    members = cast("dict[str, object]", schema)
    required = members.get("required")
    named = members.get("properties")
    properties = cast("dict[str, object]", named) if isinstance(named, dict) else {}
    return SchemaSize(
        properties=len(properties),
        required=len(cast("list[object]", required)) if isinstance(required, list) else 0,
        objects=sum(isinstance(inner, dict) for inner in properties.values()),
        nested=sum(_nests(inner) for inner in properties.values()),
    )


def grammar_size(grammar: Grammar) -> GrammarSize:
    """Counts of a grammar. Its text, when there is one, is only scanned, not parsed."""
    if grammar.text:
        return _text_size(grammar.text)
    return _size(len(rule.rhs) for rule in grammar.rules)


@lru_cache(maxsize=_CACHED_TEXTS)
def _text_size(text: str) -> GrammarSize:
    """Count without a parser of either syntax.

    Each line that starts a production is a rule; every `|` up to the next one adds an alternative,
    also inside a literal.
    """
    starts = [found.start() for found in _PRODUCTION.finditer(text)]
    ends = [*starts[1:], len(text)]
    spans = zip(starts, ends, strict=False)
    return _size(1 + text.count("|", start, end) for start, end in spans)


def _size(lengths: Iterable[int]) -> GrammarSize:
    known = tuple(lengths)
    return GrammarSize(len(known), sum(known), max(known, default=0))


def _nests(schema: object) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kind = cast("Mapping[str, object]", schema).get("type")
    kinds = cast("list[object]", kind) if isinstance(kind, list) else [kind]
    return any(isinstance(name, str) and name in _NESTING_TYPES for name in kinds)

"""The cache of compiled constraints: bounded (HS-13), and never mixing two bodies (HS-14)."""

from __future__ import annotations

import json

import pytest

from gateway.core.constraint import (
    Constraint,
    Grammar,
    GrammarRule,
    GrammarSyntax,
    JsonSchema,
    Regex,
    VerdictStatus,
)
from gateway.core.faults import Fault
from gateway.core.hole import Hole
from gateway.validation.cache import MAX_ENTRIES, CompiledCache, canonical_text
from gateway.validation.compile import compile_checks
from gateway.validation.finding import Check, Fixed, unchecked


def build() -> Check:
    return Fixed(unchecked("new"))


def test_the_order_of_names_and_white_space_do_not_matter() -> None:
    one = JsonSchema('{"type": "object", "required": ["a", "b"]}')
    two = JsonSchema('{"required":["a","b"],"type":"object"}')
    other = JsonSchema('{"required":["b","a"],"type":"object"}')
    assert canonical_text(one) == canonical_text(two)
    assert canonical_text(one) != canonical_text(other)
    assert canonical_text(Regex("a", "is")) == canonical_text(Regex("a", "si"))


def test_bodies_of_different_meaning_have_different_keys() -> None:
    bodies = [
        JsonSchema('"a"'),
        JsonSchema("{broken"),
        JsonSchema("{broken "),
        JsonSchema("1"),
        JsonSchema("1.0"),
        JsonSchema("true"),
        Regex("a"),
        Regex("a", "i"),
        Regex('"a"'),
        Grammar(text="a"),
        Grammar(GrammarSyntax.GBNF, "a"),
        Grammar(text="a", start="b"),
        Grammar(rules=(GrammarRule("a", ("b", "c")),)),
        Grammar(rules=(GrammarRule("a", ("b",)), GrammarRule("a", ("c",)))),
    ]
    assert len({canonical_text(body) for body in bodies}) == len(bodies)


def test_a_body_is_built_once_and_found_again() -> None:
    cache = CompiledCache()
    first = cache.get(Regex("a"), build)
    assert cache.get(Regex("a"), build) is first
    assert cache.get(Regex("b"), build) is not first


def test_it_holds_a_thousand_entries_and_drops_the_one_used_longest_ago() -> None:
    assert MAX_ENTRIES == 1_000
    cache = CompiledCache(max_entries=2)
    first = cache.get(Regex("1"), build)
    second = cache.get(Regex("2"), build)
    assert cache.get(Regex("1"), build) is first
    cache.get(Regex("3"), build)
    assert len(cache.entries) == 2
    assert cache.get(Regex("1"), build) is first
    assert cache.get(Regex("2"), build) is not second


def test_its_weight_is_bounded_too() -> None:
    cache = CompiledCache(max_weight=100)
    cache.get(Regex("a" * 50), build)
    cache.get(Regex("b" * 50), build)
    assert len(cache.entries) == 1
    assert 0 < cache.weight <= 100
    cache.get(Regex("c" * 500), build)
    assert not cache.entries
    assert cache.weight == 0


def test_a_broken_body_is_not_kept() -> None:
    cache = CompiledCache()
    hole = Hole("x", constraints=(Constraint("c", Regex("(")),))
    for _ in range(2):
        with pytest.raises(Fault):
            compile_checks(hole, cache)
    assert not cache.entries


def test_constraints_of_one_name_in_two_requests_do_not_overwrite_each_other() -> None:
    cache = CompiledCache()
    for kind, fill in (("string", '"a"'), ("integer", "1"), ("string", '"a"')):
        body = JsonSchema(json.dumps({"type": kind}))
        checks = compile_checks(Hole("x", constraints=(Constraint("same", body),)), cache)
        assert checks.run(fill)[-1].status is VerdictStatus.PASSED
    assert len(cache.entries) == 2

"""Counting what is inside schemas and grammars."""

from __future__ import annotations

import pytest

from gateway.core.constraint import Grammar, GrammarRule, GrammarSyntax
from gateway.routing.sizes import NO_SCHEMA, GrammarSize, SchemaSize, grammar_size, schema_size


def test_counts_the_top_level_of_a_schema() -> None:
    text = """{"type": "object", "required": ["a"], "properties": {
        "a": {"type": "object", "properties": {"deep": {"type": "object"}}},
        "b": {"type": ["null", "array"]}, "c": {"type": "string"}, "d": true, "e": {}}}"""
    assert schema_size(text) == SchemaSize(properties=5, required=1, objects=4, nested=2)


@pytest.mark.parametrize("text", ["true", "[]", "3", '{"properties": [], "required": "a"}'])
def test_a_schema_of_another_form_counts_as_empty(text: str) -> None:
    assert schema_size(text) == NO_SCHEMA


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' + "9" * 10_000 + "}"])
def test_text_that_cannot_be_read_has_no_size(text: str) -> None:
    assert schema_size(text) is None


def test_strange_types_of_a_property_do_not_nest() -> None:
    text = '{"properties": {"a": {"type": 3}, "b": {"type": [["array"], null]}}}'
    assert schema_size(text) == SchemaSize(2, 0, 2, 0)


def test_grammars_as_rules() -> None:
    rules = (GrammarRule("start", ("a", "b", "c")), GrammarRule("a", ("x",)))
    assert grammar_size(Grammar(rules=rules)) == GrammarSize(2, 4, 3)
    assert grammar_size(Grammar()) == GrammarSize(0, 0, 0)


def test_lark_text_is_scanned_for_productions() -> None:
    text = """
        // a comment, no production
        %import common.WS
        start: item ("," item)*
        ?item.2: NUMBER
            | STRING -> text
            | "[" start "]"
        _sep{x, y}: x (y x)*
        NUMBER: /[0-9]+/
    """
    assert grammar_size(Grammar(text=text)) == GrammarSize(4, 6, 3)


def test_gbnf_text_is_scanned_for_productions() -> None:
    text = 'root ::= item | root "," item\nitem ::= [0-9]+\n'
    assert grammar_size(Grammar(GrammarSyntax.GBNF, text)) == GrammarSize(2, 3, 2)


def test_text_without_productions_is_empty() -> None:
    assert grammar_size(Grammar(text="nothing here")) == GrammarSize(0, 0, 0)


def test_hostile_grammar_text_is_scanned_in_linear_time() -> None:
    """87,000 lines that open a brace took minutes with an expression that crosses lines."""
    assert grammar_size(Grammar(text="a{\n" * 87_000)) == GrammarSize(0, 0, 0)
    assert grammar_size(Grammar(text="a" * 262_144)) == GrammarSize(0, 0, 0)
    assert grammar_size(Grammar(text=" " * 262_144)) == GrammarSize(0, 0, 0)

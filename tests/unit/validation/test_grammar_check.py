"""Grammars: what they find, what they refuse, and what they may cost."""

from __future__ import annotations

import json

import pytest

from gateway.core.constraint import Grammar, GrammarRule, VerdictStatus
from gateway.validation import grammar
from gateway.validation.finding import BrokenError, Finding
from gateway.validation.grammar import MAX_FILL, MAX_GRAMMAR, compile_grammar

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

JSON = """
?start: value
?value: object | array | ESCAPED_STRING | SIGNED_NUMBER | "true" | "false" | "null"
array: "[" [value ("," value)*] "]"
object: "{" [pair ("," pair)*] "}"
pair: ESCAPED_STRING ":" value
%import common.ESCAPED_STRING
%import common.SIGNED_NUMBER
%import common.WS
%ignore WS
"""
SUM = 'start: sum\nsum: sum "+" sum | NUMBER\nNUMBER: /[0-9]+/'


def find(text: str, fill: str) -> Finding:
    return compile_grammar(Grammar(text=text)).find(fill)


@pytest.mark.parametrize(
    "value", [None, [], {"a": [1, -2.5e3, 'x"y\\', "é"], "b": {}}, [{"k": [i]} for i in range(40)]]
)
def test_json_belongs_to_the_grammar_of_json(value: object) -> None:
    assert find(JSON, json.dumps(value, indent=1)).status is PASSED


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        ('{"zq": }', "the grammar does not allow line 1, column 8 of the fill"),
        ('["é",\n zq]', "the grammar does not allow line 2, column 2 of the fill"),
        ("[1,", "the fill ends where the grammar wants more"),
        ("", "the fill ends where the grammar wants more"),
        ("[1]]", "the grammar does not allow line 1, column 4 of the fill"),
        ("\ud800", "the fill is not valid Unicode"),
    ],
)
def test_the_reason_says_how_far_it_went_well(fill: str, reason: str) -> None:
    finding = find(JSON, fill)
    assert finding.status is FAILED
    assert finding.reason == reason


def test_an_ambiguous_grammar_is_checked_up_to_a_number_of_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grammar, "MAX_STEPS", 50_000)
    assert find(SUM, "+".join("1" * 40)).status is PASSED
    finding = find(SUM, "+".join("1" * 400))
    assert finding.status is UNCHECKED
    assert "steps" in finding.reason


def test_rules_are_a_grammar_too() -> None:
    rules = (GrammarRule("s", ('"a" s', '"b"')), GrammarRule("s", ("",)))
    check = compile_grammar(Grammar(rules=rules))
    assert [check.find(fill).status for fill in ("", "ab", "aa", "ba")] == [
        PASSED,
        PASSED,
        PASSED,
        FAILED,
    ]


def test_a_start_symbol_may_be_named() -> None:
    check = compile_grammar(Grammar(text='start: "a"\nother: "b"', start="other"))
    assert check.find("b").status is PASSED
    assert check.find("a").status is FAILED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("start: (((", "Expecting a value, at line 1 column 11"),
        ('start "a"', "missing colon"),
        ("start: a", "'a' used but not defined"),
        ('foo: "a"', "undefined rule"),
        ("start: /(a/", "Bad regexp"),
        ("start: A\nA: /a*/", "zero-width"),
        ("start: A\nA: B\nB: A", "Recursion in terminal"),
        ('start: "a"~3..1', "Bad Range"),
        ('start: "a"~' + "9" * 5000, "limit"),
        ("start: " + "(" * 3000 + '"a"' + ")" * 3000, "nested too deeply"),
        ("%import .secrets (x)\nstart: x", "only `%import common` is known"),
        ("%import python (name)\nstart: name", "only `%import common` is known"),
        ("%declare A\nstart: A", "`%declare` is not known here"),
        ('start: two{"a"}\ntwo{x}: x two{two{x}}', "templates are not known here"),
    ],
)
def test_a_broken_grammar_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(BrokenError) as caught:
        compile_grammar(Grammar(text=text))
    assert caught.value.field == "grammar.text"
    assert words in caught.value.description
    assert len(caught.value.description) < 300


def test_broken_rules_are_named_as_rules() -> None:
    with pytest.raises(BrokenError) as caught:
        compile_grammar(Grammar(rules=(GrammarRule("Bad name", ('"x"',)),)))
    assert caught.value.field == "grammar.rules"
    with pytest.raises(BrokenError) as caught:
        compile_grammar(Grammar())
    assert caught.value.field == "grammar"


@pytest.mark.parametrize(
    "text",
    [
        "start: " + " ".join(f'["a{i}"]' for i in range(30)),
        "start: " + " ".join(f'"a{i}"?' for i in range(30)),
        'start: (("a" | "b")~40)~40',
        'start: "a"~1..5000000',
        'start: A40\nA0: "x" "y"\n' + "".join(f"A{i + 1}: A{i} A{i}\n" for i in range(40)),
        'start: "a"\n//' + "x" * MAX_GRAMMAR,
    ],
)
def test_a_grammar_that_explodes_when_written_out_is_unchecked(text: str) -> None:
    finding = find(text, "a")
    assert finding.status is UNCHECKED
    assert "too large" in finding.reason


def test_repetition_and_aliases_of_ordinary_size_are_fine() -> None:
    text = 'start: "a"~2..3 ("b" | "c")~2 -> named\nD: ("d".."f")~2\n'
    assert find(text, "aabc").status is PASSED
    assert find(text, "abc").status is FAILED


def test_a_terminal_with_look_around_is_unchecked() -> None:
    finding = find("start: WORD\nWORD: /(?=a)a/", "a")
    assert finding.status is UNCHECKED
    assert "WORD" in finding.reason


def test_what_is_ignored_may_stand_anywhere_between_terminals() -> None:
    text = 'start: "a" "b"\n%ignore /x+/'
    for fill in ("ab", "axxb", "xab", "abx", "xaxbx"):
        assert find(text, fill).status is PASSED
    assert find(text, "axc").reason == "the grammar does not allow line 1, column 3 of the fill"


def test_a_long_fill_is_unchecked_and_all_but_the_shortest_are_costly() -> None:
    check = compile_grammar(Grammar(text=SUM))
    assert check.find("1" * (MAX_FILL + 1)).status is UNCHECKED
    assert not check.costly(10)
    assert check.costly(1000)

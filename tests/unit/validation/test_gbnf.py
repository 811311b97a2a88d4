"""GBNF: what its grammars allow, and where they are broken."""

from __future__ import annotations

import json

import pytest

from gateway.core.constraint import Grammar, GrammarRule, GrammarSyntax, VerdictStatus
from gateway.core.hole import Hole, HoleSpec
from gateway.validation.compile import compile_checks
from gateway.validation.finding import BrokenError, Check, Finding, Fixed
from gateway.validation.gbnf import compile_gbnf
from gateway.validation.gbnf_rules import MAX_BODY, RuleBuilder, TooLargeError
from gateway.validation.grammar import MAX_GRAMMAR
from gateway.validation.grammar_limits import MAX_SYMBOLS

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

# What llama.cpp's converter makes of a schema: an array of ten to a hundred objects.
PEOPLE = r"""
# a comment
char ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})
item ::= "{" space item-name-kv "," space item-age-kv "}" space
item-age ::= ([0-9] | ([1-8] [0-9] | [9] [0-9]) | "1" ([0-4] [0-9] | [5] "0")) space
item-age-kv ::= "\"age\"" space ":" space item-age
item-name ::= "\"" char{1,100} "\"" space
item-name-kv ::= "\"name\"" space ":" space item-name
root ::= "[" space item ("," space item){9,99} "]" space
space ::= | " " | "\n" [ \t]{0,20}
"""


def built(text: str, start: str = "") -> Check:
    return compile_gbnf(Grammar(GrammarSyntax.GBNF, text, start=start))


def find(text: str, fill: str) -> Finding:
    return built(text).find(fill)


def test_a_grammar_of_llama_cpp_s_own_converter_is_obeyed() -> None:
    people = [{"name": f"Zoë\\ {age}", "age": age} for age in range(12)]
    assert find(PEOPLE, json.dumps(people, ensure_ascii=False)).status is PASSED
    assert find(PEOPLE, json.dumps(people)).status is PASSED
    assert find(PEOPLE, json.dumps(people[:9])).status is FAILED
    wrong = json.dumps([*people, {"name": "x", "age": 151}])
    assert find(PEOPLE, wrong).reason.startswith("the grammar does not allow line 1, column ")


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ('root ::= "a" | "bc"', ["a", "bc"], ["b", "ab", ""]),
        ('root ::= "a"* "b"+ "c"?', ["b", "aabbc", "bc"], ["a", "abcc", ""]),
        ('root ::= "ab"{2}', ["abab"], ["ab", "ababab", "aabb"]),
        ('root ::= "a"{2,}', ["aa", "aaaaa"], ["a", ""]),
        ('root ::= "a"{ 0 , 2 }', ["", "a", "aa"], ["aaa"]),
        ('root ::= "a"{0}', [""], ["a"]),
        ('root ::= "a"{2}{2}', ["aaaa"], ["aa", "aaa"]),
        ('root ::= ("a" "b"){2,3}*', ["", "abab", "ababababab"], ["ab", "aba"]),
        ("root ::= [a-cx]", ["a", "c", "x"], ["d", "-", "ab"]),
        ("root ::= [a-]+", ["a-", "--"], ["b"]),
        ("root ::= [^a\\n]+", ["b€😀", "\r"], ["a", "b\n"]),
        ("root ::= [\\]\\[\\-\\\\]+", ["[]-\\"], ["a"]),
        ("root ::= [あ-ん]+", ["さくら"], ["サ", "a"]),
        ("root ::= .", ["x", "\n", "😀", "\0"], ["", "ab"]),
        ('root ::= "\\x41\\u00e9\\U0001F600\\t\\r\\n\\""', ['Aé😀\t\r\n"'], ["A"]),
        ('root ::= ""', [""], ["a"]),
        ('root ::= ""* "b"', ["b"], [""]),
        ("root ::= ", [""], ["a"]),
        ("root ::= [\\uD800-\\uDFFF]?", [""], ["a"]),
        ('root ::= (\n  "a" # one\n  | "b"\n\n)+ # end\n', ["abba"], [""]),
        ('root ::= "a" |\n "b"', ["a", "b"], ["ab"]),
        ('root ::=\n  x y\r\nx ::= "a"\ry_1 ::= "c"\ny ::= y_1', ["ac"], ["a"]),
        ('root ::= root "a" | "b"', ["b", "baaa"], ["a"]),
        ('root ::= "(" root ")" | ', ["", "(())"], ["(()"]),
        ('root ::= "a"\nroot ::= "b"', ["b"], ["a"]),
    ],
)
def test_the_notation_means_what_llama_cpp_says(
    text: str, allowed: list[str], refused: list[str]
) -> None:
    check = built(text)
    assert {fill: check.find(fill).status for fill in allowed} == dict.fromkeys(allowed, PASSED)
    assert {fill: check.find(fill).status for fill in refused} == dict.fromkeys(refused, FAILED)


def test_another_rule_may_be_the_start() -> None:
    check = built('root ::= "a"\nother-1 ::= "b"', start="other-1")
    assert check.find("b").status is PASSED
    assert check.find("a").status is FAILED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no rule 'root'"),
        ('a ::= "x"', "has no rule 'root'"),
        ("root ::= x", "the rule 'x' is not defined (line 1, column 10)"),
        ('root := "a"', "expected '::=' (line 1, column 6)"),
        ('root ::= "a"\n  | "b"', "only after `|` and inside parentheses (line 2, column 3)"),
        ('root ::= "a" )', "neither a symbol nor the end of the rule (line 1, column 14)"),
        ('root ::= ("a"', "expected ')' (line 1, column 14)"),
        ('root ::= "a', "a quotation mark or bracket is missing (line 1, column 12)"),
        ("root ::= [a", "a quotation mark or bracket is missing"),
        ('root ::= "\\q"', "unknown escape (line 1, column 11)"),
        ('root ::= "\\x4"', "unknown escape"),
        ('root ::= "\\U00110000"', "there is no such character"),
        ("root ::= []", "the class has no character (line 1, column 11)"),
        ("root ::= [^]", "the class has no character"),
        ("root ::= [z-a]", "the range ends before it begins"),
        ("root ::= * ", "nothing stands before the repetition (line 1, column 11)"),
        ('root ::= "a" | {2}', "nothing stands before the repetition"),
        ('root ::= "a"{,2}', "a repetition is written {2}, {2,} or {2,5}"),
        ('root ::= "a"{3,1}', "the repetition ends before it begins"),
        ("root ::= " + "(" * 3000 + '"a"' + ")" * 3000, "nested too deeply"),
    ],
)
def test_a_broken_grammar_is_refused_with_words_and_a_place(text: str, words: str) -> None:
    with pytest.raises(BrokenError) as caught:
        built(text)
    assert caught.value.field == "grammar.text"
    assert words in caught.value.description
    assert len(caught.value.description) < 300


def test_a_start_that_no_rule_has_is_named_as_such() -> None:
    with pytest.raises(BrokenError) as caught:
        built('root ::= "a"', start="other")
    assert caught.value.field == "grammar.start"


@pytest.mark.parametrize("text", ["root ::= <think> .*", "root ::= !<[7]>*"])
def test_tokens_are_the_business_of_the_endpoint(text: str) -> None:
    assert find(text, "a").reason == "the grammar names tokens, which only the endpoint sees"


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "a"\n#' + "x" * MAX_GRAMMAR,
        'root ::= "a"{5000}',
        'root ::= "a"{0,5000}',
        'root ::= "a"{999999999,}',
        'root ::= (("a"{1400} "b"){1400} "c"){1400}',
        "root ::= " + "a " * (MAX_SYMBOLS + 1) + '\na ::= "a"',
    ],
)
def test_a_grammar_that_is_too_large_when_written_out_is_unchecked(text: str) -> None:
    assert isinstance(built(text), Fixed)
    assert find(text, "a").reason == "the grammar is too large to be checked here"


def test_a_long_repetition_costs_little() -> None:
    check = built("root ::= [a-z]{2000}")
    assert check.find("a" * 2000).status is PASSED
    assert check.find("a" * 1999).status is FAILED


def test_no_production_is_long() -> None:
    builder = RuleBuilder()
    builder.define("root", (builder.repeated(builder.terminal("a"), 1000, 1000),))
    assert max(len(body) for bodies in builder.productions.values() for body in bodies) == MAX_BODY
    with pytest.raises(TooLargeError):
        builder.define("more", (("root",) * MAX_SYMBOLS,))


def test_a_hole_may_have_such_a_grammar() -> None:
    grammar = Grammar(GrammarSyntax.GBNF, "root ::= [0-9]+")
    checks = compile_checks(Hole("x = ", spec=HoleSpec(grammar=grammar)))
    assert [verdict.status for verdict in checks.run("12")] == [PASSED, PASSED]
    assert [verdict.status for verdict in checks.run("a")] == [PASSED, FAILED]


def test_rules_are_in_the_notation_of_lark_whatever_the_syntax_of_texts() -> None:
    """The contract says so of rules; a check of GBNF looks at texts only."""
    rules = Grammar(GrammarSyntax.GBNF, rules=(GrammarRule("s", ('"a"',)),))
    checks = compile_checks(Hole("x = ", spec=HoleSpec(grammar=rules)))
    assert checks.run("a")[1].status is not FAILED

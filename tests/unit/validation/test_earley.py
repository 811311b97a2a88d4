"""The recogniser agrees with Lark's own on small grammars, and its work is bounded."""

from __future__ import annotations

from itertools import product

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from gateway.core.constraint import Grammar, VerdictStatus
from gateway.validation.earley import Rules, StepsSpentError, nullable_heads, recognise
from gateway.validation.grammar import compile_grammar
from gateway.validation.regex import compile_pattern


def belongs(lark: Lark, text: str) -> bool:
    try:
        lark.parse(text)
    except UnexpectedInput:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        'start: "a" start "b" |',
        'start: start start | "a" | "(" start ")"',
        'start: x y x\nx: "a"*\ny: "b"?',
        'start: a | b\na: b "a" |\nb: a "b" | "("',
        "start: WORD (OP WORD)*\nWORD: /[ab]+/\nOP: /[(]/\n%ignore /[)]/",
        'start: n n\nn: | "a" n | n "b"',
        'start: start "a" | "b"\n',
    ],
)
def test_it_agrees_with_lark_on_every_short_text(text: str) -> None:
    lark = Lark(text, parser="earley", lexer="dynamic")
    check = compile_grammar(Grammar(text=text))
    for length in range(5):
        for letters in product("ab()", repeat=length):
            fill = "".join(letters)
            found = check.find(fill).status is VerdictStatus.PASSED
            assert found == belongs(lark, fill), fill


def test_heads_that_derive_the_empty_text_are_found_through_each_other() -> None:
    productions = {"s": (("x", "y"),), "x": ((),), "y": (("x", "x"), ("A",)), "z": (("A", "x"),)}
    assert nullable_heads(productions) == {"s", "x", "y"}


def test_the_work_is_bounded() -> None:
    rules = Rules("s", {"s": (("s", "A"), ("A",))}, {"A": compile_pattern("a")})
    assert recognise(rules, frozenset(), b"aaaa", 100) is None
    assert recognise(rules, frozenset(), b"aab", 100) == 2
    with pytest.raises(StepsSpentError):
        recognise(rules, frozenset(), b"a" * 100, 100)


def test_a_terminal_that_matches_nothing_is_no_progress() -> None:
    rules = Rules("s", {"s": (("A",),)}, {"A": compile_pattern("a*")}, ("A",))
    assert recognise(rules, frozenset(), b"b", 100) == 0

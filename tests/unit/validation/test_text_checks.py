"""Not empty, forbidden strings, expressions."""

from __future__ import annotations

import pytest

from gateway.core.constraint import ForbiddenText, Regex, VerdictStatus
from gateway.validation.finding import (
    MAX_MESSAGE,
    BrokenError,
    Fixed,
    Foretelling,
    bounded,
    unchecked,
)
from gateway.validation.forbidden import NonEmpty, compile_forbidden
from gateway.validation.regex import compile_regex

PASSED, FAILED = VerdictStatus.PASSED, VerdictStatus.FAILED


@pytest.mark.parametrize(
    ("text", "status"), [("x", PASSED), ("", FAILED), (" \n\t", FAILED), ("\0", PASSED)]
)
def test_a_fill_of_white_space_is_empty(text: str, status: VerdictStatus) -> None:
    assert NonEmpty().find(text).status is status
    assert not NonEmpty().costly(10**9)


def test_a_forbidden_string_is_named_by_its_place() -> None:
    check = compile_forbidden(ForbiddenText(("eval(", "exec(")))
    assert check.find("print(1)").status is PASSED
    finding = check.find("a = exec('zq')")
    assert finding.status is FAILED
    assert finding.reason == "texts[1] of the constraint occurs in the fill"


def test_many_forbidden_strings_over_a_long_text_are_costly() -> None:
    check = compile_forbidden(ForbiddenText(tuple(str(number) for number in range(1024))))
    assert not check.costly(100)
    assert check.costly(100_000)


@pytest.mark.parametrize(
    ("texts", "field"),
    [((), "forbidden_text.texts"), (("a", ""), "forbidden_text.texts[1]")],
)
def test_forbidding_nothing_or_everything_is_broken(texts: tuple[str, ...], field: str) -> None:
    with pytest.raises(BrokenError) as caught:
        compile_forbidden(ForbiddenText(texts))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "status"),
    [
        (r"[a-z]+", "", "abc", PASSED),
        (r"[a-z]+", "", "abc1", FAILED),
        (r"[a-z]+", "", "1abc", FAILED),
        (r"[a-z]+", "i", "ABC", PASSED),
        (r"a.b", "", "a\nb", FAILED),
        (r"a.b", "s", "a\nb", PASSED),
        (r"(?s:.*)^b$(?s:.*)", "", "a\nb\nc", FAILED),
        (r"(?s:.*)^b$(?s:.*)", "m", "a\nb\nc", PASSED),
        (r"a|b", "ims", "B", PASSED),
        (r"é+", "", "éé", PASSED),
        (r"", "", "", PASSED),
        (r".*", "", "\ud800", FAILED),
    ],
)
def test_the_whole_fill_must_match(
    pattern: str, flags: str, text: str, status: VerdictStatus
) -> None:
    assert compile_regex(Regex(pattern, flags)).find(text).status is status


def test_an_expression_that_backtracks_for_ever_elsewhere_is_linear_here() -> None:
    check = compile_regex(Regex("(a+)+b"))
    assert check.find("a" * 60_000).status is FAILED
    assert not check.costly(60_000)
    assert check.costly(70_000)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (Regex("a(b"), "regex.pattern", "missing ): a(b"),
        (Regex("(?=a)"), "regex.pattern", "look-around"),
        (Regex("\ud800"), "regex.pattern", "Unicode"),
        (Regex("[\\p{L}\\p{N}]{1,1000}" * 9), "regex.pattern", "too large"),
        (Regex("a", "x"), "regex.flags", "only i, m and s"),
    ],
)
def test_a_broken_expression_is_refused_with_words(body: Regex, field: str, words: str) -> None:
    with pytest.raises(BrokenError) as caught:
        compile_regex(body)
    assert caught.value.field == field
    assert words in caught.value.description
    assert len(caught.value.description) < 2 * MAX_MESSAGE


def test_a_fixed_finding_is_the_same_for_every_text() -> None:
    fixed = Fixed(unchecked("nobody looked"))
    assert fixed.find("a") is fixed.find("b")
    assert not fixed.costly(10**9)


def test_a_long_message_becomes_one_short_line() -> None:
    assert bounded("a\n  b\t c") == "a b c"
    assert len(bounded("x" * 1000)) == MAX_MESSAGE


def test_a_forbidden_string_in_the_beginning_is_hopeless() -> None:
    check = compile_forbidden(ForbiddenText(("eval(",)))
    assert isinstance(check, Foretelling)
    assert check.hopeless("x = eval(")
    assert not check.hopeless("x = eva")

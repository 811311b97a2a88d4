"""Hints and the wish for a small answer: X-15, X-17, X-18."""

from __future__ import annotations

import pytest

from gateway.core.topics import Hint, Topic
from gateway.routing.hints import extract_hints, wants_lite
from gateway.routing.matchers.tokens import words_of

FUNCTIONAL = Hint("functional", "style", ("functional style", "pure"), ("no lambda",))
CLASSES = Hint("classes", "style", ("with classes", "object oriented"))
TYPED = Hint("typed", "types", ("type hints", "fully annotated code"))
TOPIC = Topic("code", hints=(FUNCTIONAL, CLASSES, TYPED))


def hints(text: str, *some: Hint) -> tuple[tuple[str, str], ...]:
    return extract_hints(Topic("t", hints=some) if some else TOPIC, words_of(text))


def test_a_phrase_asks_for_its_hint() -> None:
    assert hints("Write it in Functional style") == (("style", "functional"),)


def test_nothing_is_assumed_when_nothing_is_asked_for() -> None:
    """X-18: defaults are never included."""
    assert hints("Write it") == ()
    assert extract_hints(Topic("bare"), words_of("functional style")) == ()


def test_several_hints_apply_when_their_groups_differ() -> None:
    """Regression of X-18: only one hint could apply, although two had been asked for."""
    assert hints("Object oriented, with type hints") == (("style", "classes"), ("types", "typed"))


def test_a_hint_is_found_whoever_matched_the_topic() -> None:
    """Regression of X-17: hints applied only when the keyword matcher had won."""
    assert hints("something without any keyword of the topic, pure") == (("style", "functional"),)


def test_a_negative_forbids_a_hint_that_is_there_as_it_is_written() -> None:
    """Regression of X-18: negatives were skipped on the literal path."""
    assert hints("in functional style, but no lambda") == ()


def test_a_negative_forbids_a_hint_that_is_there_in_other_words() -> None:
    assert hints("in a style that is functional") == (("style", "functional"),)
    assert hints("in a style that is functional, no lambda") == ()


def test_a_forbidden_hint_makes_room_for_another_of_its_group() -> None:
    assert hints("functional style with classes, no lambda") == (("style", "classes"),)


def test_words_in_another_order_must_be_near_each_other() -> None:
    far = "functional " + "and so on " * 5 + "style"
    assert hints(far) == ()


def test_most_words_of_a_long_phrase_are_enough() -> None:
    """X-18: at least two words, and 0.70 of them."""
    long = Hint("long", "g", ("alpha beta gamma delta",))
    assert hints("delta gamma alpha", long) == (("g", "long"),)
    assert hints("gamma alpha", long) == ()
    assert hints("fully typed code") == ()


def test_one_word_of_a_phrase_is_never_enough() -> None:
    assert hints("functional") == ()
    assert hints("impure code") == ()


def test_the_best_of_a_group_applies() -> None:
    written, other = Hint("written", "g", ("alpha beta",)), Hint("other", "g", ("gamma delta",))
    long = Hint("long", "g", ("alpha beta gamma",))
    assert hints("delta gamma alpha beta", other, written) == (("g", "written"),)
    assert hints("alpha beta gamma", written, long) == (("g", "long"),)
    same = Hint("same", "g", ("alpha beta",))
    assert hints("alpha beta", written, same) == (("g", "written"),)
    assert hints("alpha beta", same, written) == (("g", "same"),)


def test_a_hint_without_phrases_never_applies() -> None:
    assert hints("anything", Hint("mute", "g", ())) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Just the loop",
        "a SIMPLE parser",
        "only two lines, please",
        "schreibe bloß den Rumpf",
        "einfache Lösung",
        "только цикл",
        "простой парсер",
        "a read-only view, but keep it simple",
    ],
)
def test_some_words_ask_for_a_small_answer(text: str) -> None:
    assert wants_lite(words_of(text))


@pytest.mark.parametrize(
    "text",
    ["Adjust the margins", "as is commonly done", "explain it", "vereinfachen", "непросто"],
)
def test_parts_of_words_ask_for_nothing(text: str) -> None:
    """Regression of X-15: `adjust` and `commonly` matched as substrings."""
    asking = ("just", "only", "plain", "einfach", "просто")
    assert any(word in text.casefold() for word in asking)
    assert not wants_lite(words_of(text))


@pytest.mark.parametrize(
    "text", ["a read-only view", "append_only log", "only if it is set", "plain text", "JustInTime"]
)
def test_fixed_expressions_ask_for_nothing(text: str) -> None:
    assert not wants_lite(words_of(text))

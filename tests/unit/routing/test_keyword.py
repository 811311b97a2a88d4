"""The keyword matcher: X-04, L-03, L-04, L-05."""

from __future__ import annotations

import math

import pytest

from gateway.core.hole import Hole
from gateway.core.matching import Proposal
from gateway.core.topics import Keyword, Topic
from gateway.routing.matchers.keyword import BOOST, RIVAL, KeywordMatcher
from tests.fakes.topics import asking, reaching, saying, topic

TESTS = topic("tests", "unit test", "test", "pytest")
JSON = topic("json", "json", "schema")


def proposed(text: str, *topics: Topic, **reach: str) -> Proposal:
    return KeywordMatcher(topics).match(asking(text, reach or reaching(topics)))


def test_one_word_gives_its_weight() -> None:
    found = proposed("add a test", TESTS, JSON)
    assert (found.endpoint, found.topic) == ("to-tests", "tests")
    assert found.confidence == pytest.approx(0.88)
    assert found.words == "'test' for tests"


def test_it_computes_inline_and_has_the_weight_of_x03() -> None:
    matcher = KeywordMatcher([TESTS])
    assert (matcher.name, matcher.weight, matcher.inline) == ("keyword", 0.40, True)
    assert not matcher.supports_async


def test_whole_words_match_and_parts_of_words_do_not() -> None:
    """Regression of X-04 and L-04: `latest` contains `test`, and so was about tests."""
    text = "use the latest json"
    assert "test" in text
    found = proposed(text, TESTS, JSON)
    assert found.topic == "json"
    assert "tests" not in dict(found.details)


def test_more_words_make_it_surer() -> None:
    """Regression of L-04: confidence was the same however many words matched."""
    one = proposed("json", JSON).confidence
    two = proposed("a json schema", JSON).confidence
    assert one == pytest.approx(0.88)
    assert two == pytest.approx(1 - 0.12 * 0.12)


def test_the_same_word_again_is_no_more_evidence() -> None:
    assert proposed("json json json", JSON).confidence == pytest.approx(0.88)


def test_most_words_win_whichever_topic_comes_first() -> None:
    """Regression of L-04: the first group with any hit won over one with more."""
    text = "test the json schema"
    for topics in ([TESTS, JSON], [JSON, TESTS]):
        assert proposed(text, *topics).topic == "json"


def test_words_of_other_topics_make_it_less_sure() -> None:
    evidence = -math.log(0.12)
    expected = (1 - 0.12**2) - RIVAL * (1 - 2 * evidence / (3 * evidence))
    found = proposed("test the json schema", TESTS, JSON)
    assert found.confidence == pytest.approx(expected)
    assert dict(found.details) == {
        "json": "json 0.88, schema 0.88",
        "tests": "test 0.88",
        "support": "0.986",
        "exclusivity": "0.667",
    }


def test_a_topic_that_goes_to_the_same_endpoint_is_no_rival() -> None:
    found = proposed("test the json schema", TESTS, JSON, tests="one", json="one")
    assert found.confidence == pytest.approx(1 - 0.12**2)


def test_topics_that_match_equally_well_tie() -> None:
    """Regression of X-04 and L-04: the one that was registered first won."""
    for topics in ([TESTS, JSON], [JSON, TESTS]):
        found = proposed("test the json", *topics)
        assert (found.endpoint, found.abstained) == ("", True)
        assert [name for name, _ in found.details] == ["json", "tests"]


def test_of_equal_topics_with_one_endpoint_the_first_by_name_is_named() -> None:
    for topics in ([TESTS, JSON], [JSON, TESTS]):
        found = proposed("test the json", *topics, tests="one", json="one")
        assert (found.endpoint, found.topic, found.abstained) == ("one", "json", False)


def test_of_equal_topics_the_one_with_the_longer_phrase_wins() -> None:
    found = proposed("a unit test of json", TESTS, JSON)
    assert found.topic == "tests"
    assert found.confidence == pytest.approx(0.88 - RIVAL / 2)


def test_of_equal_topics_the_lower_priority_number_wins_and_the_other_is_no_rival() -> None:
    first = topic("first", "json", priority=-1)
    found = proposed("test the json", TESTS, first)
    assert (found.topic, found.confidence) == ("first", pytest.approx(0.88))


def test_a_longer_phrase_hides_the_words_within_it() -> None:
    """Regression of L-04: `unit tests` went to ci/cd, which has the word `test`."""
    pipelines = topic("pipelines", "test", "build")
    found = proposed("a unit test", pipelines, topic("tests", "unit test"))
    assert (found.topic, found.confidence) == ("tests", pytest.approx(0.88))
    assert "pipelines" not in dict(found.details)


def test_a_phrase_of_another_language_hides_nothing() -> None:
    rust = topic("rust", "unit test", language="rust")
    topics = (rust, topic("tests", "test"))
    found = KeywordMatcher(topics).match(asking(saying("a unit test", "python"), reaching(topics)))
    assert found.topic == "tests"


def test_a_negative_takes_away_the_strongest_keyword() -> None:
    """L-05: a negative weighs more than a keyword."""
    wary = Topic(
        "wary", keywords=(Keyword("test", 0.9), Keyword("mock", 0.5)), negatives=("test data",)
    )
    assert proposed("test data", wary).endpoint == ""
    assert proposed("mock test data", wary).confidence == pytest.approx(0.5)
    assert dict(proposed("test data", wary).details) == {
        "wary": "nothing that counts; against test data"
    }


def test_a_booster_adds_to_a_keyword_and_nothing_to_nothing() -> None:
    """L-05: 12 per booster beside 25 per keyword."""
    boosted = topic("boosted", "json", boosters=("strict",))
    assert proposed("strict", boosted).endpoint == ""
    found = proposed("strict json", boosted)
    assert found.confidence == pytest.approx(1 - 0.12 * (1 - BOOST))
    assert dict(found.details)["boosted"] == "json 0.88; boosted by strict"


def test_two_spellings_of_one_keyword_count_once() -> None:
    twice = Topic("twice", keywords=(Keyword("json_schema", 0.5), Keyword("JSON schema", 0.7)))
    assert proposed("a json schema", twice).confidence == pytest.approx(0.7)


def test_a_topic_that_reaches_nothing_is_not_proposed_but_remains_a_rival() -> None:
    found = proposed("test the json schema", TESTS, JSON, tests="to-tests")
    assert found.topic == "tests"
    assert found.confidence == pytest.approx(0.88 - RIVAL * 2 / 3)


def test_no_keyword_at_all_is_an_answer() -> None:
    found = proposed("draw a circle", TESTS)
    assert (found.endpoint, found.confidence, found.abstained) == ("", 0.0, False)
    assert found.words == "no keyword found"


def test_without_words_it_abstains() -> None:
    found = KeywordMatcher([TESTS]).match(asking(Hole("++ --"), reaching([TESTS])))
    assert (found.abstained, found.words) == (True, "the request has no words")


def test_without_a_topic_of_the_language_it_abstains() -> None:
    rust = topic("rust", "test", language="Rust")
    matcher = KeywordMatcher([rust])
    assert matcher.match(asking(saying("a test", "python"), reaching([rust]))).abstained
    assert matcher.match(asking(saying("a test", " rust "), reaching([rust]))).topic == "rust"
    assert matcher.match(asking(saying("a test"), reaching([rust]))).topic == "rust"


def test_without_a_topic_that_reaches_anything_it_abstains() -> None:
    assert proposed("a test", TESTS, other="x").abstained


def test_a_weight_of_one_can_still_be_weighed_against() -> None:
    sure, other = topic("sure", "json", weight=1.0), topic("other", "test", weight=1.0)
    assert proposed("json", sure).confidence == pytest.approx(0.999)
    assert proposed("json test", sure, other).abstained


@pytest.mark.parametrize("weight", [0.0, -0.1, 1.1, math.nan])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=r"topic t: weight .* of keyword 'json' is not above 0"):
        KeywordMatcher([topic("t", "json", weight=weight)])


def test_a_phrase_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="has no letter or digit"):
        KeywordMatcher([topic("t", "json", negatives=("--",))])

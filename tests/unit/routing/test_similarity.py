"""The similarity matcher: X-02, X-05, X-06, L-10."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from gateway.core.hole import Hole
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, Proposal
from gateway.core.topics import Keyword, Topic
from gateway.routing.matchers.similarity import (
    MOST_CANDIDATES,
    OTHER_LANGUAGE,
    SOURCE_WEIGHTS,
    SimilarityMatcher,
)
from gateway.routing.matchers.tfidf import TextIndex
from gateway.routing.matchers.tokens import words_of
from tests.fakes.topics import asking, reaching, saying

SORT = Topic("sorting", samples=("sort the rows by date", "order a list of numbers"))
DRAW = Topic("drawing", samples=("draw a red circle",), description="shapes on a canvas")
BOTH = (SORT, DRAW)


class Directions:
    """An embedder that knows the direction of each text, and counts the texts it was given."""

    def __init__(self, **known: Sequence[float]) -> None:
        self.known = known
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(list(texts))
        return np.asarray([self.known[text.strip()] for text in texts], np.float32)


def proposed(text: str, *topics: Topic, **reach: str) -> Proposal:
    return SimilarityMatcher(topics).match(asking(text, reach or reaching(topics)))


def test_a_sample_itself_is_as_near_as_can_be() -> None:
    found = proposed("Sort the rows by date!", *BOTH)
    assert (found.endpoint, found.topic) == ("to-sorting", "sorting")
    assert found.confidence == pytest.approx(1.0)
    assert found.words == "most like sample 1 of sorting"


def test_it_computes_inline_and_has_the_weight_of_x03() -> None:
    matcher = SimilarityMatcher(BOTH)
    assert (matcher.name, matcher.weight, matcher.inline) == ("similarity", 0.40, True)
    assert not matcher.supports_async


def test_what_is_like_a_sample_is_nearer_than_what_is_not() -> None:
    found = proposed("sort the table rows", *BOTH)
    assert found.topic == "sorting"
    assert 0.2 < found.confidence < 0.9
    assert [name for name, _ in found.details] == ["sorting"]


def test_a_weak_match_is_passed_on_as_it_is() -> None:
    """Regression of X-05: a threshold of its own hid a match of 0.587 from the fusion."""
    embed = Directions(sorting=(1.0, 0.0), request=(0.587, 0.8096))
    topic = Topic("other", samples=("sorting",))
    found = SimilarityMatcher([topic], embed=_named(embed, other=(0.0, -1.0))).match(
        asking("request", reaching([topic]))
    )
    threshold = DEFAULT_THRESHOLDS.of(LayerName.SIMILARITY)
    assert found.confidence == pytest.approx(0.587, abs=1e-3)
    assert found.confidence < threshold
    assert found.endpoint == "to-other"


def _named(embed: Directions, **more: Sequence[float]) -> Directions:
    embed.known |= more
    return embed


@pytest.mark.parametrize(
    ("source", "topic"),
    [
        ("sample", Topic("x", samples=("alpha beta",))),
        ("keyword", Topic("x", keywords=(Keyword("alpha beta"),))),
        ("description", Topic("x", description="alpha beta")),
        ("name", Topic("alpha beta")),
    ],
)
def test_a_source_weighs_what_it_is_worth(source: str, topic: Topic) -> None:
    """X-06: samples 1.0, keywords 0.8, the description 0.6, the name 0.5."""
    found = proposed("alpha beta", topic)
    assert found.confidence == pytest.approx(SOURCE_WEIGHTS[source])
    assert source in found.words


def test_the_best_row_of_a_topic_counts() -> None:
    topic = Topic("sort", samples=("sort",), keywords=(Keyword("sort"),), description="sort")
    assert proposed("sort", topic).words == "most like sample 1 of sort"
    assert len(proposed("sort", topic).details) == 1


def test_a_topic_of_another_language_is_a_little_farther() -> None:
    """X-06: language factor 1.0 for the same, 0.9 for another."""
    rust = Topic("rust", samples=("sort rows",), language="rust")
    matcher = SimilarityMatcher([rust])
    confidence = {
        language: matcher.match(asking(saying("sort rows", language), reaching([rust]))).confidence
        for language in ("rust", "Rust", "", "python")
    }
    assert confidence == pytest.approx(
        {"rust": 1.0, "Rust": 1.0, "": 1.0, "python": OTHER_LANGUAGE}
    )


def test_every_row_is_compared() -> None:
    """Regression of L-10: a request near the wrong centre never saw the right member."""
    topics = [
        Topic(f"t{number}", samples=(f"red word{number}", f"blue other{number}"))
        for number in range(150)
    ]
    assert all(
        proposed(f"blue other{number}", *topics).topic == f"t{number}" for number in (0, 77, 149)
    )


def test_nothing_in_common_is_no_match() -> None:
    """With d = 1 - cosine, max(0, 1 - d/2) made 0.5 of texts that have nothing in common."""
    found = proposed("bake bread", *BOTH)
    assert (found.endpoint, found.confidence, found.abstained) == ("", 0.0, False)
    assert found.words == "nothing like it among the topics"


def test_words_that_no_topic_knows_make_it_less_sure() -> None:
    """One known word in a long text about something else is no match: unknown words count."""
    known = proposed("draw", DRAW).confidence
    long = proposed("draw " + " ".join(f"unknown{number}" for number in range(60)), DRAW).confidence
    assert 0 < long < known / 3


def test_words_in_their_order_are_nearer() -> None:
    topic = Topic("x", samples=("alpha beta gamma",))
    assert (
        proposed("alpha beta gamma", topic).confidence
        > proposed("gamma beta alpha", topic).confidence
        > 0.5
    )


def test_a_topic_that_reaches_nothing_is_left_out() -> None:
    found = proposed("draw a red circle and sort", *BOTH, sorting="x")
    assert found.topic == "sorting"
    assert [name for name, _ in found.details] == ["sorting"]


def test_ties_go_by_priority_and_then_by_name() -> None:
    b, c = (Topic(name, samples=("same text",)) for name in ("b", "c"))
    urgent = Topic("z", samples=("same text",), priority=-1)
    assert proposed("same text", c, b).topic == "b"
    assert proposed("same text", b, c, urgent).topic == "z"


def test_the_best_few_are_in_the_details() -> None:
    topics = [Topic(f"t{number}", samples=("alpha " * (number + 1),)) for number in range(9)]
    assert len(proposed("alpha beta", *topics).details) == MOST_CANDIDATES


def test_without_words_or_without_a_topic_it_abstains() -> None:
    matcher = SimilarityMatcher(BOTH)
    assert matcher.match(asking(Hole("..."), reaching(BOTH))).words == "the request has no words"
    assert matcher.match(asking("sort", {"unknown": "x"})).abstained
    assert SimilarityMatcher([]).match(asking("sort", {})).abstained
    assert proposed("sort", Topic("--", samples=("!!",))).abstained


def test_words_that_say_nothing_are_not_compared() -> None:
    topic = Topic("x", samples=("use it for the a", "in it"))
    assert proposed("for the", topic).endpoint == ""


def test_an_index_of_no_texts_is_near_nothing() -> None:
    assert TextIndex([]).cosines(words_of("sort")).shape == (0,)


def test_vectors_of_topics_are_made_once() -> None:
    embed = Directions(a=(1, 0), b=(0, 1), draw=(3, 4))
    topics = (Topic("a"), Topic("b"))
    matcher = SimilarityMatcher(topics, embed=embed)
    assert not matcher.inline
    assert embed.asked == [["a", "b"]]
    found = matcher.match(asking("draw", reaching(topics)))
    assert found.topic == "b"
    assert found.confidence == pytest.approx(0.8 * SOURCE_WEIGHTS["name"])
    assert embed.asked[1:] == [["draw\n"]]


def test_opposite_and_empty_vectors_are_near_nothing() -> None:
    embed = Directions(a=(1, 0), away=(-1, 0), nothing=(0, 0))
    matcher = SimilarityMatcher([Topic("a")], embed=embed)
    assert matcher.match(asking("away", {"a": "x"})).endpoint == ""
    assert matcher.match(asking("nothing", {"a": "x"})).endpoint == ""


def test_a_cosine_that_rounding_took_over_one_is_one() -> None:
    """Regression of X-02: a cosine of 1.0000000000000002 was refused."""
    vector = np.random.default_rng(3).normal(size=384)
    topic = Topic("-", samples=("same",))
    found = SimilarityMatcher([topic], embed=Directions(same=vector)).match(
        asking("same", reaching([topic]))
    )
    assert found.confidence == pytest.approx(1.0)
    assert found.confidence <= 1.0


def test_an_embedder_without_topics_is_never_asked() -> None:
    embed = Directions()
    matcher = SimilarityMatcher([], embed=embed)
    assert (matcher.match(asking("sort", {})).abstained, embed.asked) == (True, [])


@pytest.mark.parametrize("answer", [[1.0, 2.0], [[1.0], [2.0]], [[np.nan]], [[np.inf]], []])
def test_an_embedder_that_answers_nonsense_is_refused(answer: object) -> None:
    class Nonsense:
        def embed(self, _: Sequence[str]) -> object:
            return np.asarray(answer)

    with pytest.raises(ValueError, match=r"it must be \[texts, dimensions\]"):
        SimilarityMatcher([Topic("a")], embed=Nonsense())


def test_vectors_of_different_lengths_are_refused() -> None:
    embed = Directions(a=(1, 0), draw=(1, 0, 0))
    matcher = SimilarityMatcher([Topic("a")], embed=embed)
    with pytest.raises(ValueError, match="vectors of different lengths"):
        matcher.match(asking("draw", {"a": "x"}))

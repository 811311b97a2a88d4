"""What holds for every text matcher, whatever the text and the topics."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.constraint import Constraint, FillConstraint, ForbiddenText, Regex, UnitTests
from gateway.core.hole import Hole, HoleKind, HoleOrigin, HoleSpec
from gateway.core.matcher import RouteMatcher
from gateway.core.topics import Hint, Keyword, Topic
from gateway.routing.hints import extract_hints, wants_lite
from gateway.routing.matchers.detectors import SHAPES
from gateway.routing.matchers.keyword import KeywordMatcher
from gateway.routing.matchers.phrases import PhraseTable, longest
from gateway.routing.matchers.shape import ShapeMatcher
from gateway.routing.matchers.similarity import SimilarityMatcher
from gateway.routing.matchers.tokens import words_of
from gateway.routing.matchers.wording import MOST_CHARS, MOST_RULE_CHARS, request_text
from gateway.routing.topics import BUILTIN_TOPICS
from tests.fakes.topics import asking, reaching, saying

# A busy machine is no failure of the product.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MATCHERS = (KeywordMatcher, SimilarityMatcher, ShapeMatcher)
WORDS = ["test", "json", "schema", "unit", "fast", "latest", "no", "only", "JsonTest", "тест"]
PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
TALK = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
CODE = st.lists(
    st.sampled_from(
        ['"""', "'''", "# test", "// json", "/* ", "*/", "def test_a():", "x = 1;", "\n", " ", "é"]
    ),
    max_size=20,
).map("\n".join)
ANY_CHARACTERS = st.text(st.characters(exclude_categories=[]), max_size=80)
TEXTS = st.one_of(ANY_CHARACTERS, TALK, CODE)

FILLS = st.builds(FillConstraint, TEXTS, TEXTS)
BODIES = st.sampled_from([ForbiddenText(("x",)), Regex("a"), UnitTests("x")])
CONSTRAINTS = st.builds(Constraint, TEXTS, BODIES)
ORIGINS = st.none() | st.builds(HoleOrigin, file=TEXTS, intent=TEXTS)
SPECS = st.builds(
    HoleSpec,
    kind=st.sampled_from(list(HoleKind)),
    language=st.sampled_from(["", "python", "rust", "sql", "klingon"]),
    fill_constraints=st.lists(FILLS, max_size=2).map(tuple),
    origin=ORIGINS,
)
HOLES = st.builds(
    Hole, TEXTS, TEXTS, spec=SPECS, constraints=st.lists(CONSTRAINTS, max_size=2).map(tuple)
)

FEW_PHRASES = st.lists(PHRASES, max_size=2).map(tuple)
HINTS = st.builds(Hint, st.sampled_from("ab"), st.sampled_from("gh"), FEW_PHRASES, FEW_PHRASES)


def topics_named(names: tuple[str, ...]) -> st.SearchStrategy[tuple[Topic, ...]]:
    return st.tuples(
        *(
            st.builds(
                Topic,
                st.just(name),
                priority=st.integers(-1, 1),
                keywords=st.lists(
                    st.builds(Keyword, PHRASES, st.sampled_from([0.5, 0.88, 1.0])), max_size=4
                ).map(tuple),
                boosters=FEW_PHRASES,
                negatives=FEW_PHRASES,
                samples=FEW_PHRASES,
                language=st.sampled_from(["", "python"]),
                shapes=st.lists(st.sampled_from(sorted(SHAPES)), max_size=4).map(tuple),
                hints=st.lists(HINTS, max_size=3).map(tuple),
            )
            for name in names
        )
    )


TOPICS = topics_named(("a", "b", "c", "d"))
REACH = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["one", "two", "three"]))
BUILTIN: tuple[RouteMatcher, ...] = tuple(make(BUILTIN_TOPICS) for make in MATCHERS)


@CALM
@given(HOLES)
def test_any_request_has_an_answer_within_0_and_1(hole: Hole) -> None:
    for matcher in BUILTIN:
        found = matcher.match(asking(hole, reaching(BUILTIN_TOPICS)))
        assert 0 <= found.confidence <= 1
        assert bool(found.endpoint) == bool(found.topic) == (found.confidence > 0)
        assert not (found.endpoint and found.abstained)


@CALM
@given(HOLES, TOPICS, REACH)
def test_only_a_topic_s_own_endpoint_is_proposed(
    hole: Hole, topics: tuple[Topic, ...], reach: dict[str, str]
) -> None:
    for make in MATCHERS:
        found = make(topics).match(asking(hole, reach))
        assert 0 <= found.confidence <= 1
        assert found.endpoint == reach.get(found.topic, "")


@CALM
@given(HOLES, TOPICS, REACH, st.permutations(range(4)))
def test_the_order_of_topics_changes_nothing(
    hole: Hole, topics: tuple[Topic, ...], reach: dict[str, str], order: list[int]
) -> None:
    """X-04: the first registered target won."""
    turned = [topics[index] for index in order]
    for make in MATCHERS:
        assert make(topics).match(asking(hole, reach)) == make(turned).match(asking(hole, reach))


@CALM
@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.3, 0.65, 0.88]))
def test_words_of_its_own_make_a_topic_surer_and_those_of_others_less_sure(
    own: int, second: int, third: int, weight: float
) -> None:
    """L-04: confidence comes from how many words match and from how exclusive they are."""
    names = ("a", "b", "c")
    topics = [
        Topic(name, keywords=tuple(Keyword(f"{name}{number}", weight) for number in range(6)))
        for name in names
    ]
    matcher = KeywordMatcher(topics)

    def confidence(*counts: int) -> float:
        said = [
            f"{name}{at}" for name, count in zip(names, counts, strict=True) for at in range(count)
        ]
        return matcher.match(asking(" ".join(said), reaching(topics))).confidence

    own += max(second, third)
    here = confidence(own, second, third)
    assert confidence(min(own + 1, 6), second, third) >= here
    assert second == 0 or confidence(own, second - 1, third) > here


@CALM
@given(TEXTS)
def test_words_are_bounded_and_phrases_lie_among_them(text: str) -> None:
    assert len(request_text(saying(text * 300))) <= MOST_CHARS + MOST_RULE_CHARS + 2
    words = words_of(text)
    assert all(words.parts)
    spans = PhraseTable(WORDS).find(words)
    assert all(0 <= span.start < span.end <= len(words.parts) for span in spans)
    assert set(longest(spans)) <= set(spans)
    assert len(set(spans)) == len(spans)


@CALM
@given(TEXTS, TOPICS)
def test_hints_are_of_the_topic_and_one_a_group(text: str, topics: tuple[Topic, ...]) -> None:
    words = words_of(text)
    assert isinstance(wants_lite(words), bool)
    for topic in topics:
        found = extract_hints(topic, words)
        assert len({group for group, _ in found}) == len(found)
        assert set(found) <= {(hint.group, hint.name) for hint in topic.hints}

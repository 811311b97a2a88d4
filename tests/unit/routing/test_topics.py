"""The built-in topics and where topics go: L-03, L-04."""

from __future__ import annotations

from itertools import combinations

import pytest

from gateway.core.endpoint import Capability, Endpoint
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName
from gateway.core.topics import Topic
from gateway.routing.matchers.keyword import KeywordMatcher
from gateway.routing.matchers.shape import ShapeMatcher
from gateway.routing.topics import BUILTIN_TOPICS, reach
from tests.fakes.fleets import CONSTRAINED, FAST, PARITY_FLEET, PLAIN, QUALITY
from tests.fakes.topics import asking, reaching

PASSES = DEFAULT_THRESHOLDS.of(LayerName.KEYWORD)
MATCHER = KeywordMatcher(BUILTIN_TOPICS)
REACH = reaching(BUILTIN_TOPICS)


@pytest.mark.parametrize("topic", BUILTIN_TOPICS, ids=lambda topic: topic.name)
def test_every_builtin_topic_can_win(topic: Topic) -> None:
    """Regression of L-04: a group of weight 0.82 never reached its layer's 0.85."""
    defective = 0.82
    assert defective < PASSES
    weights = [keyword.weight for keyword in topic.keywords]
    assert max(weights) >= PASSES
    assert all(1 - (1 - one) * (1 - two) >= PASSES for one, two in combinations(weights, 2))


@pytest.mark.parametrize("topic", BUILTIN_TOPICS, ids=lambda topic: topic.name)
def test_two_words_of_a_builtin_topic_pass_the_layer(topic: Topic) -> None:
    weak = [keyword.phrase for keyword in topic.keywords if keyword.weight < PASSES]
    found = MATCHER.match(asking(f"{weak[0]} - and - {weak[-1]}", REACH))
    assert found.topic == topic.name
    assert found.confidence >= PASSES


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fix the SQL injection in the login form", "security"),
        ("Return JSON that conforms to the given schema", "constrained"),
        ("Rename the variable", "fast"),
        ("Refactor the scheduler, it has a race condition", "quality"),
        ("Add a docstring", "docs"),
        ("Write unit tests for the parser", "tests"),
        ("Write unit tests for the security audit of passwords", "security"),
    ],
)
def test_what_builtin_topics_make_of_requests(text: str, name: str) -> None:
    found = MATCHER.match(asking(text, REACH))
    assert found.topic == name
    assert found.confidence >= PASSES


@pytest.mark.parametrize(
    "text",
    [
        "Download the latest release",
        "Create test data for the demo",
        "Take the format of the file",
        "Sum the columns",
    ],
)
def test_what_builtin_topics_leave_to_other_layers(text: str) -> None:
    assert MATCHER.match(asking(text, REACH)).confidence < PASSES


def test_builtin_topics_have_names_of_their_own_and_known_shapes() -> None:
    names = [topic.name for topic in BUILTIN_TOPICS]
    assert names == ["security", "constrained", "fast", "quality", "docs", "tests"]
    ShapeMatcher(BUILTIN_TOPICS)


def test_a_topic_goes_to_the_first_endpoint_with_its_capability() -> None:
    assert reach(BUILTIN_TOPICS, PARITY_FLEET) == {
        "security": "quality",
        "constrained": "constrained",
        "fast": "fast",
        "quality": "quality",
        "docs": "fast",
        "tests": "quality",
    }
    better = Endpoint("better", frozenset({Capability.HIGH_QUALITY}))
    assert reach(BUILTIN_TOPICS, [better, QUALITY])["tests"] == "better"


def test_a_topic_goes_to_its_own_endpoint_when_that_may_be_called() -> None:
    own = Topic("own", Capability.FAST_INFERENCE, endpoint="plain")
    assert reach([own], [FAST, PLAIN]) == {"own": "plain"}
    assert reach([own], [FAST]) == {"own": "fast"}


def test_a_topic_that_can_go_nowhere_is_left_out() -> None:
    assert reach([Topic("named", endpoint="plain"), Topic("nothing")], [CONSTRAINED]) == {}
    assert reach(BUILTIN_TOPICS, []) == {}

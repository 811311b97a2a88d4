"""Settings of what learns: every mistake is told at its place."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.learning import LearningConfig
from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.config.topics import TopicTable
from gateway.core.endpoint import Capability
from gateway.core.matching import LayerName
from gateway.core.topics import Hint, Keyword, Topic

ENDPOINTS = [
    {"name": "a", "url": "grpc://127.0.0.1:1"},
    {"name": "g-1", "url": "grpc://127.0.0.1:2", "group": "g"},
    {"name": "g-2", "url": "grpc://127.0.0.1:3", "group": "g"},
]
TOPIC = {"name": "t", "endpoint": "a"}
ARMS = [{"name": "control", "control": True}, {"name": "new", "endpoint": "g"}]
EXPERIMENT = {"name": "e", "arm": ARMS}


def problems(**tables: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        build({"endpoint": ENDPOINTS, **tables}, "test")
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_what_is_right_is_taken() -> None:
    settings = build({"endpoint": ENDPOINTS, "topic": [TOPIC], "experiment": [EXPERIMENT]}, "test")
    assert settings.topic[0].topic() == Topic("t", endpoint="a")
    assert settings.learning == LearningConfig()
    assert settings.outcomes.path == ":memory:"
    assert LayerName.CLARIFY not in settings.learning.layers
    assert not settings.adaptive.enabled


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("method", "vote"),
        ("on_abstain", "guess"),
        ("keyword_weight", 0),
        ("keyword_weight", -1.0),
        ("head_weight", float("nan")),
        ("shape_boost", 0.5),
        ("high", 1.5),
        ("coverage", -0.1),
        ("workers", 0),
        ("share", 0),
        ("shadow_share", 2),
        ("min_gain", float("inf")),
        ("tick_s", 0),
        ("max_observations", 99),
        ("max_observations", 100_001),
        ("nonsense", 1),
    ],
)
def test_each_mistake_in_learning_is_told_at_its_path(key: str, value: object) -> None:
    assert list(problems(learning={key: value})) == [f"learning.{key}"]


def test_an_unknown_layer_is_told() -> None:
    found = problems(learning={"layers": ["keyword", "guess"]})
    assert any(path.startswith("learning.layers") for path in found)


def test_levels_out_of_order_are_told() -> None:
    assert "medium must not be above high" in problems(learning={"medium": 0.9})["learning"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_events", 1),
        ("max_age_h", 0),
        ("queue", 0),
        ("call_s", 0),
        ("features_per_s", -1),
        ("log_bytes", 10),
        ("log_files", 0),
    ],
)
def test_each_mistake_in_outcomes_is_told_at_its_path(key: str, value: object) -> None:
    assert list(problems(outcomes={key: value})) == [f"outcomes.{key}"]


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"name": "a b"}, "topic[0].name", "start with a letter"),
        ({"endpoint": "nobody"}, "topic[0].endpoint", "use one of: a, g"),
        ({"endpoint": "g-1"}, "topic[0].endpoint", "use one of: a, g"),
        ({"endpoint": None}, "topic[0]", "needs either `capability` or `endpoint`"),
        ({"capability": "fast_inference"}, "topic[0]", "needs either `capability` or `endpoint`"),
        ({"endpoint": None, "capability": "magic"}, "topic[0].capability", ""),
        ({"shapes": ["square"]}, "topic[0]", "shape 'square' is unknown"),
        ({"keywords": [{"phrase": "..."}]}, "topic[0]", "..."),
        ({"keywords": [{"phrase": "x", "weight": 0}]}, "topic[0]", "not above 0"),
        ({"keywords": [{"phrase": "x", "weight": 1.5}]}, "topic[0].keywords[0].weight", ""),
        ({"keywords": [{"phrase": ""}]}, "topic[0].keywords[0].phrase", ""),
        ({"priority": 5000}, "topic[0].priority", ""),
        ({"hints": [{"name": "h", "group": "s", "phrases": []}]}, "topic[0].hints[0].phrases", ""),
        ({"keyword": []}, "topic[0].keyword", ""),
    ],
)
def test_each_mistake_in_a_topic_is_told_at_its_path(
    fields: dict[str, object], path: str, words: str
) -> None:
    table = {key: one for key, one in {**TOPIC, **fields}.items() if one is not None}
    found = problems(topic=[table])
    assert path in found
    assert words in found[path]


def test_two_topics_of_one_name_are_told() -> None:
    found = problems(topic=[TOPIC, TOPIC])
    assert list(found) == ["topic[1].name"]


def test_each_mistake_in_experiments_is_told_at_its_path() -> None:
    wrong = {"name": "e", "arm": [ARMS[0], {"name": "new", "endpoint": "nobody"}]}
    found = problems(experiment=[EXPERIMENT, wrong])
    assert set(found) == {"experiment[1].name", "experiment[1].arm[1].endpoint"}
    assert "use one of: a, g" in found["experiment[1].arm[1].endpoint"]
    assert list(problems(experiment=[{**EXPERIMENT, "share": 2}])) == ["experiment[0].share"]
    (path,) = problems(experiment=[{**EXPERIMENT, "arm": [ARMS[1]]}])
    assert path == "experiment[0]"


def test_every_mistake_is_told_at_once() -> None:
    found = problems(
        topic=[{**TOPIC, "endpoint": "nobody"}, {**TOPIC, "shapes": ["square"]}],
        experiment=[EXPERIMENT, EXPERIMENT],
    )
    assert set(found) == {
        "topic[0].endpoint",
        "topic[1].name",
        "topic[1]",
        "experiment[1].name",
    }


def test_every_key_of_a_topic_reaches_the_layers() -> None:
    table = TopicTable.model_validate(
        {
            "name": "t",
            "capability": "high_quality",
            "priority": 3,
            "keywords": [{"phrase": "k", "weight": 0.5}, {"phrase": "l"}],
            "boosters": ["b"],
            "negatives": ["n"],
            "samples": ["s"],
            "description": "d",
            "language": "python",
            "shapes": ["json_schema"],
            "hints": [{"name": "h", "group": "style", "phrases": ["p"], "negatives": ["q"]}],
        }
    )
    assert table.topic() == Topic(
        "t",
        Capability.HIGH_QUALITY,
        priority=3,
        keywords=(Keyword("k", 0.5), Keyword("l")),
        boosters=("b",),
        negatives=("n",),
        samples=("s",),
        description="d",
        language="python",
        shapes=("json_schema",),
        hints=(Hint("h", "style", ("p",), ("q",)),),
    )

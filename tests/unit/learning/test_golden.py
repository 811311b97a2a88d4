"""Golden routes: reading them, and judging a router by them."""

from __future__ import annotations

import json

import pytest

from gateway.core.faults import Fault, Kind
from gateway.core.hole import HoleKind, Objective, Request
from gateway.core.matching import Proposal
from gateway.learning.golden import Difficulty, GoldenRoute, parse_golden, score_golden
from gateway.learning.intervals import Rate

FULL = {
    "id": "sql",
    "prompt": "def query(user):",
    "suffix": "\n",
    "language": "Python",
    "kind": "function",
    "task": "security",
    "objective": "accurate",
    "ideal_endpoint": "careful",
    "ideal_confidence": 0.9,
    "difficulty": "hard",
}


def lines(*rows: dict[str, object]) -> list[str]:
    return [json.dumps(row) for row in rows]


def test_a_line_is_a_request_and_where_it_should_go() -> None:
    (golden,) = parse_golden(["", *lines(FULL), "\n"])
    assert golden.id == "sql"
    assert golden.request.hole.prompt == "def query(user):"
    assert golden.request.hole.suffix == "\n"
    assert golden.request.hole.spec.language == "python"
    assert golden.request.hole.spec.kind is HoleKind.FUNCTION
    assert golden.request.labels == (("task", "security"),)
    assert golden.request.objective is Objective.ACCURATE
    assert golden.ideal_confidence == 0.9
    assert golden.difficulty is Difficulty.HARD


def test_most_of_it_may_be_left_out() -> None:
    (golden,) = parse_golden(lines({"id": "a", "prompt": "x", "ideal_topic": "fast"}))
    assert golden.request.labels == ()
    assert golden.request.objective is Objective.BALANCED
    assert golden.ideal_confidence is None
    assert golden.difficulty is Difficulty.MEDIUM


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2: is no JSON"),
        ("[1]", "line 2: must be a JSON object"),
        (json.dumps({**FULL, "id": ""}), "line 2: id: must be given"),
        (json.dumps({**FULL, "id": "first"}), "line 2: id: 'first' occurs twice"),
        (json.dumps({**FULL, "prompt": 7}), "line 2: prompt: must be a text"),
        (json.dumps({**FULL, "ideal": "x"}), "line 2: ideal: is unknown; known are difficulty"),
        (json.dumps({**FULL, "ideal_endpoint": ""}), "line 2: ideal_endpoint: give this or"),
        (json.dumps({**FULL, "difficulty": "odd"}), "difficulty: must be one of easy, medium"),
        (json.dumps({**FULL, "kind": "poem"}), "line 2: kind: must be one of unspecified,"),
        (json.dumps({**FULL, "ideal_confidence": 1.1}), "ideal_confidence: must be a number"),
        (json.dumps({**FULL, "ideal_confidence": "1"}), "ideal_confidence: must be a number"),
        (json.dumps({**FULL, "ideal_confidence": True}), "ideal_confidence: must be a number"),
    ],
)
def test_a_mistake_is_named_by_line_and_field(line: str, words: str) -> None:
    with pytest.raises(Fault, match=words) as caught:
        parse_golden([*lines({**FULL, "id": "first"}), line])
    assert caught.value.kind is Kind.INVALID
    assert caught.value.violations[0].field.startswith("line 2")


def golden(name: str, level: Difficulty, confidence: float | None = None) -> GoldenRoute:
    row = {**FULL, "id": name, "prompt": name, "difficulty": level, "ideal_confidence": confidence}
    return parse_golden(lines(row))[0]


def test_a_router_is_scored_in_all_and_by_difficulty() -> None:
    answers = {
        "a": Proposal("knn", "careful", 0.8),
        "b": Proposal("knn", "careful", 0.6),
        "c": Proposal("knn", "fast", 1.0),
    }
    routes = [
        golden("a", Difficulty.EASY, 1.0),
        golden("b", Difficulty.EASY),
        golden("c", Difficulty.HARD, 0.5),
    ]

    def route(request: Request) -> Proposal:
        return answers[request.hole.prompt]

    found = score_golden(routes, route)
    assert found.overall.accuracy == Rate(2, 3)
    assert found.overall.brier == pytest.approx((0.04 + 0.16 + 1.0) / 3)
    assert found.overall.confidence_gap == pytest.approx((0.2 + 0.5) / 2)
    scores = dict(found.by_difficulty)
    assert list(scores) == [Difficulty.EASY, Difficulty.HARD]
    assert scores[Difficulty.EASY].accuracy == Rate(2, 2)
    assert scores[Difficulty.EASY].calibration_error == pytest.approx(0.3)
    assert scores[Difficulty.HARD].calibration_error == pytest.approx(1.0)


def test_a_router_that_says_nothing_is_neither_right_nor_wrong() -> None:
    """L-09: asking back was 100% accurate."""
    found = score_golden([golden("a", Difficulty.EASY)], lambda _: Proposal("clarify"))
    assert found.overall.answered == Rate(0, 1)
    assert found.overall.accuracy.share is None
    assert found.overall.brier is None
    assert found.overall.calibration_error is None
    assert found.overall.confidence_gap is None


def test_without_an_endpoint_the_topic_is_judged() -> None:
    (route,) = parse_golden(lines({"id": "a", "prompt": "x", "ideal_topic": "fast"}))
    assert route.accepts(Proposal("keyword", "any", 0.9, "fast"))
    assert not route.accepts(Proposal("keyword", "any", 0.9, "slow"))

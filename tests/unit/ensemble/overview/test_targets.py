from __future__ import annotations

import pytest

from gateway.config.dashboard import TargetsConfig
from gateway.core.overview import Grade
from gateway.ensemble.overview.targets import graded, targets_of
from gateway.learning.targets import Bar
from gateway.state.minute import LayerSums, RoutingSums

BARS = TargetsConfig().bars()
LEAST, MOST = Bar("x", 0.95, 0.90), Bar("x", 0.05, 0.10, least=False)


@pytest.mark.parametrize(
    ("bar", "total", "of", "grade"),
    [
        (LEAST, 0, 0, Grade.UNKNOWN),
        (None, 1, 1, Grade.UNKNOWN),
        (LEAST, 95, 100, Grade.GOOD),
        (LEAST, 92, 100, Grade.WARN),
        (LEAST, 7, 10, Grade.BAD),
        (LEAST, 8, 10, Grade.WARN),
        (LEAST, 850, 1000, Grade.BAD),
        (MOST, 5, 100, Grade.GOOD),
        (MOST, 8, 100, Grade.WARN),
        (MOST, 3, 20, Grade.WARN),
        (MOST, 150, 1000, Grade.BAD),
    ],
)
def test_a_share_is_bad_only_when_it_surely_is(bar, total, of, grade):
    """D-02 ✗: colours went by how high a number is; these go by its target."""
    assert graded(bar, total, of) is grade


def test_a_layer_that_should_decide_little_is_good_with_little():
    """D-02 ✗: colours graded success, which for early layers is meant to be low."""
    assert BARS.share_of("head") == Bar("head", 0.03, 0.0)
    assert graded(BARS.share_of("head"), 4, 100) is Grade.GOOD
    assert BARS.share_of("keyword") is BARS.keyword
    assert BARS.share_of("rules") is None


def test_every_target_of_d05_is_held_against_its_number():
    """D-05: all of them, and where from on they alarm."""
    layers = {"keyword": LayerSums(asked=1000, captured=350)}
    sums = RoutingSums(
        decisions=1000,
        clarified=10,
        elapsed_s=150.0,
        reported=100,
        corrected=20,
        known=100,
        right=96,
        misrouted=1,
        layers=layers,
    )
    found = {one.name: (one.text, one.target, one.grade) for one in targets_of(sums, BARS)}
    assert found == {
        "accuracy of decisions": ("96.0% of 100", "at least 95%, alarm below 90%", Grade.GOOD),
        "decisions by keyword": ("35.0% of 1000", "at least 30%, alarm below 20%", Grade.GOOD),
        "decisions by similarity": ("unknown", "at least 40%, alarm below 30%", Grade.UNKNOWN),
        "mean time of a decision": (
            "150.0 ms of 1000",
            "at most 100 ms, alarm above 200 ms",
            Grade.WARN,
        ),
        "decisions that were corrected": (
            "20.0% of 100",
            "at most 5%, alarm above 10%",
            Grade.BAD,
        ),
        "requests for clarification": ("1.0% of 1000", "at most 5%, alarm above 5%", Grade.GOOD),
        "bad answers where another endpoint was right": (
            "1.0% of 100",
            "at most 2%, alarm above 2%",
            Grade.GOOD,
        ),
    }


@pytest.mark.parametrize(
    ("elapsed_s", "grade"), [(1.0, Grade.GOOD), (15.0, Grade.WARN), (30.0, Grade.BAD)]
)
def test_a_mean_time_is_graded(elapsed_s: float, grade: Grade):
    sums = RoutingSums(decisions=100, elapsed_s=elapsed_s)
    assert targets_of(sums, BARS)[3].grade is grade


def test_without_decisions_nothing_is_known():
    assert {one.grade for one in targets_of(RoutingSums(), BARS)} == {Grade.UNKNOWN}

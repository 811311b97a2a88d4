"""Recall of similar past requests."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core import memory as recalling
from gateway.core.experience import Memory
from gateway.core.memory import shrunk
from gateway.learning.experience import learn
from gateway.learning.settings import LearningSettings
from tests.fakes.past import HARD, OTHER, asked, past, sentence, two_kinds

FEW = LearningSettings(neighbours=20)


def memory_of_two_kinds() -> Memory:
    memory = learn(two_kinds(200), FEW, version=1).memory
    assert memory is not None
    return memory


def test_neighbours_correct_by_what_came_of_them() -> None:
    recalled = memory_of_two_kinds().recall(asked(sentence(HARD, 1_001)))
    strong, weak = recalled.correction
    assert strong - weak > 0.2
    assert recalled.similarity > 0.3
    assert recalled.effective_n == pytest.approx(20.0, rel=1e-4)


def test_a_request_like_none_is_not_corrected() -> None:
    recalled = memory_of_two_kinds().recall(asked(sentence(OTHER, 1)))
    assert recalled.correction.tolist() == [0.0, 0.0]
    assert (recalled.similarity, recalled.effective_n) == (0.0, 0.0)


def test_a_row_is_judged_without_itself() -> None:
    memory = learn([past("alpha beta", weak=1.0), past("gamma delta", weak=0.0)], version=1).memory
    assert memory is not None
    assert memory.recall(asked("alpha beta")).similarity > 0.0
    assert memory.recall(asked("alpha beta"), without=0).similarity == 0.0


def test_failures_of_neighbours_count_against_and_successes_for_an_endpoint() -> None:
    """Regression of L-11: neighbours counted for an endpoint whatever had come of them."""
    words = "sort list of dates"
    rows = [past(words, weak=float(number % 2), strong=1.0) for number in range(40)]
    failed = [past("parse nested json", weak=0.0, strong=1.0) for _ in range(40)]
    memory = learn([*rows, *failed], FEW, version=1).memory
    assert memory is not None
    assert memory.recall(asked(words)).correction[1] > 0.0
    assert memory.recall(asked("parse nested json")).correction[1] < 0.0


def test_older_outcomes_count_less() -> None:
    """Regression of L-11: age played no part."""
    month = LearningSettings(half_life_s=100.0, neighbours=20)
    turned = [
        past("sort list of dates", at=float(at), weak=float(at < 500)) for at in range(0, 1_000, 50)
    ]
    steady = [past("parse nested json", at=999.0, weak=0.5) for _ in range(20)]
    memory = learn([*turned, *steady], month, version=1).memory
    assert memory is not None
    assert memory.recall(asked("sort list of dates")).correction[0] < -0.05


def test_the_walk_over_the_index_is_bounded_and_begins_with_rare_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = learn(
        [past(f"common word{number}", weak=1.0) for number in range(15)], version=1
    ).memory
    assert memory is not None
    monkeypatch.setattr(recalling, "LONGEST_WALK", 3)
    # "word3" and the pair occur once each, "common" in all fifteen.
    similar = memory._similarities(asked("common word3"))
    assert np.flatnonzero(similar).tolist() == [3]


def test_after_n_outcomes_a_part_n_of_n_and_slack_of_the_mean_is_kept() -> None:
    values = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    known = np.ones_like(values)
    level, deviations = shrunk(values, known, 4.0)
    assert level == pytest.approx(2 / (4 + 4))
    assert deviations.tolist() == pytest.approx([(2 - 0.5) / 6, -0.5 / 6])
    assert deviations[0] - deviations[1] == pytest.approx(1.0 * 2 / (2 + 4))

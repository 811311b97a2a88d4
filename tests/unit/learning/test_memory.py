"""Building the memory, and judging it by its own rows."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.confidence import UNFITTED
from gateway.core.memory import Memory
from gateway.learning import memory as building
from gateway.learning.experience import learn
from gateway.learning.settings import LearningSettings
from tests.fakes.past import HARD, asked, past, sentence, two_kinds


def memory_of(rows: list, settings: LearningSettings | None = None) -> Memory:
    memory = learn(rows, settings or LearningSettings(neighbours=20), version=1).memory
    assert memory is not None
    return memory


def test_the_index_holds_every_word_of_every_row() -> None:
    rows = two_kinds(30)
    memory = memory_of(rows)
    assert memory.starts[-1] == sum(len(one.features.buckets) for one in rows)
    assert (np.diff(memory.starts) > 0).all()
    for row, one in enumerate(rows):
        places = np.searchsorted(memory.vocabulary.buckets, one.features.buckets)
        for place in places.tolist():
            assert row in memory.rows[memory.starts[place] : memory.starts[place + 1]]


def test_typical_is_how_similar_its_own_rows_are_to_each_other() -> None:
    memory = memory_of(two_kinds(200))
    similar = memory.recall(asked(sentence(HARD, 1_001))).similarity
    assert similar / memory.typical == pytest.approx(1.0, abs=0.3)


def test_rows_with_nothing_in_common_support_nothing_by_accident() -> None:
    assert memory_of([past("alpha", weak=1.0)]).typical == building.LEAST_TYPICAL


def test_its_confidence_is_fitted_where_outcomes_can_be_compared() -> None:
    assert memory_of(two_kinds(100)).confidence.fitted == 100
    assert memory_of(two_kinds(100, single=True)).confidence == UNFITTED


def test_of_many_rows_some_judge_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "JUDGED_ROWS", 30)
    assert memory_of(two_kinds(100)).confidence.fitted == 25


def test_similarity_to_itself_is_one() -> None:
    rows = two_kinds(50)
    memory = memory_of(rows)
    assert memory._similarities(rows[7].features)[7] == pytest.approx(1.0)

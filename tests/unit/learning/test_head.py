"""Training of the head."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.features import FEATURE_VERSION
from gateway.core.head import Head
from gateway.learning.head import LEAST_TYPICAL, ridge, train_head
from gateway.learning.settings import LearningSettings
from gateway.learning.words import Matrix
from tests.fakes.past import EASY, HARD, asked, past, sentence, two_kinds


def gain(head: Head, text: str) -> float:
    at, weights = head.vocabulary.weigh(asked(text))
    strong, weak = weights @ head.weights[at]
    return float(strong - weak)


@pytest.mark.parametrize("single", [False, True])
def test_words_of_hard_requests_predict_a_gain_and_others_none(single: bool) -> None:
    head = train_head(two_kinds(400, single=single))
    assert head.endpoints == ("strong", "weak")
    assert gain(head, sentence(HARD, 2_001)) - gain(head, sentence(EASY, 2_002)) > 0.4


def test_how_hard_a_request_is_does_not_change_its_gain() -> None:
    """Both fail on half the requests, whatever those are about: that is level, not gain."""
    rows = [
        past(sentence(HARD if number % 2 else EASY, number), strong=result, weak=result)
        for number in range(200)
        for result in [float(number % 2)]
    ]
    head = train_head(rows)
    assert gain(head, sentence(HARD, 2_001)) == pytest.approx(0.0, abs=1e-6)
    assert float((head.weights**2).sum()) > 0.0


def test_it_is_judged_on_rows_that_it_was_not_trained_on() -> None:
    head = train_head(two_kinds(400))
    assert head.confidence.fitted == 80
    assert (head.version, head.observations) == (FEATURE_VERSION, 400)
    assert 0.5 < head.typical <= 1.0


def test_it_knows_only_words_that_occur_again_and_no_more_than_the_most() -> None:
    rows = [past(f"common only{number}", weak=float(number % 2)) for number in range(100)]
    assert len(train_head(rows).vocabulary.buckets) == 1
    assert len(train_head(two_kinds(100), LearningSettings(head_words=7)).vocabulary.buckets) == 7


def test_rows_without_a_common_word_make_a_head_that_knows_nothing() -> None:
    head = train_head([past(f"only{number}", weak=1.0) for number in range(100)])
    assert len(head.vocabulary.buckets) == 0
    assert head.typical == LEAST_TYPICAL
    assert Head.from_bytes(head.to_bytes()).weights.shape == (0, 1)


def test_too_few_observations_train_no_head() -> None:
    with pytest.raises(ValueError, match="99 observations; a head needs 100"):
        train_head(two_kinds(99))


def test_a_few_outcomes_of_many_endpoints_say_as_much_as_all_of_them() -> None:
    """With two outcomes a row the mean of a row follows each; that is given back."""
    names = ("one", "two", "three", "four")
    rng = np.random.default_rng(3)
    all_of, some_of = [], []
    for number in range(800):
        hard = number % 2 == 1
        scores = {name: float(name == "one" or not hard) for name in names}
        text = sentence(HARD if hard else EASY, number)
        all_of.append(past(text, **scores))
        two = rng.choice(names, 2, replace=False).tolist()
        some_of.append(past(text, **{name: scores[name] for name in two}))
    full, part = train_head(all_of), train_head(some_of)
    place = full.endpoints.index("one")

    def lead(head: Head) -> float:
        at, weights = head.vocabulary.weigh(asked(sentence(HARD, 5_001)))
        values = weights @ head.weights[at]
        return float(values[place] - np.delete(values, place).mean())

    assert lead(part) == pytest.approx(lead(full), rel=0.35)


def test_the_ridge_regression_is_the_exact_one() -> None:
    rng = np.random.default_rng(5)
    dense = rng.normal(size=(40, 6))
    rows, columns = np.nonzero(dense)
    matrix = Matrix(dense.shape, rows, columns, dense[rows, columns])
    target, weights = rng.normal(size=40), rng.uniform(0.1, 1.0, 40)
    settings = LearningSettings(head_penalty=3.0)
    normal = (dense.T * weights) @ dense + 3.0 * np.eye(6)
    exact = np.linalg.solve(normal, (dense.T * weights) @ target)
    found = ridge(matrix, target, weights, settings)
    assert found.tolist() == pytest.approx(exact.tolist(), abs=1e-3)


def test_nothing_to_explain_leaves_all_weights_zero() -> None:
    matrix = Matrix((1, 1), np.array([0]), np.array([0]), np.array([1.0]))
    found = ridge(matrix, np.zeros(1), np.ones(1), LearningSettings())
    assert found.tolist() == [0.0]


def test_rounds_are_bounded() -> None:
    rng = np.random.default_rng(6)
    dense = rng.normal(size=(40, 30))
    rows, columns = np.nonzero(dense)
    matrix = Matrix(dense.shape, rows, columns, dense[rows, columns])
    target = rng.normal(size=40)
    one = ridge(matrix, target, np.ones(40), LearningSettings(head_rounds=1))
    many = ridge(matrix, target, np.ones(40), LearningSettings())
    assert one.tolist() != pytest.approx(many.tolist(), abs=1e-3)

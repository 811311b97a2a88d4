"""The sparse matrix of words."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.learning.words import matrix_of, vocabulary_of, words_of
from tests.fakes.past import HARD, asked, sentence


def test_rows_of_the_matrix_weigh_words_as_a_request_does() -> None:
    features = [asked(sentence(HARD, number)) for number in range(8)]
    words = words_of(features)
    known = np.flatnonzero(words.frequency > 1)
    vocabulary = vocabulary_of(words, known)
    matrix = matrix_of(words, vocabulary)
    for row, one in enumerate(features):
        at, weights = vocabulary.weigh(one)
        mine = matrix.rows == row
        assert matrix.columns[mine].tolist() == at.tolist()
        assert matrix.weights[mine].tolist() == pytest.approx(weights.tolist(), rel=1e-5)


def test_products_are_those_of_the_dense_matrix() -> None:
    words = words_of([asked("alpha beta"), asked("beta gamma"), asked("")])
    matrix = matrix_of(words, vocabulary_of(words, np.flatnonzero(words.frequency)))
    dense = np.zeros(matrix.shape)
    dense[matrix.rows, matrix.columns] = matrix.weights
    rng = np.random.default_rng(1)
    of_words, of_rows = rng.normal(size=matrix.shape[1]), rng.normal(size=matrix.shape[0])
    assert matrix.times(of_words).tolist() == pytest.approx((dense @ of_words).tolist())
    assert matrix.transposed_times(of_rows).tolist() == pytest.approx((dense.T @ of_rows).tolist())


def test_requests_without_words_make_an_empty_matrix() -> None:
    words = words_of([asked(""), asked("+")])
    matrix = matrix_of(words, vocabulary_of(words, np.flatnonzero(words.frequency)))
    assert matrix.shape == (2, 0)
    assert matrix.times(np.zeros(0)).tolist() == [0.0, 0.0]

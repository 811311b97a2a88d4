"""TF-IDF weights of a request."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.features import Features
from gateway.core.vocabulary import Vocabulary

KNOWN = Vocabulary(np.array([3, 5, 9], np.int32), np.array([1.0, 2.0, 1.0], np.float32), 2.0)


def features(**counts: int) -> Features:
    buckets = np.array([int(name[1:]) for name in counts], np.int32)
    return Features(buckets, np.array(list(counts.values()), np.float32), length=1)


def test_known_words_have_weights_and_unknown_ones_shorten_them() -> None:
    at, weights = KNOWN.weigh(features(b3=1, b4=1, b5=1))
    assert at.tolist() == [0, 1]
    assert weights.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert float(weights @ weights) == pytest.approx(5 / 9)


def test_a_count_weighs_by_its_logarithm() -> None:
    _, once = KNOWN.weigh(features(b3=1, b5=1))
    _, often = KNOWN.weigh(features(b3=20, b5=1))
    assert often[0] / often[1] == pytest.approx((1 + np.log(20)) * once[0] / once[1])


def test_a_bucket_beyond_all_known_ones_is_unknown() -> None:
    at, weights = KNOWN.weigh(features(b10=1))
    assert (len(at), len(weights)) == (0, 0)


def test_a_request_without_words_weighs_nothing() -> None:
    at, weights = KNOWN.weigh(features())
    assert (len(at), len(weights)) == (0, 0)


def test_without_any_known_word_nothing_is_known() -> None:
    empty = Vocabulary(np.zeros(0, np.int32), np.zeros(0, np.float32), 1.0)
    at, weights = empty.weigh(features(b1=1))
    assert (len(at), len(weights)) == (0, 0)

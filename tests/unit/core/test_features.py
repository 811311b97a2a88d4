"""The stored form of features."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.core.features import BUCKETS, FEATURE_VERSION, Features
from tests.fakes.past import asked


def packed(buckets: list[int], counts: list[int]) -> bytes:
    return Features(
        np.array(buckets, np.int32), np.array(counts, np.float32), length=7, task="t", language="l"
    ).to_bytes()


def test_features_come_back_from_their_bytes() -> None:
    features = asked("def résumé(): return x_y + x_y", task="überblick")
    back = Features.from_bytes(features.to_bytes())
    assert back.buckets.tolist() == features.buckets.tolist()
    assert back.counts.tolist() == features.counts.tolist()
    assert (back.length, back.task, back.language) == (30, "überblick", "python")
    assert back.buckets.dtype == np.int32
    assert back.counts.dtype == np.float32


def test_features_without_any_word_come_back() -> None:
    back = Features.from_bytes(asked("").to_bytes())
    assert (len(back.buckets), back.length) == (0, 0)


def test_the_bytes_hold_no_word_of_the_text() -> None:
    assert b"secret" not in asked("secret token").to_bytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "too short"),
        (packed([1, 2], [1, 1])[:-1], "cut short or too long"),
        (packed([1, 2], [1, 1]) + b"x", "cut short or too long"),
        (bytes([FEATURE_VERSION + 1]) + packed([1], [1])[1:], "version 2, not 1"),
        (packed([2, 1], [1, 1]), "out of range"),
        (packed([1, 1], [1, 1]), "out of range"),
        (packed([-1, 1], [1, 1]), "out of range"),
        (packed([1, BUCKETS], [1, 1]), "out of range"),
        (packed([1, 2], [1, 0]), "out of range"),
        (packed([1], [1])[:-1] + b"\xff", "decode"),
    ],
)
def test_bytes_that_are_no_features_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Features.from_bytes(data)

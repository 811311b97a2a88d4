"""The stored form of a head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.core.confidence import Confidence
from gateway.core.head import Head
from gateway.core.vocabulary import Vocabulary

HEAD = Head(
    version=1,
    endpoints=("strong", "wéak"),
    vocabulary=Vocabulary(
        np.array([3, 5, 9], np.int32), np.array([1.0, 2.0, 0.5], np.float32), unknown=4.0
    ),
    weights=np.arange(6, dtype=np.float32).reshape(3, 2),
    typical=0.75,
    observations=120,
    confidence=Confidence(bias=0.25, slope=1.5, fitted=24),
)


def test_a_head_comes_back_from_its_bytes() -> None:
    back = Head.from_bytes(HEAD.to_bytes())
    assert (back.version, back.endpoints, back.observations) == (1, HEAD.endpoints, 120)
    assert (back.typical, back.confidence) == (0.75, HEAD.confidence)
    assert back.vocabulary.buckets.tolist() == [3, 5, 9]
    assert back.vocabulary.idf.tolist() == [1.0, 2.0, 0.5]
    assert back.vocabulary.unknown == 4.0
    assert back.weights.tolist() == HEAD.weights.tolist()


def test_a_head_of_other_features_can_be_read() -> None:
    """L-12: who asks it sees the version, and abstains."""
    assert Head.from_bytes(replace(HEAD, version=7).to_bytes()).version == 7


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no head"),
        (b"XXXX" + HEAD.to_bytes()[4:], "no head"),
        (HEAD.to_bytes()[:-4], "cut short"),
        (HEAD.to_bytes() + b"\0", "cut short or too long"),
        (replace(HEAD, typical=0.0).to_bytes(), "none can have"),
        (replace(HEAD, typical=float("nan")).to_bytes(), "none can have"),
        (replace(HEAD, endpoints=("one",)).to_bytes(), "none can have"),
        (replace(HEAD, confidence=Confidence(bias=float("inf"))).to_bytes(), "none can have"),
        (replace(HEAD, weights=np.full((3, 2), np.nan, np.float32)).to_bytes(), "none can have"),
        (
            replace(
                HEAD, vocabulary=replace(HEAD.vocabulary, buckets=np.array([3, 3, 9], np.int32))
            ).to_bytes(),
            "ascending",
        ),
    ],
)
def test_bytes_that_are_no_head_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Head.from_bytes(data)

"""Words and pairs of words of a request, hashed: what the learned layers go by."""

from __future__ import annotations

import re
from dataclasses import replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gateway.core.features import BUCKETS, MAX_COUNT, Features
from gateway.core.hole import Request

TASK_LABEL = "task"
"""Label in which a caller names the kind of task."""

LONGEST_NAME = 64
"""Characters of a task kind or language that count; more would let callers fill the memory."""

LONGEST_TEXT = 8_000
"""Characters read of each text, nearest to the hole."""

WORDS_BEFORE, WORDS_AFTER, WORDS_OF_INTENT = 320, 96, 96
"""Words that count: of the text before the hole the last ones, of the others the first.

Together they make at most 1,021 n-grams, which bounds the memory and the time of every layer.
"""

_NO_BUCKETS = np.zeros(0, np.int32)
_NO_COUNTS = np.zeros(0, np.float32)

_WORD = re.compile(r"[^\W_]+|_{2,}")
"""Identifiers fall apart at underscores; several in a row are the blank of a text to fill in."""

_ASCII_WORD = re.compile(rb"[a-z0-9]+|_{2,}")
"""The same words in a text of lower case that is all ASCII: most are, and it is faster."""

_FIRST, _SECOND, _MIX = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0xBF58476D1CE4E5B9),
)


def lexical_features(request: Request) -> Features:
    """Compute the features of a request. Time and size are bounded, however long its text is."""
    hole = request.hole
    intent = hole.spec.origin.intent if hole.spec.origin else ""
    buckets, counts = _hashed(
        _words(intent[:LONGEST_TEXT])[:WORDS_OF_INTENT],
        _words(hole.prompt[-LONGEST_TEXT:])[-WORDS_BEFORE:],
        _words(hole.suffix[:LONGEST_TEXT])[:WORDS_AFTER],
    )
    return replace(bare_features(request), buckets=buckets, counts=counts)


def bare_features(request: Request) -> Features:
    """Return the features that cost nothing: no words, so only task and length teach anything."""
    hole = request.hole
    intent = hole.spec.origin.intent if hole.spec.origin else ""
    task = dict(request.labels).get(TASK_LABEL, "") if request.labels else ""
    return Features(
        _NO_BUCKETS,
        _NO_COUNTS,
        len(hole.prompt) + len(hole.suffix) + len(intent),
        task[:LONGEST_NAME],
        hole.spec.language[:LONGEST_NAME],
    )


def _words(text: str) -> list[bytes]:
    lowered = text.lower()
    if lowered.isascii():
        return _ASCII_WORD.findall(lowered.encode())
    return [word.encode("utf-8", "surrogatepass") for word in _WORD.findall(lowered)]


def _hashed(*texts: list[bytes]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Count single words and, within each text, pairs of neighbours."""
    grams: list[NDArray[np.uint64]] = []
    for words in texts:
        hashes = np.array([*map(crc32, words)], np.uint64)
        pairs = hashes[:-1] * _FIRST + hashes[1:] * _SECOND
        # The low bits of such a sum depend on the low bits of both words only.
        grams += [hashes, ((pairs ^ (pairs >> np.uint64(29))) * _MIX) >> np.uint64(32)]
    numbers = (np.concatenate(grams) % np.uint64(BUCKETS)).astype(np.int32)
    buckets, counts = np.unique(numbers, return_counts=True)
    return buckets, np.minimum(counts, MAX_COUNT).astype(np.float32)

"""Ids for decisions, made fast enough for every request."""

from __future__ import annotations

import os

from gateway.core.ids import RANDOM_BITS, decision_id

BYTES = -(-RANDOM_BITS // 8)
POOL = 512
"""Ids for which random bytes are fetched at once: the call costs more than the bytes."""

_MASK = (1 << RANDOM_BITS) - 1


class DecisionIds:
    """Makes ids of decisions. Nobody can guess one from those seen before."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def at(self, unix_s: float) -> str:
        """Return a new id for a decision made at that time."""
        start = self._at
        if start == len(self._bytes):
            self._bytes = os.urandom(POOL * BYTES)
            start = 0
        self._at = end = start + BYTES
        bits = int.from_bytes(self._bytes[start:end]) & _MASK
        return decision_id(int(unix_s * 1000), bits)

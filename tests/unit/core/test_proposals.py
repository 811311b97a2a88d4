"""What a matcher may say, and how one without waiting is asked."""

from __future__ import annotations

import asyncio
import math

import pytest

from gateway.core.hole import Hole, Request
from gateway.core.matcher import MatchQuery, RouteMatcher
from gateway.core.matching import OVERSHOOT, LayerName, Proposal


def test_a_confidence_that_rounding_pushed_out_of_its_range_is_clamped() -> None:
    """X-02: a cosine came out as 1.0000000000000002 and was refused."""
    assert Proposal(LayerName.SIMILARITY, "a", 1.0000000000000002).confidence == 1.0
    assert Proposal(LayerName.SIMILARITY, "a", -OVERSHOOT).confidence == 0.0


@pytest.mark.parametrize("confidence", [1 + 2 * OVERSHOOT, -0.1, math.nan, math.inf])
def test_a_confidence_outside_of_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        Proposal(LayerName.SIMILARITY, "a", confidence)


class Plain(RouteMatcher):
    """Proposes without waiting for anything."""

    name = "plain"

    def match(self, query: MatchQuery) -> Proposal:
        return Proposal(self.name, query.permitted[0], 0.5)


def test_a_matcher_that_never_waits_can_be_awaited_too() -> None:
    """J-02: the default hands on what the synchronous way says, and is no support of its own."""
    query = MatchQuery(Request(Hole("x"), "r"), ("a",))
    assert asyncio.run(Plain().match_async(query)) == Plain().match(query)
    assert not Plain().supports_async
    assert Plain().why_unavailable(query) == ""

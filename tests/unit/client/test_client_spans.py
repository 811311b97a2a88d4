"""Spans of seconds as they are sent."""

from __future__ import annotations

import math

import pytest
from ensemble_client.errors import InvalidRequest
from ensemble_client.feedback import span_of


class Watched(str):
    """A text that notices being repeated."""

    __slots__ = ()

    def __mul__(self, times: object) -> str:
        assert not isinstance(times, int), "repeated instead of refused"
        return NotImplemented


@pytest.mark.parametrize("seconds", [Watched("soon"), math.nan, math.inf, 1e300])
def test_what_is_no_span_is_refused_at_once(seconds: float) -> None:
    """A text was repeated a thousand million times before it was refused."""
    with pytest.raises(InvalidRequest, match="latency: must be a number of seconds"):
        span_of("latency", seconds)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (3600, "3600s"), (0.25, "0.250s"), (-1, "-1s")]
)
def test_a_span_is_exact_to_the_nanosecond(seconds: float, shown: str) -> None:
    span = span_of("latency", seconds)
    assert span is not None
    assert span.ToJsonString() == shown


def test_no_span_is_none() -> None:
    assert span_of("latency", None) is None

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.state.buckets import BUCKETS, bucket_of, counts_of, no_times, quantiles


def counted(*seconds: float) -> bytes:
    times = no_times()
    for one in seconds:
        times[bucket_of(one)] += 1
    return times.tobytes()


def test_a_time_beyond_either_end_counts_in_the_last_bucket_there():
    assert bucket_of(0.0) == bucket_of(-1.0) == bucket_of(2.0**-14) == 0
    assert bucket_of(1e6) == bucket_of(2.0**10) == BUCKETS - 1


@given(st.floats(min_value=1e-4, max_value=1000.0), st.floats(min_value=1e-4, max_value=1000.0))
def test_a_longer_time_is_never_in_an_earlier_bucket(one: float, other: float):
    low, high = sorted((one, other))
    assert bucket_of(low) <= bucket_of(high)


@given(
    st.lists(st.floats(min_value=1e-4, max_value=1000.0), min_size=1, max_size=50),
    st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_quantile_is_at_most_one_in_twenty_off(seconds: list[float], rank: float):
    ((found,),) = quantiles(counts_of([counted(*seconds)]), (rank,))
    exact = sorted(seconds)[max(int(np.ceil(rank * len(seconds))), 1) - 1]
    assert found == pytest.approx(exact, rel=0.05)


def test_buckets_of_several_minutes_are_merged_by_adding():
    rows = counts_of([counted(0.1, 0.1), counted(), counted(3.0)])
    assert [times[0] is None for times in quantiles(rows, (0.5, 0.99))] == [False, True, False]
    ((median, slowest),) = quantiles(rows.sum(axis=0)[np.newaxis], (0.5, 0.99))
    assert median == pytest.approx(0.1, rel=0.05)
    assert slowest == pytest.approx(3.0, rel=0.05)

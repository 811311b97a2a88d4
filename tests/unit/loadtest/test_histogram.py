from __future__ import annotations

import json
import math
import random

import pytest
from ensemble_loadtest.histogram import LEAST, MOST, RELATIVE_ERROR, Histogram
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.lists(st.floats(LEAST, MOST), min_size=1, max_size=200)


def counted(numbers: list[float]) -> Histogram:
    made = Histogram()
    for number in numbers:
        made.add(number)
    return made


@given(NUMBERS, st.floats(0, 1))
def test_a_quantile_is_within_one_percent_of_the_number_at_its_rank(
    numbers: list[float], share: float
) -> None:
    exact = sorted(numbers)[max(0, math.ceil(share * len(numbers)) - 1)]
    assert counted(numbers).quantile(share) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.0001)


@given(NUMBERS, NUMBERS)
def test_merging_is_the_same_as_counting_all_in_one(
    first: list[float], second: list[float]
) -> None:
    merged, whole = counted(first), counted(first + second)
    merged.merge(counted(second))
    assert merged.buckets() == whole.buckets()
    assert (merged.count, merged.least, merged.most) == (whole.count, whole.least, whole.most)
    assert merged.total == pytest.approx(whole.total)
    shares = (0.1, 0.5, 0.99, 1)
    assert merged.quantiles(shares) == whole.quantiles(shares)


def test_the_ends_the_mean_and_the_count_are_exact() -> None:
    found = counted([0.25, 0.5, 3.0])
    assert (found.least, found.most, found.count, found.mean) == (0.25, 3.0, 3, 1.25)
    assert found.quantile(0) == 0.25
    assert found.quantile(1) == 3.0


def test_without_numbers_there_is_no_quantile() -> None:
    empty = Histogram()
    assert empty.quantiles([0.5, 0.9]) == [None, None]
    assert empty.mean is None


@pytest.mark.parametrize("number", [0.0, -1.0, 1e-30, 1e30, math.inf])
def test_what_is_outside_is_counted_at_the_ends(number: float) -> None:
    assert len(counted([number]).buckets()) == 1


def test_the_number_of_buckets_is_bounded() -> None:
    even = random.Random(1)
    spread = math.log(MOST / LEAST)
    found = counted([LEAST * math.exp(even.random() * spread) for _ in range(50_000)])
    assert len(found.buckets()) <= math.ceil(spread / math.log(1.01 / 0.99)) + 1


@given(NUMBERS)
def test_a_histogram_comes_back_out_of_a_document(numbers: list[float]) -> None:
    found = counted(numbers)
    read = Histogram.of(
        json.loads(json.dumps(found.buckets())),
        total=found.total,
        least=found.least,
        most=found.most,
    )
    assert read.count == found.count
    assert read.quantiles([0.5, 0.9]) == found.quantiles([0.5, 0.9])

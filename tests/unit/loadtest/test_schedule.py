from __future__ import annotations

import math
import random
from itertools import islice, pairwise

import pytest
from ensemble_loadtest.drive import arrivals_of
from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.plan import Arrivals, Load
from ensemble_loadtest.schedule import (
    Segment,
    at_random,
    evenly,
    offsets,
    read_trace,
    share,
    steps,
)
from hypothesis import given
from hypothesis import strategies as st

RATES = st.floats(0, 500)
SEGMENTS = st.lists(
    st.builds(Segment, st.floats(0.1, 5), RATES, RATES), min_size=1, max_size=4
).map(tuple)


def test_a_constant_rate_sends_at_even_gaps_from_the_start() -> None:
    found = list(offsets(steps([4], 2.0), evenly()))
    assert found == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75])


def test_a_ramp_sends_half_of_all_before_the_time_at_which_half_are_due() -> None:
    found = list(offsets([Segment(10, 0, 100)], evenly()))
    assert len(found) == 500
    assert sum(offset < 10 / math.sqrt(2) for offset in found) == 250


def test_a_rate_that_falls_is_a_ramp_too() -> None:
    found = list(offsets([Segment(10, 100, 0)], evenly()))
    assert len(found) == 500
    assert sum(offset < 5 for offset in found) == 375


def test_each_step_has_its_own_rate() -> None:
    found = list(offsets(steps([10, 0, 30], 3.0), evenly()))
    counts = [sum(second <= offset < second + 1 for offset in found) for second in range(3)]
    assert counts == [10, 0, 30]


@given(SEGMENTS)
def test_even_arrivals_rise_and_are_as_many_as_the_rate_says(segments: tuple[Segment, ...]) -> None:
    found = list(offsets(segments, evenly()))
    expected = sum(segment.arrivals for segment in segments)
    assert abs(len(found) - expected) <= 1
    assert all(before <= after for before, after in pairwise(found))
    assert all(0 <= offset <= sum(segment.seconds for segment in segments) for offset in found)


@given(st.builds(Segment, st.floats(0.1, 5), RATES, RATES), st.floats(0, 1))
def test_the_time_of_an_arrival_undoes_the_cumulative_rate(segment: Segment, part: float) -> None:
    arrivals = segment.arrivals * part
    at_s = segment.time_of(arrivals)
    slope = (segment.end_rate - segment.start_rate) / segment.seconds
    back = segment.start_rate * at_s + slope * at_s**2 / 2
    assert back == pytest.approx(arrivals, rel=1e-6, abs=1e-6)


@given(SEGMENTS, st.integers(0, 2**32))
def test_random_arrivals_rise_stay_inside_and_repeat_with_their_seed(
    segments: tuple[Segment, ...], seed: int
) -> None:
    first = list(offsets(segments, at_random(random.Random(seed))))
    assert first == list(offsets(segments, at_random(random.Random(seed))))
    assert all(before <= after for before, after in pairwise(first))
    assert all(0 <= offset <= sum(segment.seconds for segment in segments) for offset in first)


def test_a_poisson_process_has_the_mean_and_the_variance_of_one() -> None:
    found = list(offsets(steps([1000], 100), at_random(random.Random(7))))
    counts = [0] * 1000
    for offset in found:
        counts[int(offset * 10)] += 1
    mean = sum(counts) / len(counts)
    variance = sum((number - mean) ** 2 for number in counts) / (len(counts) - 1)
    # Five standard errors of each.
    assert mean == pytest.approx(100, abs=5 * math.sqrt(100 / 1000))
    assert variance == pytest.approx(100, abs=5 * 100 * math.sqrt(2 / 1000))


@given(st.integers(1, 7), st.integers(0, 40))
def test_the_shares_of_all_processes_are_the_whole_schedule(workers: int, count: int) -> None:
    whole = [number / 7 for number in range(count)]
    parts = [pair for worker in range(workers) for pair in share(whole, worker, workers)]
    assert sorted(parts) == list(enumerate(whole))


def test_the_load_chooses_how_gaps_are_drawn() -> None:
    even = Load(seconds=1, segments=steps([10], 1), arrivals=Arrivals.CONSTANT)
    assert list(arrivals_of(even)) == pytest.approx([number / 10 for number in range(10)])
    chance = Load(seconds=1, segments=steps([1000], 1), seed=3)
    assert list(arrivals_of(chance)) == list(arrivals_of(chance))
    assert list(islice(arrivals_of(Load(trace=(0.0, 0.5))), 9)) == [0.0, 0.5]


@pytest.mark.parametrize(
    "text",
    [
        "3\n3.5\n\n5\n",
        '{"offset_s": 3}\n{"offset_s": 3.5, "prompt": 1}\n{"offset_s": 5}\n',
        "id,offset_s\na,3\nb,3.5\nc,5\n",
        "3,a\n3.5,b\n5,c\n",
    ],
)
def test_a_trace_is_lines_of_numbers_json_or_csv_and_starts_at_zero(text: str) -> None:
    assert read_trace("trace", text) == [0, 0.5, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no arrival"),
        ("offset_s\n", "no arrival"),
        ("1\nx\n", "line 2: no offset"),
        ("1\nnan\n", "line 2: no offset"),
        ('{"at": 1}\n', "line 1: no offset"),
        ('{"offset_s": \n', "line 1: no JSON"),
        ("2\n1\n", "line 2: before the line above"),
        ("a,offset_s\n1\n", "line 2: no offset"),
    ],
)
def test_a_trace_that_cannot_be_replayed_names_its_line(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        read_trace("trace", text)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.state.tally import OTHER, Exemplar, Tally, TimeSeries, TimeTally


def test_amounts_of_the_same_labels_add_up():
    tally = Tally()
    tally.add(("a", "input"), 3)
    tally.add(("a", "input"))
    tally.add(("b", "input"), 0)
    assert dict(tally.read()) == {("a", "input"): 4, ("b", "input"): 0}


def test_values_that_hold_separators_never_collide():
    """G-03: keys joined as `k=v` with commas ran into each other."""
    tally = Tally()
    for labels in (("a,b=c", "d"), ("a", "b=c,d"), ('a",b="c', "d")):
        tally.add(labels)
    assert [count for _, count in tally.read()] == [1, 1, 1]


def test_label_sets_beyond_the_limit_are_counted_together():
    """G-03: a cap with an overflow label; G-02: nothing grows with traffic."""
    tally = Tally(most=3)
    for number in range(1000):
        tally.add((f"value {number}", "x"))
    tally.add(("value 1", "x"))
    counts = dict(tally.read())
    assert len(counts) == 4
    assert counts["value 1", "x"] == 2
    assert counts[OTHER, OTHER] == 997


def test_sixteen_threads_lose_no_count():
    tally = Tally()

    def add() -> None:
        for number in range(10_000):
            tally.add((str(number % 3),))

    with ThreadPoolExecutor(16) as threads:
        for done in [threads.submit(add) for _ in range(16)]:
            done.result()
    assert sum(count for _, count in tally.read()) == 160_000


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="most"):
        Tally(0)


def test_times_are_counted_in_the_bucket_that_ends_at_or_after_them():
    times = TimeTally((0.1, 1.0), lambda: 7.0)
    for seconds in (0.1, 0.2, 1.5):
        times.add(("a",), seconds)
    assert times.read() == (TimeSeries(("a",), (1, 1, 1), pytest.approx(1.8)),)


def test_the_newest_exemplar_of_each_bucket_is_kept():
    """A bucket of a histogram leads to a request that fell into it."""
    times = TimeTally((0.1,), lambda: 7.0)
    for seconds, trace in ((0.05, "t1"), (0.06, "t2"), (0.07, ""), (5.0, "t3")):
        times.add((), seconds, trace)
    (series,) = times.read()
    assert dict(series.exemplars) == {0: Exemplar("t2", 0.06, 7.0), 1: Exemplar("t3", 5.0, 7.0)}


def test_times_beyond_the_limit_are_counted_together():
    """G-02, G-03: nothing grows with traffic."""
    times = TimeTally((1.0,), lambda: 0.0, most=2)
    for number in range(100):
        times.add((str(number), "x"), 0.5)
    counts = {series.labels: sum(series.counts) for series in times.read()}
    assert counts == {("0", "x"): 1, ("1", "x"): 1, (OTHER, OTHER): 98}


def test_sixteen_threads_lose_no_time():
    times = TimeTally((0.5,), lambda: 0.0)

    def add(thread: int) -> None:
        for number in range(10_000):
            times.add((str(number % 3),), 0.25, "t" if number % 7 else "")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(16)))
    read = times.read()
    assert sum(sum(series.counts) for series in read) == 160_000
    assert sum(series.total_s for series in read) == 40_000.0

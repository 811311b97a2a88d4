from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.state.tally import OTHER, Tally


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

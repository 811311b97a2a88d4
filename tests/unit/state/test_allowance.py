from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.state.allowance import Allowances
from tests.fakes.virtual import VirtualClock


def test_so_many_at_once_then_so_many_a_second():
    clock = VirtualClock()
    allowances = Allowances(2.0, 3, clock)
    assert [allowances.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now += 0.25
    assert allowances.take("a") == 0.25
    clock.now += 0.25
    assert [allowances.take("a") for _ in range(2)] == [0, 0.5]
    clock.now += 3600
    assert [allowances.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_names_have_nothing_to_do_with_each_other():
    allowances = Allowances(1.0, 1, VirtualClock())
    assert [allowances.take(name) for name in ("a", "b", "a", "")] == [0, 0, 1, 0]


def test_no_more_names_are_remembered_than_were_allowed():
    allowances = Allowances(1.0, 1, VirtualClock(), most=2)
    assert [allowances.take(name) for name in "abab"] == [0, 0, 1, 1]
    allowances.take("c")
    assert allowances.take("a") == 0, "the one that asked longest ago begins anew"
    assert allowances.take("c") == 1


def test_threads_get_no_more_than_there_is():
    allowances = Allowances(0.001, 500, VirtualClock())
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: allowances.take("a"), range(2000)))
    assert waits.count(0) == 500


@pytest.mark.parametrize("wrong", [(0.0, 1, 1), (1.0, 0, 1), (1.0, 1, 0)])
def test_buckets_that_are_always_empty_are_refused(wrong):
    per_s, burst, most = wrong
    with pytest.raises(ValueError, match="positive"):
        Allowances(per_s, burst, VirtualClock(), most)

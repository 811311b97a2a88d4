from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.state.hedging import HedgeBudget, HedgeBudgetSettings


def budget(share: float = 0.05, cap: int = 10) -> HedgeBudget:
    return HedgeBudget(HedgeBudgetSettings(share, cap))


def test_a_hedge_is_earned_by_calls() -> None:
    hedges = budget()
    for _ in range(19):
        hedges.called()
        assert not hedges.take()
    hedges.called()
    assert hedges.take()
    assert not hedges.take()
    hedges.ended(sent=True)
    assert hedges.hedges == 1


def test_a_hedge_that_was_not_sent_is_not_counted_and_is_given_back_up_to_the_cap() -> None:
    hedges = budget(share=1, cap=1)
    hedges.called()
    assert hedges.take()
    hedges.ended(sent=False)
    assert hedges.take()
    hedges.called()
    hedges.ended(sent=False)
    assert [hedges.take(), hedges.take()] == [True, False]
    assert hedges.hedges == 0


def test_no_more_than_the_cap_is_saved_up_for_a_slow_hour() -> None:
    hedges = budget(share=1, cap=3)
    for _ in range(1000):
        hedges.called()
    assert [hedges.take() for _ in range(4)] == [True, True, True, False]


def test_shares_are_counted_exactly() -> None:
    """Added up in binary, ten times 0.1 is less than 1."""
    hedges = budget(share=0.1)
    for _ in range(10):
        hedges.called()
    assert hedges.take()


def test_wins_are_counted() -> None:
    hedges = budget()
    hedges.won()
    assert (hedges.hedges, hedges.wins) == (0, 1)


@given(
    share=st.integers(1, 1000).map(lambda thousandths: thousandths / 1000),
    cap=st.integers(1, 5),
    calls=st.lists(st.booleans(), max_size=200),
)
def test_hedges_are_never_more_than_their_share_of_the_calls(share, cap, calls) -> None:
    hedges = budget(share, cap)
    for made, asks in enumerate(calls, 1):
        hedges.called()
        if asks and hedges.take():
            hedges.ended(sent=True)
        assert hedges.hedges * 1000 <= round(share * 1000) * made


def test_no_count_is_lost_between_threads() -> None:
    hedges, begin = budget(share=0.5, cap=1000), threading.Barrier(4)

    def work() -> None:
        begin.wait()
        for _ in range(100):
            hedges.called()
            hedges.called()
            assert hedges.take()
            hedges.ended(sent=True)
            hedges.won()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result()
    assert (hedges.hedges, hedges.wins, hedges.take()) == (400, 400, False)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"share": 0.0}, "share"),
        ({"share": 1.001}, "share"),
        ({"share": float("nan")}, "share"),
        ({"cap": 0}, "cap"),
        ({"cap": 1001}, "cap"),
    ],
)
def test_settings_that_cannot_be_followed_are_named(settings, name) -> None:
    with pytest.raises(ValueError, match=name):
        HedgeBudgetSettings(**settings)

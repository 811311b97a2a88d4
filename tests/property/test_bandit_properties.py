"""What holds for the adaptive policy whatever is reported."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.bandit import (
    FORGOTTEN,
    AdaptiveSettings,
    BanditState,
    choose,
    class_of,
    learned,
)
from tests.fakes.logged import event

NAMES = ("weak", "strong", "third")
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
REPORT = st.builds(
    OutcomeReport,
    st.just("d"),
    st.sampled_from([*NAMES, "", "removed"]),
    quality=st.none() | ANY_FLOAT | st.floats(0, 1),
    accepted=st.none() | st.booleans(),
    compiled=st.none() | st.booleans(),
    reverted=st.none() | st.booleans(),
    edit_distance=st.none() | ANY_FLOAT,
    tests_passed=st.none() | st.integers(-3, 9),
    tests_total=st.none() | st.integers(-3, 9),
)


@st.composite
def rows(draw: st.DrawFn) -> Reviewed:
    reports = draw(st.lists(REPORT, max_size=3))
    decision = event(
        draw(st.sampled_from(NAMES)),
        at=draw(ANY_FLOAT | st.floats(0, 1e9)),
        task=draw(st.sampled_from(["", "a", "b"])),
    )
    return Reviewed(decision, {report.endpoint: report for report in reports})


SETTINGS = st.builds(
    AdaptiveSettings,
    half_life_s=st.floats(1, 1e8),
    prior_good=st.floats(0.01, 100),
    prior_bad=st.floats(0.01, 100),
    min_evidence=st.floats(0, 100),
    min_reward=st.floats(0, 1),
    warm_up_share=st.floats(0.01, 0.99),
    floor=st.floats(0.01, 0.99),
    draws=st.just(16),
)


@settings(deadline=None)
@given(st.lists(rows(), max_size=12), SETTINGS, st.floats(0, 1e9), st.integers(0, 2**32))
def test_no_row_breaks_it(
    log: list[Reviewed], chosen: AdaptiveSettings, now: float, seed: int
) -> None:
    state = learned(BanditState(), log, now=now, endpoints=NAMES, settings=chosen)
    for known in state.classes.values():
        for one in known.values():
            assert 0 <= one.good <= one.amount < math.inf
    for task in ("a", "b", ""):
        kind = class_of(event(task=task))
        choice = choose(state, kind, NAMES, np.random.default_rng(seed), chosen)
        assert (choice is None) == (kind not in state.classes)
        if choice is not None:
            shares = dict(choice.propensities)
            assert tuple(shares) == NAMES
            assert sum(shares.values()) == pytest.approx(1)
            assert all(0 < part <= 1 for part in shares.values())
            assert choice.endpoint in NAMES


def amount(state: BanditState, kind: str, name: str) -> float:
    one = state.classes.get(kind, {}).get(name)
    return 0.0 if one is None else one.amount


@settings(deadline=None, max_examples=50)
@given(st.lists(rows(), max_size=6), st.lists(rows(), max_size=6))
def test_outcomes_teach_the_same_in_one_portion_or_two(
    log: list[Reviewed], other: list[Reviewed]
) -> None:
    together = learned(BanditState(), [*log, *other], now=1e9, endpoints=NAMES)
    first = learned(BanditState(), log, now=1e9, endpoints=NAMES)
    apart = learned(first, other, now=1e9, endpoints=NAMES)
    assert together.skipped == apart.skipped
    for kind, known in together.classes.items():
        for name, one in known.items():
            assert abs(one.amount - amount(apart, kind, name)) <= FORGOTTEN + 1e-9

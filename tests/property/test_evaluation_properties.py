"""What holds for every log and every policy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.evaluation.estimators import effective_size, snips
from gateway.learning.evaluation.policy_value import evaluate
from gateway.learning.policies import AlwaysPolicy, GainPolicy, Policy, TaskPolicy
from tests.fakes.logged import event

NAMES = ("weak", "strong", "third")
QUALITY = st.floats(0, 1)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
PAIRS = st.lists(st.tuples(st.floats(0, 50), QUALITY), min_size=1, max_size=20).filter(
    lambda pairs: sum(weight for weight, _ in pairs) > 1e-3
)


@st.composite
def sound_rows(draw: st.DrawFn) -> Reviewed:
    parts = draw(st.tuples(*[st.integers(0, 5)] * 3).filter(any))
    shares = tuple((name, part / sum(parts)) for name, part in zip(NAMES, parts, strict=True))
    chosen = draw(st.sampled_from([name for name, share in shares if share > 0]))
    reporting = draw(st.sets(st.sampled_from(NAMES))) | {chosen}
    reports = {name: OutcomeReport("d", name, quality=draw(QUALITY)) for name in reporting}
    return Reviewed(event(chosen, propensities=shares, task=draw(st.sampled_from("ab"))), reports)


@st.composite
def any_rows(draw: st.DrawFn) -> Reviewed:
    shares = st.lists(st.tuples(st.sampled_from(NAMES), ANY_FLOAT), max_size=3).map(tuple)
    report = OutcomeReport("d", quality=draw(st.none() | ANY_FLOAT))
    decision = event(
        draw(st.sampled_from([*NAMES, ""])),
        propensities=draw(shares),
        estimates=draw(shares),
        costs=(("weak", 1), ("strong", 2), ("third", 3)),
    )
    return Reviewed(decision, {draw(st.sampled_from([*NAMES, ""])): report})


POLICIES = st.sampled_from(
    [AlwaysPolicy("strong"), AlwaysPolicy("none"), TaskPolicy((("a", "weak"),)), GainPolicy(0.1)]
)


@given(PAIRS, st.floats(-1, 1))
def test_snips_moves_with_the_rewards(pairs: list[tuple[float, float]], by: float) -> None:
    weights, rewards = np.array(pairs).T
    moved = snips(weights, rewards + by, 0.95).mean
    assert moved == pytest.approx(snips(weights, rewards, 0.95).mean + by, abs=1e-9)


@given(PAIRS)
def test_snips_stays_among_the_rewards_and_the_size_among_the_numbers(
    pairs: list[tuple[float, float]],
) -> None:
    weights, rewards = np.array(pairs).T
    assert min(rewards) - 1e-9 <= snips(weights, rewards, 0.95).mean <= max(rewards) + 1e-9
    assert 0 < effective_size(weights) <= len(pairs) + 1e-9


@settings(deadline=None)
@given(st.lists(sound_rows(), min_size=1, max_size=15))
def test_the_logged_policy_earns_what_was_earned_by_every_method(log: list[Reviewed]) -> None:
    found = evaluate(log, TaskPolicy(), rng=np.random.default_rng(0)).measured
    assert found is not None
    for method in (found.ips, found.snips, found.doubly_robust):
        assert method is not None
        assert method.mean == pytest.approx(found.logged.mean)
    assert found.gain.mean == 0
    assert found.effective_size == pytest.approx(len(log))


@settings(deadline=None)
@given(st.lists(sound_rows() | any_rows(), max_size=12), POLICIES, st.integers(0, 2**32))
def test_no_row_breaks_it(log: list[Reviewed], policy: Policy, seed: int) -> None:
    found = evaluate(log, policy, rng=np.random.default_rng(seed))
    assert found.decisions + found.undecided + found.unknown + found.skipped == len(log)
    assert -1e-9 <= found.support <= 1 + 1e-6
    assert found.supported != found.verdict.startswith("the log cannot support an answer: ")
    assert not found.supported
    if found.measured is not None:
        for _, one in found.measured.estimates:
            assert math.isfinite(one.low)
            assert one.low <= one.mean <= one.high

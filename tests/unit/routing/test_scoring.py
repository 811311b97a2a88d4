"""Which endpoint wins for which objective, by how each does now: S-01 to S-10."""

from __future__ import annotations

import math

import pytest

from gateway.core.endpoint import Endpoint
from gateway.core.hole import Objective, Priority
from gateway.core.scoring import LiveInput, ScoredEndpoint
from gateway.routing.scoring import BY_PRIORITY, FACTORS, PROFILES, below, rank

ALPHA = Endpoint("alpha")


def factors_of(live: LiveInput, *, budget_s: float = 10.0, **given: float) -> dict[str, float]:
    (scored,) = rank(
        [ALPHA],
        {"alpha": live},
        Objective.BALANCED,
        budget_s=budget_s,
        **{name: {"alpha": number} for name, number in given.items()},
    )
    return dict(scored.factors)


def winner(ranked: tuple[ScoredEndpoint, ...]) -> str:
    return ranked[0].endpoint


FLEET = [
    Endpoint("quick", cost_micros_per_1k=400),
    Endpoint("good", cost_micros_per_1k=900),
    Endpoint("cheap", cost_micros_per_1k=1),
    Endpoint("idle", cost_micros_per_1k=800),
]
NOW = {
    "quick": LiveInput(0.7, 1000, 0.7, 1000, p50_s=0.02, in_flight=6, limit=10),
    "good": LiveInput(0.99, 1000, 0.99, 1000, p50_s=4.0, in_flight=6, limit=10),
    "cheap": LiveInput(0.7, 1000, 0.6, 1000, p50_s=3.0, in_flight=7, limit=10),
    "idle": LiveInput(0.8, 1000, 0.6, 1000, p50_s=3.0, in_flight=0, limit=10),
}


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (Objective.FASTEST, "quick"),
        (Objective.ACCURATE, "good"),
        (Objective.CHEAPEST, "cheap"),
        (Objective.LEAST_LOAD, "idle"),
    ],
)
def test_each_objective_has_its_own_winner_from_the_same_inputs(
    objective: Objective, expected: str
):
    """Regression of S-02: the formula ignored the strategy, so that one endpoint always won."""
    assert winner(rank(FLEET, NOW, objective, budget_s=10.0)) == expected


def test_complete_prefers_what_fits():
    """S-02: the profile of COMPLETE weighs fit with .35."""
    fit = {"good": 0.2, "quick": 0.7}
    assert winner(rank(FLEET[:2], NOW, Objective.ACCURATE, budget_s=10.0, fit=fit)) == "good"
    assert winner(rank(FLEET[:2], NOW, Objective.COMPLETE, budget_s=10.0, fit=fit)) == "quick"


def test_profiles_have_the_numbers_of_the_reference_and_sum_up_to_one():
    """S-01, S-02: BALANCED has the weights of the seed; only CHEAPEST weighs the cost."""
    assert dict(zip(FACTORS, PROFILES[Objective.BALANCED], strict=True)) == {
        "accuracy": 0.30,
        "speed": 0.25,
        "cache": 0.15,
        "load": 0.20,
        "fit": 0.10,
        "cost": 0.0,
    }
    assert set(PROFILES) == set(Objective)
    for profile in PROFILES.values():
        assert math.fsum(profile) == pytest.approx(1.0)
    assert [one for one, profile in PROFILES.items() if profile[-1]] == [Objective.CHEAPEST]


def test_nothing_known_is_neither_good_nor_bad():
    """S-01: accuracy of one half by default; no call in flight, nothing at hand."""
    assert factors_of(LiveInput()) == {
        "accuracy": pytest.approx(0.5),
        "speed": 0.5,
        "cache": 0.0,
        "load": 1.0,
        "fit": 0.5,
        "cost": 1.0,
    }
    assert rank([ALPHA], {}, Objective.BALANCED, budget_s=1.0)[0].utility == pytest.approx(0.525)
    assert rank([], {}, Objective.BALANCED, budget_s=1.0) == ()


def test_every_factor_spans_0_to_1_so_that_utility_does():
    """Regression of S-03: cache topped at .5 and intent at .2, so that .845 was the most."""
    best = LiveInput(1.0, 10**9, 1.0, 10**9, p50_s=0.001, in_flight=0, limit=9, cached=True)
    worst = LiveInput(0.0, 10**9, 0.0, 10**9, p50_s=99.0, in_flight=9, limit=9)
    fleet = [Endpoint("best"), Endpoint("worst", cost_micros_per_1k=5)]
    for objective in Objective:
        top, bottom = rank(
            fleet,
            {"best": best, "worst": worst},
            objective,
            budget_s=10.0,
            fit={"best": 1.0, "worst": 0.0},
        )
        assert top.utility == pytest.approx(1.0)
        assert bottom.utility == pytest.approx(0.0, abs=1e-6)


def test_speed_is_relative_to_the_time_that_the_request_has():
    """Regression of S-03: whatever the budget, 80 ms and 200 ms were .231 and .208 apart."""
    fast, slow = LiveInput(p50_s=0.08), LiveInput(p50_s=0.2)
    for budget_s in (0.5, 5.0, 50.0):
        apart = (
            factors_of(fast, budget_s=budget_s)["speed"]
            - factors_of(slow, budget_s=budget_s)["speed"]
        )
        assert apart == pytest.approx(math.log(2.5) / math.log(1000))
        assert apart > 1 / 1.08 - 1 / 1.2
    assert factors_of(slow, budget_s=0.2)["speed"] == 0.0
    assert factors_of(slow, budget_s=0.0)["speed"] == 0.0


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(-1, 1), (0, 1), (0.001, 1), (0.01, 2 / 3), (0.1, 1 / 3), (1, 0), (2, 0), (math.nan, 0)],
)
def test_a_tenth_of_the_most_is_a_third_better(amount: float, expected: float):
    assert below(amount, 1.0) == pytest.approx(expected)


def test_priors_fade_as_attempts_come():
    """Regression of S-04: profiles were fixed tables, live inputs stubs of zero."""
    seen = [factors_of(LiveInput(1.0, count, 1.0, count))["accuracy"] for count in (0, 1, 10, 1000)]
    assert seen == pytest.approx([0.5, 6 / 11, 0.75, 1005 / 1010])
    assert factors_of(LiveInput(0.0, 1000, 1.0, 1000))["accuracy"] < 0.1
    lucky = {"lucky": LiveInput(1.0, 1, 1.0, 1), "proven": LiveInput(0.95, 500, 0.9, 500)}
    fleet = [Endpoint("lucky"), Endpoint("proven")]
    assert winner(rank(fleet, lucky, Objective.ACCURATE, budget_s=1.0)) == "proven"


def test_a_predicted_quality_takes_the_place_of_the_windowed_one():
    """S-04: what was learned for this request says more than the mean over others."""
    live = LiveInput(0.1, 1000, 0.1, 1000)
    assert factors_of(live, quality=0.9)["accuracy"] == 0.9
    assert factors_of(live, quality=math.nan)["accuracy"] == pytest.approx(0.104, abs=0.001)


def test_gain_is_quality_above_that_of_the_cheapest():
    quality = {"quick": 0.7, "good": 0.9, "cheap": 0.6}
    ranked = rank(FLEET, NOW, Objective.ACCURATE, budget_s=10.0, quality=quality)
    gains = {one.endpoint: (one.quality, one.gain) for one in ranked}
    assert gains == {
        "quick": (0.7, pytest.approx(0.1)),
        "good": (0.9, pytest.approx(0.3)),
        "cheap": (0.6, 0.0),
        "idle": (None, None),
    }
    unknown = rank(FLEET, NOW, Objective.ACCURATE, budget_s=10.0, quality={"good": 0.9})
    assert {one.gain for one in unknown} == {None}


@pytest.mark.parametrize(
    ("in_flight", "limit", "free"),
    [(0, 10, 1.0), (5, 10, 0.5), (10, 10, 0.0), (25, 10, 0.0), (-3, 10, 1.0), (math.nan, 10, 0.0)],
)
def test_load_is_clamped(in_flight: int, limit: int, free: float):
    """S-08: load outside 0..1, or not a number."""
    assert factors_of(LiveInput(in_flight=in_flight, limit=limit))["load"] == free


def test_load_counts_without_a_known_limit_too():
    """Regression of S-04: load was a stub of zeros."""
    free = [factors_of(LiveInput(in_flight=calls))["load"] for calls in (0, 16, 10**9)]
    assert free == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)


def test_an_answer_at_hand_wins_among_equals():
    """Regression of S-04: the cache map was empty."""
    fleet = [Endpoint("alpha"), Endpoint("beta")]
    cached = {"beta": LiveInput(cached=True)}
    assert winner(rank(fleet, cached, Objective.BALANCED, budget_s=1.0)) == "beta"


def test_ties_keep_the_order_of_the_router():
    fleet = [Endpoint("c"), Endpoint("b", priority=1), Endpoint("a", priority=1), Endpoint("d")]
    ranked = rank(fleet, {}, Objective.BALANCED, budget_s=1.0)
    assert [one.endpoint for one in ranked] == ["c", "d", "a", "b"]
    assert len({one.utility for one in ranked}) == 1


def test_priority_chooses_the_objective_of_a_request_that_names_none():
    """S-10: who waits gets the fastest, a batch the cheapest."""
    assert BY_PRIORITY == {
        Priority.INTERACTIVE: Objective.FASTEST,
        Priority.STANDARD: Objective.BALANCED,
        Priority.BATCH: Objective.CHEAPEST,
    }

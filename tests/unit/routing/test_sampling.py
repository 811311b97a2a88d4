"""Sampling by complexity and the spread of candidates: HS-15, HS-16, E-07."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.hole import Sampling
from gateway.routing.sampling import drawn_again, plan_sampling, spread, temperature_for
from tests.fakes.fleets import PLAIN, request

PLANNED = Sampling(max_tokens=256, temperature=0.7, top_p=0.95, top_k=50)


@pytest.mark.parametrize(
    ("complexity", "expected"),
    [(0.0, 0.7), (0.5, 0.7), (0.51, 0.5), (0.8, 0.5), (0.81, 0.3), (1.0, 0.3)],
)
def test_temperature_falls_with_complexity(complexity: float, expected: float) -> None:
    assert temperature_for(complexity) == expected
    assert plan_sampling(request(), PLAIN, complexity).temperature == expected


def test_defaults() -> None:
    assert plan_sampling(request(), PLAIN, 0.0) == PLANNED


def test_top_k_stays_open_where_the_protocol_lacks_it() -> None:
    openai = Endpoint("o", protocol=Protocol.OPENAI)
    assert plan_sampling(request(), openai, 0.0).top_k is None
    assert plan_sampling(request(sampling=Sampling(top_k=3)), openai, 0.0).top_k == 3


def test_the_caller_s_values_always_win() -> None:
    asked = Sampling(max_tokens=1, temperature=0.0, top_p=0.1, top_k=0, seed=0, stop=("\n",))
    assert plan_sampling(request(sampling=asked), PLAIN, 1.0) == asked


def test_candidate_0_keeps_the_plan() -> None:
    assert spread(PLANNED, 0, 4, request=request()) is PLANNED


def test_candidates_differ_in_seed_and_temperature() -> None:
    """Regression of E-07: all N requests were identical."""

    def defective(sampling: Sampling, n: int) -> list[Sampling]:
        return [sampling for _ in range(n)]

    ours = [spread(PLANNED, index, 16, request=request()) for index in range(16)]
    assert len(set(defective(PLANNED, 16))) == 1
    assert len(set(ours)) == 16
    assert len({one.seed for one in ours}) == 16
    temperatures = [one.temperature or 0.0 for one in ours[1:]]
    assert temperatures == sorted(temperatures)
    assert 0.35 < temperatures[0] < temperatures[-1] == 1.3


def test_temperatures_stay_within_bounds() -> None:
    hot = replace(PLANNED, temperature=1.4)
    for index in range(8):
        assert 0.0 <= (spread(hot, index, 8, request=request()).temperature or 0.0) <= 1.5


def test_an_open_temperature_is_spread_around_the_default() -> None:
    assert spread(Sampling(), 1, 2, request=request()).temperature == 1.3


def test_a_temperature_fixed_by_the_caller_is_kept() -> None:
    asked = request(sampling=Sampling(temperature=0.2))
    planned = plan_sampling(asked, PLAIN, 0.9)
    ours = [spread(planned, index, 4, request=asked) for index in range(4)]
    assert {one.temperature for one in ours} == {0.2}
    assert len({one.seed for one in ours}) == 4


def test_without_a_request_only_the_seed_is_spread() -> None:
    ours = [spread(PLANNED, index, 4) for index in range(4)]
    assert {one.temperature for one in ours} == {0.7}
    assert len({one.seed for one in ours}) == 4


def test_seeds_are_the_same_for_the_same_request_and_differ_between_requests() -> None:
    first, again = (spread(PLANNED, 1, 2, request=request()) for _ in range(2))
    other = spread(PLANNED, 1, 2, request=replace(request(), request_id="request-2"))
    assert first == again
    assert first.seed != other.seed
    assert first.seed is not None
    assert 0 <= first.seed < 2**31


def test_seeds_go_on_from_the_caller_s_seed() -> None:
    seeded = replace(PLANNED, seed=2**64 - 1)
    seeds = [spread(seeded, index, 16, request=request()).seed for index in range(16)]
    assert seeds[0] == 2**64 - 1
    assert len(set(seeds)) == 16
    other = replace(request(), request_id="request-2")
    assert seeds == [spread(seeded, index, 16, request=other).seed for index in range(16)]


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="not one of 3"):
        spread(PLANNED, index, 3)


def test_another_try_at_the_same_text_is_another_draw_and_always_the_same_one() -> None:
    planned = Sampling(temperature=0.3)
    assert drawn_again(planned, 0, "r") is planned
    again = [drawn_again(planned, turn, "r") for turn in range(1, 9)]
    assert len({sampling.seed for sampling in again}) == 8
    assert again == [drawn_again(planned, turn, "r") for turn in range(1, 9)]
    assert {sampling.temperature for sampling in again} == {0.3}
    assert drawn_again(Sampling(seed=7), 1, "a") == drawn_again(Sampling(seed=7), 1, "b")

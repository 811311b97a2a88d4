"""What holds for every fusion, ranking and cascade, whatever the matchers say."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.core.endpoint import Endpoint
from gateway.core.hole import Objective
from gateway.core.matching import LayerName, LayerStatus, Level, Proposal, ThresholdSet
from gateway.core.scoring import LiveInput, ScoredEndpoint
from gateway.routing.cascade import ORDER, Cascade, Ending, Ran
from gateway.routing.fuse import FusionSettings, fuse
from gateway.routing.scoring import FACTORS, rank
from tests.fakes.answered import run
from tests.fakes.values import make_request

# A busy machine is no failure of the product.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = [*LayerName, "own"]
POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
SHARE = st.floats(0, 1)
FUSIONS = st.builds(
    FusionSettings,
    boost=st.floats(0.01, 100),
    high=SHARE,
    medium=SHARE,
    coverage=SHARE,
    ambiguity=SHARE,
    flag_ambiguity=st.booleans(),
)


@st.composite
def said(draw: st.DrawFn, names: list[str]) -> tuple[Proposal, ...]:
    """Draw what a subset of the matchers says, in any order."""
    subset = draw(st.lists(st.sampled_from(names), unique=True))
    return tuple(
        Proposal(
            name,
            draw(st.sampled_from(["", "alpha", "beta", "gamma"])),
            draw(SHARE),
            draw(st.sampled_from(["", "topic"])),
            abstained=draw(st.booleans()),
        )
        for name in subset
    )


@given(said(NAMES), st.dictionaries(st.sampled_from(NAMES), POSITIVE), FUSIONS)
@CALM
def test_every_number_of_a_fusion_is_within_0_and_1(
    proposals: tuple[Proposal, ...], weights: dict[str, float], fusion: FusionSettings
):
    """X-13: scores stay in 0..1 for every subset of matchers and any positive weights."""
    match = fuse(proposals, weights, fusion)
    numbers = [match.evidence, match.coverage]
    numbers += [score for _, score in match.candidates]
    numbers += [part for _, part in match.contributions]
    assert all(0 <= number <= 1 for number in numbers)
    scores = [score for _, score in match.candidates]
    assert scores == sorted(scores, reverse=True)
    assert (match.level is Level.NONE) == (match.endpoint == "")
    named = {one.endpoint for one in proposals if not one.abstained and one.confidence > 0}
    assert {endpoint for endpoint, _ in match.candidates} == named - {""}


@given(said(NAMES), st.dictionaries(st.sampled_from(NAMES), POSITIVE), FUSIONS, st.randoms())
@CALM
def test_no_order_of_proposals_changes_a_fusion(
    proposals: tuple[Proposal, ...], weights: dict[str, float], fusion: FusionSettings, chance
):
    shuffled = list(proposals)
    chance.shuffle(shuffled)
    assert fuse(shuffled, weights, fusion) == fuse(proposals, weights, fusion)


@given(said(NAMES), st.floats(0.01, 0.99))
@CALM
def test_one_more_voice_for_the_winner_never_lowers_its_coverage(
    proposals: tuple[Proposal, ...], confidence: float
):
    weights = dict.fromkeys([*NAMES, "another"], 0.4)
    match = fuse(proposals, weights)
    assume(match.endpoint)
    more = fuse([*proposals, Proposal("another", match.endpoint, confidence)], weights)
    if more.endpoint == match.endpoint:
        assert more.coverage >= match.coverage - 1e-12


@given(
    said(list(ORDER)), st.dictionaries(st.sampled_from(ORDER), SHARE), st.booleans(), st.booleans()
)
@CALM
def test_a_cascade_records_every_layer_once_and_follows_only_the_first_that_is_sure(
    proposals: tuple[Proposal, ...],
    thresholds: dict[LayerName, float],
    best_effort: bool,
    shadow: bool,
):
    answers = {LayerName(one.layer): Ran.of(one) for one in proposals}
    known = ThresholdSet(7, tuple(thresholds.items()))
    cascade = Cascade(known, make_request(), best_effort=best_effort, shadow=shadow)
    found = run(cascade, answers)
    assert [record.layer for record in found.records] == [*ORDER, LayerName.CLARIFY]
    decided = [
        record.layer
        for record in found.records
        if record.status is LayerStatus.DECIDED and not record.shadow
    ]
    assert decided == ([found.layer] if found.ending is Ending.DECIDED else [])
    assert (found.clarification is not None) == (found.ending is Ending.CLARIFICATION)
    if found.ending is Ending.CLARIFICATION:
        assert (found.layer, found.proposal, found.confidence) == (None, None, 0.0)
    assert all(0 <= record.confidence <= 1 for record in found.records)
    assert best_effort or found.ending is not Ending.BEST_EFFORT


NUMBER = st.floats() | st.none()
LIVE = st.builds(
    LiveInput,
    success_rate=NUMBER,
    attempts=st.integers(-5, 10**6),
    quality=NUMBER,
    judged=st.integers(-5, 10**6),
    p50_s=NUMBER,
    in_flight=st.integers(-5, 10**6),
    limit=st.integers(-5, 10**3),
    cached=st.booleans(),
)
ENDPOINTS = st.lists(
    st.builds(
        Endpoint,
        st.sampled_from("abcdefgh"),
        priority=st.integers(0, 3),
        cost_micros_per_1k=st.integers(0, 10**9),
    ),
    unique_by=lambda endpoint: endpoint.name,
    min_size=1,
)
BY_NAME = st.dictionaries(st.sampled_from("abcdefgh"), st.floats())
OBJECTIVES = st.sampled_from(list(Objective))


@given(
    ENDPOINTS,
    st.dictionaries(st.sampled_from("abcdefgh"), LIVE),
    OBJECTIVES,
    st.floats(),
    BY_NAME,
    BY_NAME,
)
@CALM
def test_every_number_of_a_ranking_is_within_its_bounds(
    endpoints: list[Endpoint],
    inputs: dict[str, LiveInput],
    objective: Objective,
    budget_s: float,
    quality: dict[str, float],
    fit: dict[str, float],
):
    """S-03, S-08: whatever comes in, each factor and the utility stay within 0..1."""
    ranked = rank(endpoints, inputs, objective, budget_s=budget_s, quality=quality, fit=fit)
    assert sorted(one.endpoint for one in ranked) == sorted(one.name for one in endpoints)
    for one in ranked:
        assert 0 <= one.utility <= 1
        assert [name for name, _ in one.factors] == list(FACTORS)
        assert all(0 <= number <= 1 for _, number in one.factors)
        assert one.quality is None or 0 <= one.quality <= 1
        assert one.gain is None or -1 <= one.gain <= 1
    assert ranked == rank(
        endpoints[::-1], inputs, objective, budget_s=budget_s, quality=quality, fit=fit
    )


SANE = st.builds(
    LiveInput,
    success_rate=SHARE,
    attempts=st.integers(1, 1000),
    quality=SHARE,
    judged=st.integers(1, 1000),
    p50_s=st.floats(0.001, 100),
    in_flight=st.integers(0, 100),
    limit=st.integers(1, 100),
    cached=st.booleans(),
)


def _place(ranked: tuple[ScoredEndpoint, ...], name: str) -> int:
    return [one.endpoint for one in ranked].index(name)


@given(ENDPOINTS, st.lists(SANE, min_size=8, max_size=8), OBJECTIVES, st.data())
@CALM
def test_doing_better_in_a_factor_never_costs_an_endpoint_its_rank(
    endpoints: list[Endpoint], lives: list[LiveInput], objective: Objective, data: st.DataObject
):
    inputs = dict(zip("abcdefgh", lives, strict=True))
    one = data.draw(st.sampled_from(endpoints))
    before = rank(endpoints, inputs, objective, budget_s=10.0, fit={one.name: 0.3})
    live, fit, cost = inputs[one.name], 0.3, one.cost_micros_per_1k
    match data.draw(st.sampled_from(FACTORS)):
        case "accuracy":
            live = replace(live, success_rate=1.0, quality=1.0)
        case "speed":
            live = replace(live, p50_s=data.draw(st.floats(0, live.p50_s or 0)))
        case "cache":
            live = replace(live, cached=True)
        case "load":
            live = replace(live, in_flight=data.draw(st.integers(0, live.in_flight)))
        case "fit":
            fit = data.draw(st.floats(0.3, 1))
        case _:
            cost = data.draw(st.integers(0, cost))
    better = replace(one, cost_micros_per_1k=cost)
    after = rank(
        [better if other is one else other for other in endpoints],
        inputs | {one.name: live},
        objective,
        budget_s=10.0,
        fit={one.name: fit},
    )
    assert _place(after, one.name) <= _place(before, one.name)
